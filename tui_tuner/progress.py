"""The contract of every long job: the events it emits and the token that pauses and stops it.

A long job is a plain function of the core::

    def work(plan: Plan, *, emit: Emit, stop: StopToken) -> Result: ...

It emits frozen `Event`s and asks the token once per unit of work. Asked to stop it saves what it has and raises
`Stopped`. It neither prints nor asks anything.
"""

from __future__ import annotations

import dataclasses
import re
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tui_tuner.errors import Stopped
from tui_tuner.language import _


@dataclass(frozen=True)
class Event:
    """Something that happened in a job. Subclasses hold plain values, so that every event is one line of JSON."""

    @property
    def kind(self) -> str:
        """The class's name in snake case: `stage_progress` for `StageProgress`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", type(self).__name__).lower()

    def as_json(self) -> dict[str, Any]:
        """The event as plain JSON values, its `kind` under `event`."""
        return {"event": self.kind, **_plain(dataclasses.asdict(self))}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


@dataclass(frozen=True)
class StageProgress(Event):
    """How far a stage is.

    Attributes:
        stage: its name as a person reads it.
        done: units finished, counted from the very beginning (a resumed job starts above 0).
        total: units in all; None where nobody can know.
        unit: what is counted, in the plural: "answers", "MB".
        rate: units per second of this session, None before it is known.
        eta_seconds: seconds left at this rate, None where it is not known.
        ended: this is the stage's last word.
        detail: one short remark, such as the file in work.
        eta_error_seconds: how far off the seconds left may be, where that is known.
    """

    stage: str
    done: float
    total: float | None = None
    unit: str = ""
    rate: float | None = None
    eta_seconds: float | None = None
    ended: bool = False
    detail: str = ""
    eta_error_seconds: float | None = None


@dataclass(frozen=True)
class Notice(Event):
    """A sentence a person should read: `warning` where something is not as it should be."""

    text: str
    level: Literal["info", "warning"] = "info"


Emit = Callable[[Event], None]


def ignore_event(event: Event) -> None:
    """An `Emit` for callers that do not care."""


class StopToken:
    """Asked once per unit of work whether to go on; may be paused; safe to use from any thread."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._go_on = threading.Event()
        self._go_on.set()

    def request(self) -> None:
        """Ask the job to save what it has and end."""
        self._stop.set()
        self._go_on.set()

    @property
    def requested(self) -> bool:
        """Whether the job was asked to end; does not wait, even while paused."""
        return self._stop.is_set()

    def pause(self) -> None:
        """Hold the job at its next unit of work."""
        if not self.requested:
            self._go_on.clear()

    def unpause(self) -> None:
        """Let a held job go on."""
        self._go_on.set()

    @property
    def paused(self) -> bool:
        """Whether the job is held."""
        return not self._go_on.is_set()

    def check(self) -> None:
        """Wait while paused, then raise `Stopped` if asked to end."""
        self._go_on.wait()
        if self.requested:
            raise Stopped(_("stopped; everything done so far is kept"))

    def wait(self, seconds: float) -> None:
        """Sleep up to `seconds`, cut short by a request to end, then `check`."""
        self._stop.wait(seconds)
        self.check()


class Pace:
    """Counts a stage's units and says its rate and ETA.

    The rate is taken over the last `window` reports, so that it follows a machine that slows down, and units done by an
    earlier session never flatter it.

    Args:
        stage: its name as a person reads it.
        total: units in all, None where nobody can know.
        unit: what is counted, in the plural.
        emit: who hears of it.
        done: units an earlier session has finished.
        clock: seconds; a test gives its own.
    """

    def __init__(
        self,
        stage: str,
        total: float | None,
        unit: str,
        emit: Emit,
        *,
        done: float = 0,
        window: int = 50,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.stage, self.total, self.unit, self.done = stage, total, unit, done
        self._emit, self._clock = emit, clock
        self._marks: deque[tuple[float, float]] = deque([(clock(), done)], maxlen=window + 1)
        self.report()

    def advance(self, units: float = 1, detail: str = "") -> None:
        """Count `units` more and say so."""
        self.reach(self.done + units, detail)

    def reach(self, done: float, detail: str = "") -> None:
        """Set the count to `done` and say so."""
        self.done = done
        self._marks.append((self._clock(), done))
        self.report(detail)

    def finish(self, detail: str = "") -> None:
        """Say that the stage has ended."""
        self.report(detail, ended=True)

    def report(self, detail: str = "", *, ended: bool = False) -> None:
        """Emit where the stage stands, without counting anything."""
        (then, before), (now, after) = self._marks[0], self._marks[-1]
        rate = (after - before) / (now - then) if now > then and after > before else None
        left = (self.total - self.done) / rate if rate and self.total is not None else None
        self._emit(
            StageProgress(self.stage, self.done, self.total, self.unit, rate, 0.0 if ended else left, ended, detail)
        )
