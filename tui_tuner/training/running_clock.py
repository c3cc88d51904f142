"""A clock that stands still while nothing is done: a run is paused, its process is stopped, or the machine sleeps.

Rates and times left would otherwise count an hour in which the laptop was closed, or in which the process was stopped
with ctrl+z, as the longest step ever. A process cannot know that it was stopped, but its threads can: one of them looks
at the clock twice a second, and where it could not for several seconds nobody was running.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

BEAT = 0.5  # seconds between two looks at the clock
LONGEST_GAP = 3.0  # seconds between two looks that a busy machine may need; MLX lets other threads run meanwhile


class RunningClock:
    """Seconds of running, from any thread; only differences mean something.

    Args:
        now: seconds that never go backwards; a test gives its own.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._guard = threading.Lock()
        self._last = now()
        self._lost = 0.0
        self._beating = False

    def __call__(self) -> float:
        """Seconds of running so far."""
        with self._guard:
            now = self._now()
            gap, self._last = now - self._last, now
            if self._beating and gap > LONGEST_GAP:
                self._lost += gap
            return now - self._lost

    @contextlib.contextmanager
    def beating(self) -> Iterator[RunningClock]:
        """Notice, for the length of a block, when the process or the machine was stopped."""
        over = threading.Event()

        def beat() -> None:
            while not over.wait(BEAT):
                self()

        thread = threading.Thread(target=beat, name="running clock", daemon=True)
        self()
        self._beating = True
        thread.start()
        try:
            yield self
        finally:
            self._beating = False
            over.set()
            thread.join()

    @contextlib.contextmanager
    def standing_still(self) -> Iterator[None]:
        """Do not count the time of a block."""
        before = self()
        try:
            yield
        finally:
            after = self()
            with self._guard:
                self._lost += after - before
