"""What a run passes between two units of work: it may go on, waits while it is paused, or ends."""

from __future__ import annotations

import time
from collections.abc import Callable

from tui_tuner.progress import Emit, StopToken
from tui_tuner.training.checkpoint import Progress
from tui_tuner.training.events import TrainingContinued, TrainingPaused
from tui_tuner.training.running_clock import RunningClock


class Turnstile:
    """Asks the stop token. A run that has to wait is put on the disk first: pausing is as safe as stopping.

    Args:
        stop: says whether to go on.
        progress: how far the run is.
        clock: stands still meanwhile.
        keep: puts everything on the disk as it stands.
        tell: hears that the run is paused, and that it goes on.
    """

    def __init__(
        self, stop: StopToken, progress: Progress, clock: RunningClock, keep: Callable[[], None], tell: Emit
    ) -> None:
        self._stop, self._progress, self._clock = stop, progress, clock
        self._keep, self._tell = keep, tell

    def check(self) -> None:
        """Return when the run may go on.

        Raises:
            Stopped: it is to end.
        """
        if self._stop.paused:
            self._hold()
        self._stop.check()

    def as_token(self) -> StopToken:
        """The same for work that asks a token."""
        return _Passing(self, self._stop)

    def _hold(self) -> None:
        self._keep()
        self._tell(TrainingPaused(self._progress.iteration, time.time()))
        with self._clock.standing_still():
            self._stop.check()
        self._tell(TrainingContinued(self._progress.iteration, time.time()))


class _Passing(StopToken):
    """Looks at one token, and waits and ends at the turnstile."""

    def __init__(self, turnstile: Turnstile, stop: StopToken) -> None:
        super().__init__()
        self._turnstile, self._asked = turnstile, stop

    @property
    def requested(self) -> bool:
        """Whether the run was asked to end."""
        return self._asked.requested

    def check(self) -> None:
        """Return when the run may go on; raise `Stopped` where it is to end."""
        self._turnstile.check()
