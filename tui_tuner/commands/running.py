"""Running one job headless: on the engine's thread, stopped by Ctrl-C with everything kept."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType

from tui_tuner.commands.output import Output
from tui_tuner.engine import running_engine
from tui_tuner.jobs import Job, Work
from tui_tuner.language import _
from tui_tuner.progress import Event
from tui_tuner.project import Project
from tui_tuner.project_lock import project_lock


def run_job(name: str, work: Work, output: Output, *, on_engine: bool = True) -> Job:
    """Run `work` to its end and show its events. The first Ctrl-C asks it to save and stop.

    Returns:
        The ended job; its `ended.exit_code` is the command's.
    """
    with running_engine() as engine:
        job = Job(name, work, lambda event: _show(event), engine if on_engine else None)

        def _show(event: Event) -> None:
            output.event(event)
            if output.broken:
                job.stop()

        with stop_on_signals(job):
            job.start()
            job.wait()
    return job


def run_project_job(project: Project, name: str, work: Work, output: Output, *, on_engine: bool = True) -> Job:
    """`run_job`, holding the project against other processes.

    Raises:
        ProjectLocked: another process works on it.
    """
    with project_lock(project):
        return run_job(name, work, output, on_engine=on_engine)


def exit_code(job: Job) -> int:
    """What a command that ran `job` returns."""
    return job.ended.exit_code if job.ended else 1


@contextlib.contextmanager
def stop_on_signals(job: Job) -> Iterator[None]:
    """Turn Ctrl-C, a closed terminal and `kill` into a request to save and stop."""

    def ask(_number: int, _frame: FrameType | None) -> None:
        if not job.stop_token.requested:
            sys.stderr.write("\n" + _("Stopping: saving what is done…") + "\n")
        job.stop()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, ask) for number in signals]
    try:
        yield
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)
