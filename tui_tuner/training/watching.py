"""Watching a run that another process does, from its folder."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from tui_tuner.progress import Event, StopToken
from tui_tuner.project import Project
from tui_tuner.project_lock import is_worked_on
from tui_tuner.training.history import RunHistory
from tui_tuner.training.run_tail import RunTail

LOOK_SECONDS = 0.5


def watch(project: Project, run: Path, stop: StopToken) -> Iterator[Event]:
    """Every event of `run`, from its first one, as long as a process works on its project.

    Raises:
        StorageError: the run cannot be read.
        Stopped: asked to.
    """
    tail, history = RunTail(run), RunHistory()
    while True:
        working = is_worked_on(project)  # asked before reading: what the last process wrote is then read
        for event, when in tail.news().events:
            history.apply(event, time=when)
            yield event
        if not working or (history.ended and time.time() - history.ended.time > LOOK_SECONDS):
            return
        stop.wait(LOOK_SECONDS)
