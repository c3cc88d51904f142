"""Points that keep coming, ready to be drawn: what was looked at once is not looked at again."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tui_tuner.widgets.braille import Stretch, stretches

Point = tuple[float, float]


class GrowingLine:
    """The stretches of a list of points that mostly gets longer.

    Attributes:
        parts: its points, in the order of x, cut at the gaps.
    """

    def __init__(self) -> None:
        self.parts: list[Stretch] = []
        self._count = 0
        self._last: Point | None = None

    def take(self, points: Sequence[Point]) -> None:
        """Make `parts` those of `points`; only the new ones are looked at where the list has grown at its end."""
        known = self._count
        grown = 0 < known <= len(points) and points[known - 1] == self._last
        if not (grown and self._append(points[known:])):
            self.parts = stretches(points)
        self._count = len(points)
        self._last = points[-1] if points else None

    def _append(self, points: Sequence[Point]) -> bool:
        """Add to the last stretch; False where a gap or another order asks for all of it."""
        if not self.parts or self._last is None or self.parts[-1].xs[-1] != self._last[0]:
            return False
        xs, ys = list(self.parts[-1].xs), list(self.parts[-1].ys)
        for x, y in points:
            if not (math.isfinite(y) and math.isfinite(x)) or x < xs[-1]:
                return False
            xs.append(x)
            ys.append(y)
        self.parts[-1] = Stretch(xs, ys)
        return True
