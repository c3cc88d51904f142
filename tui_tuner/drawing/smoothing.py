"""The smoothed line over a noisy one, as TensorBoard and Weights & Biases draw it."""

from __future__ import annotations

import math
from collections.abc import Sequence

Point = tuple[float, float]


class SmoothedLine:
    """Averages each value with those before it, the older the less; what was averaged once is not averaged again.

    The average starts at 0 and would drag the first values down; dividing by `1 - weight**n` takes that out exactly
    (the bias correction of Adam, Kingma & Ba 2014, which TensorBoard uses for its charts too).

    Args:
        weight: 0 (no smoothing) to below 1; 0.9 looks back over about ten values.

    Raises:
        ValueError: `weight` is not in [0, 1).
    """

    def __init__(self, weight: float) -> None:
        if not 0 <= weight < 1:
            raise ValueError(f"weight is {weight}, expected 0 <= weight < 1")
        self.weight = weight
        self._points: list[Point] = []
        self._last: Point | None = None
        self._average, self._missing = 0.0, 1.0  # missing: the part that is still the start, weight**n

    def of(self, points: Sequence[Point]) -> list[Point]:
        """One (x, smoothed y) per point; NaN and infinity become gaps (NaN) and do not touch the average.

        Quick for a list that has grown at its end since the last time.
        """
        known = len(self._points)
        if known and not (known <= len(points) and points[known - 1] == self._last):
            self._points, self._average, self._missing, known = [], 0.0, 1.0, 0
        for x, value in points[known:]:
            self._points.append((x, self._smooth(value)))
        self._last = points[-1] if points else None
        return self._points

    def _smooth(self, value: float) -> float:
        if not math.isfinite(value):
            return math.nan
        self._average = self._average * self.weight + value * (1 - self.weight)
        self._missing *= self.weight
        return self._average / (1 - self._missing)
