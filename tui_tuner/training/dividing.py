"""How the rows of a batch are divided where they are not all computed at once. Knows nothing of MLX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

Row = TypeVar("Row")

# So many positions are computed at once on a core: enough for products to be fast, and what they need in memory stays
# the same however many rows a batch has.
POSITIONS = 1024
# Rows on which shortcuts are tried are as long as this at most, so that the trial never takes more than training does.
TRIAL_TOKENS = 128
# So many logits are computed at once.
LOGITS = 1 << 23


def tokens_at_once(vocabulary: int) -> int:
    """Of how many tokens the logits are computed at once, at least one."""
    return max(1, LOGITS // vocabulary)


def divided(rows: Sequence[Row], cores: int, positions: Callable[[Row], int]) -> list[list[list[Row]]]:
    """The rows of a batch in parts, and of these always as many together as there are cores.

    Rows of similar length share a part, which is as wide as its longest row; parts of similar size come together.

    Args:
        rows: of the batch, at least one.
        cores: how many compute side by side.
        positions: that are computed for a row alone.
    """
    ordered = sorted(rows, key=positions)
    if len(ordered) < 2:
        return [[ordered]]
    parts = [ordered[begin:end] for begin, end in cut([positions(row) for row in ordered], cores, POSITIONS)]
    parts.sort(key=lambda part: -len(part) * positions(part[-1]))
    return [parts[begin : begin + cores] for begin in range(0, len(parts), cores)]


def cut(lengths: Sequence[int], pieces: int, most: int) -> list[tuple[int, int]]:
    """Cut rows into runs of about the same number of positions, their number times their longest length.

    Args:
        lengths: of the rows, ascending.
        pieces: how many runs at least, where there are as many rows.
        most: positions of a run that has more than one row.

    Returns:
        Where each run begins and ends.
    """
    low, high = 1, min(most, len(lengths) * lengths[-1])
    while low < high:
        middle = (low + high) // 2
        if len(_runs(lengths, middle)) <= pieces:
            high = middle
        else:
            low = middle + 1
    return _runs(lengths, low)


def _runs(lengths: Sequence[int], most: int) -> list[tuple[int, int]]:
    runs, begin = [], 0
    for place, length in enumerate(lengths):
        if place > begin and (place - begin + 1) * length > most:
            runs.append((begin, place))
            begin = place
    return [*runs, (begin, len(lengths))]
