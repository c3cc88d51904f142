"""How far a share or a mean may be off: the intervals that hold the truth in 95 of 100 cases."""

from __future__ import annotations

import math
from collections.abc import Sequence

Z = 1.959964  # standard deviations around the mean that hold 95 % of a normal distribution


def wilson(wins: float, of: int) -> tuple[float, float]:
    """The interval of the true share where `wins` of `of` were won (Wilson, 1927); 0 to 1 where there were none."""
    if of <= 0:
        return 0.0, 1.0
    share = wins / of
    centre = (share + Z * Z / (2 * of)) / (1 + Z * Z / of)
    half = Z / (1 + Z * Z / of) * math.sqrt(share * (1 - share) / of + Z * Z / (4 * of * of))
    return max(0.0, centre - half), min(1.0, centre + half)


def mean_interval(values: Sequence[float]) -> tuple[float, float]:
    """The interval of the true mean of what `values` are drawn from; without bounds where they are fewer than two."""
    if len(values) < 2:
        return -math.inf, math.inf
    mean = math.fsum(values) / len(values)
    spread = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1) / len(values))
    return mean - Z * spread, mean + Z * spread
