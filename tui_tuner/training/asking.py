"""Asking a run that another process trains to pause, to go on or to stop: a file in its folder, taken away when heard.

A wish names the session it is meant for, by when that began: one that was left behind, or comes too late, is never
obeyed by a later session.
"""

from __future__ import annotations

import contextlib
import json
import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args

from tui_tuner.errors import TrainingError
from tui_tuner.files import storage_errors, write_json
from tui_tuner.language import _
from tui_tuner.progress import StopToken
from tui_tuner.training.history import RunHistory

log = logging.getLogger(__name__)

Wish = Literal["pause", "go on", "stop"]

ASKED = "asked.json"
EVERY = 0.5  # seconds between two looks at whether something was asked
PATIENCE = 10.0  # seconds after which nobody is there who hears it


class Asking:
    """One wish, on its way to the process that trains.

    Args:
        run: the run's folder.
        history: what the run has told: which session is asked.
        wish: what is wanted.

    Raises:
        TrainingError: it does not run.
        StorageError: the folder cannot be written.
    """

    def __init__(self, run: Path, history: RunHistory, wish: Wish) -> None:
        if not history.running or history.started is None:
            raise _nobody_trains(run)
        self.wish = wish
        self._run, self._path = run, run / ASKED
        self._until = time.monotonic() + PATIENCE
        write_json(self._path, {"session": history.started.time, "wish": wish})

    def heard(self) -> bool:
        """Whether it has been heard.

        Raises:
            TrainingError: nobody has within `PATIENCE`; the wish is withdrawn.
        """
        if not self._path.exists():
            return True
        if time.monotonic() < self._until:
            return False
        with storage_errors(self._path):
            self._path.unlink(missing_ok=True)
        raise _nobody_trains(self._run)


def _nobody_trains(run: Path) -> TrainingError:
    return TrainingError(
        _("nobody trains {run} just now", run=run.name),
        advice=_("Go on with it: tuner train --resume --run {run}", run=run.name),
    )


@contextlib.contextmanager
def obeying(run: Path, session: float, stop: StopToken, every: float = EVERY) -> Iterator[None]:
    """Do what is asked of the session that began at `session`, by way of its token, while the block runs.

    What was asked before is forgotten.
    """
    _take(run)
    over = threading.Event()

    def listen() -> None:
        while not over.wait(every):
            if (asked := _take(run)) is not None:
                _obey(asked, session, stop)

    thread = threading.Thread(target=listen, name="asking", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _take(run: Path) -> object:
    """What was asked, taken away; None where that is nothing."""
    taken = run / f".{ASKED}.taken"
    try:
        (run / ASKED).replace(taken)  # at once: what is asked next is not lost with it
        asked = json.loads(taken.read_bytes())
        taken.unlink()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as problem:
        log.warning("what was asked of %s cannot be read: %s", run.name, problem)
        return None
    return asked


def _obey(asked: object, session: float, stop: StopToken) -> None:
    wish = asked.get("wish") if isinstance(asked, dict) and asked.get("session") == session else None
    if wish not in get_args(Wish):
        log.warning("a wish that is not meant for this session: %.200r", asked)
    elif wish == "stop":
        stop.request()
    elif wish == "pause":
        stop.pause()
    else:
        stop.unpause()
