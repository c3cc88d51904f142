"""Whether training became slower because the machine is held back."""

from __future__ import annotations

import statistics
from collections import deque

from tui_tuner.language import _

ENOUGH = 5  # reports to compare; single steps differ by their shapes
REMEMBERED = 30
CLEARLY = 0.85  # of the usual pace


class Slowing:
    """Compares the pace while something holds the machine back with the pace before."""

    def __init__(self) -> None:
        self._usual: deque[float] = deque(maxlen=REMEMBERED)
        self._held_back: deque[float] = deque(maxlen=ENOUGH)
        self._told = False

    def see(self, pace: float, hindrance: str) -> str:
        """What a person should be told after one more report; mostly nothing.

        Args:
            pace: tokens per second.
            hindrance: what holds the machine back, the end of a sentence; empty where nothing does.
        """
        if not hindrance:
            self._usual.append(pace)
            self._held_back.clear()
            was_told, self._told = self._told, False
            return _("nothing holds the machine back any more") if was_told else ""
        self._held_back.append(pace)
        if self._told or len(self._usual) < ENOUGH or len(self._held_back) < ENOUGH:
            return ""
        share = statistics.median(self._held_back) / statistics.median(self._usual)
        if share > CLEARLY:
            return ""
        self._told = True
        words = {"percent": round(100 * (1 - share)), "why": hindrance}
        return _("training is {percent} % slower than before: {why}", **words)
