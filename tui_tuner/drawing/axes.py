"""Where an axis is marked and what is written there: round numbers, short labels."""

from __future__ import annotations

import math
from itertools import pairwise

_ROUND = (1, 2, 2.5, 5, 10)
# From which number on, the unit, its letter: four digits are still read at a glance, 9,000 need no prefix.
_PREFIXES = ((1e12, 1e12, "T"), (1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k"))


def ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers from `low` to `high`, evenly spaced, as many as there are up to `most`.

    Args:
        low: lower bound, finite.
        high: upper bound, finite and above `low`.
        most: for how many labels there is room, 1 or more.
    """
    step = _round_step((high - low) / (most + 1))
    while True:
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first < most:
            return [index * step for index in range(first, last + 1)]
        step = _round_step(step * 1.01)


def log_ticks(low: float, high: float, most: int) -> list[float]:
    """Marks for a logarithmic axis: powers of ten, with 2 and 5 between them where there is room.

    Below a decade and a half the round numbers of `ticks` tell more.
    """
    decades = math.log10(high / low)
    if decades < 1.5:
        return ticks(low, high, most)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1, 2, 5), (1,)):
        marks = [digit * 10.0**power for power in powers for digit in digits]
        marks = [mark for mark in marks if low * (1 - 1e-9) <= mark <= high * (1 + 1e-9)]
        if len(marks) <= most:
            return marks
    return marks[:: math.ceil(len(marks) / max(most, 1))]


def labels(marks: list[float]) -> list[str]:
    """Write marks short and alike, with as many decimals as tell them apart: `0.5 1.0 1.5`, `0 5k 10k`, `2e-5`."""
    if not marks:
        return []
    largest = max(abs(mark) for mark in marks)
    if 0 < largest < 1e-3:
        return [_exponent(mark) for mark in marks]
    spread = max(marks) / min(marks) if min(marks) > 0 else 0
    if spread >= 30:  # a logarithmic axis: each number stands for itself
        return [_exponent(mark) if mark < 1e-3 else _prefixed(mark) for mark in marks]
    unit, prefix = _prefix(largest)
    near = min((after - before for before, after in pairwise(marks)), default=largest) / unit / 100
    decimals = next((n for n in range(9) if all(abs(round(mark / unit, n) - mark / unit) <= near for mark in marks)), 9)
    return [f"{mark / unit:,.{decimals}f}{prefix if mark else ''}" for mark in marks]


def _prefix(number: float) -> tuple[float, str]:
    return next(((unit, letter) for least, unit, letter in _PREFIXES if number >= least), (1.0, ""))


def _prefixed(number: float) -> str:
    unit, prefix = _prefix(number)
    return f"{number / unit:,g}{prefix}"


def _exponent(number: float) -> str:
    if number == 0:
        return "0"
    mantissa, power = f"{number:.2e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(power)}"


def _round_step(step: float) -> float:
    """The next round number from `step` upwards."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(digit * power for digit in _ROUND if digit * power >= step * (1 - 1e-9))
