"""A job: one long piece of work of the core, started, watched, paused and stopped from outside.

The app and the headless commands start the same jobs. A job never raises: how it ended is an event, `JobEnded`,
the last one it emits.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from tui_tuner.engine import Engine
from tui_tuner.errors import Stopped, TunerError
from tui_tuner.language import _
from tui_tuner.progress import Emit, Event, StopToken

log = logging.getLogger(__name__)

Outcome = Literal["done", "stopped", "failed"]
Work = Callable[[Emit, StopToken], Any]


@dataclass(frozen=True)
class JobEnded(Event):
    """The last event of a job.

    Attributes:
        job: its name.
        outcome: `done`, `stopped` (asked to; everything kept) or `failed`.
        message: what happened, for a person; empty when done.
        advice: what to do next; may be empty.
        exit_code: what a command that ran only this job returns.
    """

    job: str
    outcome: Outcome
    message: str = ""
    advice: str = ""
    exit_code: int = 0


class Job:
    """Work that runs on the engine's thread, or on one of its own when it does not touch MLX.

    Args:
        name: as a person reads it: "training".
        work: the function; it gets an `emit` and a `stop`.
        emit: hears every event, on the job's thread; the last one is `JobEnded`.
        engine: where it runs; None gives it a thread of its own.

    Attributes:
        result: what the work returned; None until it is done.
        ended: its last event, once it has ended.
        error: why it failed, where a person can act on it.
    """

    def __init__(self, name: str, work: Work, emit: Emit, engine: Engine | None) -> None:
        self.name = name
        self.stop_token = StopToken()
        self.result: Any = None
        self.ended: JobEnded | None = None
        self.error: TunerError | None = None
        self._work, self._emit, self._engine = work, emit, engine
        self._over = threading.Event()

    def start(self) -> Job:
        """Start the work.

        Raises:
            EngineBusy: the MLX thread has another heavy job.
        """
        if self._engine is not None:
            self._engine.submit_heavy(self.name, self._run)
        else:
            threading.Thread(target=self._run, name=self.name, daemon=False).start()
        return self

    @property
    def running(self) -> bool:
        """Whether the work has not ended yet."""
        return not self._over.is_set()

    def stop(self) -> None:
        """Ask the work to save and end; it does so at its next unit."""
        self.stop_token.request()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the work has ended; False if `timeout` seconds were not enough."""
        return self._over.wait(timeout)

    def _run(self) -> None:
        try:
            self.result = self._work(self._emit, self.stop_token)
            ended = JobEnded(self.name, "done")
        except Stopped as stopped:
            ended = JobEnded(self.name, "stopped", str(stopped), exit_code=stopped.exit_code)
        except TunerError as error:
            self.error = error
            log.warning("%s failed: %s", self.name, error)
            what = f"{error.where}: {error.what}" if error.where else error.what
            ended = JobEnded(self.name, "failed", what, error.advice, error.exit_code)
        except Exception as error:
            log.exception("%s failed", self.name)
            ended = JobEnded(
                self.name,
                "failed",
                f"{type(error).__name__}: {error}",
                _("This is a mistake of the program; the details are in its log. What was done is kept."),
                1,
            )
        self.ended = ended
        # The last event before `_over`: whoever waits for the end has then heard everything.
        try:
            self._emit(ended)
        finally:
            self._over.set()
