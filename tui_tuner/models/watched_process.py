"""A process of another program that downloads something: watched while it runs, ended when the person asks."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tui_tuner.files import storage_errors
from tui_tuner.progress import StopToken

LOOK_EVERY = 0.2  # seconds between two looks


def run_watched(
    command: Sequence[str],
    *,
    log: Path,
    stop: StopToken,
    look: Callable[[], None],
    environment: Mapping[str, str] | None = None,
) -> int:
    """Run `command` to its end and return its exit code.

    Args:
        command: the program and its arguments.
        log: receives everything it writes, to stdout and to stderr.
        stop: asked at every look.
        look: called several times a second, and once after the end.
        environment: variables on top of ours.

    Raises:
        StorageError: `log` cannot be written or the program not started.
        Stopped: asked to; the process and its children have ended.
    """
    with running(command, log=log, environment=environment) as process:
        while process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(LOOK_EVERY)
            stop.check()
            look()
    look()
    return process.returncode


@contextlib.contextmanager
def running(
    command: Sequence[str], *, log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `command` while the block runs; the process and its children end with the block.

    Args:
        command: the program and its arguments.
        log: receives everything it writes, to stdout and to stderr.
        environment: variables on top of ours.

    Raises:
        StorageError: `log` cannot be written or the program not started.
    """
    with storage_errors(log), log.open("wb") as output:
        process = subprocess.Popen(
            list(command),
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # A session of its own: Ctrl-C in the terminal reaches us alone, and we end the process in good order.
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def said_in(log: Path) -> dict[str, Any]:
    """What a process that answers in lines of JSON has said in `log` so far: later lines over earlier ones."""
    said: dict[str, Any] = {}
    with contextlib.suppress(OSError):
        for line in log.read_text(errors="replace").splitlines():
            if line.startswith("{"):
                with contextlib.suppress(ValueError):
                    said.update(json.loads(line))
    return said
