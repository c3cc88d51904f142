"""The smoothed line over a noisy one, as TensorBoard and Weights & Biases draw it."""

from __future__ import annotations

import math
from collections.abc import Iterable


def exponential_average(values: Iterable[float], weight: float) -> list[float]:
    """Average each value with those before it, the older the less.

    The average starts at 0 and would drag the first values down; dividing by `1 - weight**n` takes that out exactly
    (the bias correction of Adam, Kingma & Ba 2014, which TensorBoard uses for its charts too).

    Args:
        values: any numbers; NaN and infinity stay where they are as gaps and do not touch the average.
        weight: 0 (no smoothing) to below 1; 0.9 looks back over about ten values.

    Returns:
        One number per value.

    Raises:
        ValueError: `weight` is not in [0, 1).
    """
    if not 0 <= weight < 1:
        raise ValueError(f"weight is {weight}, expected 0 <= weight < 1")
    average, missing = 0.0, 1.0  # missing: the part of the average that is still its start, weight**n
    smoothed = []
    for value in values:
        if math.isfinite(value):
            average = average * weight + value * (1 - weight)
            missing *= weight
            smoothed.append(average / (1 - missing))
        else:
            smoothed.append(math.nan)
    return smoothed
