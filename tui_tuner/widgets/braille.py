"""Lines in braille, two by four dots to a character: pure Python, quick enough to redraw on every report.

A dot column is one integer whose bit `r` is the dot in row `r` from the top, so that a vertical run of dots is a single
`|=`. A series is first reduced to what can be seen of it: per dot column the first, lowest, highest and last value.
Unlike taking every n-th point this never loses a spike.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

BLANK = " "
NOBODY = -1
DOTS_WIDE, DOTS_HIGH = 2, 4

# Unicode numbers the dots of a cell 1 2 3 7 down the left side and 4 5 6 8 down the right.
_LEFT_DOTS, _RIGHT_DOTS = (0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80)


def _pattern(bits: int, dots: Sequence[int]) -> int:
    return sum(dot for row, dot in enumerate(dots) if bits >> row & 1)


_CHARACTERS = [
    [chr(0x2800 | _pattern(left, _LEFT_DOTS) | _pattern(right, _RIGHT_DOTS)) for right in range(16)]
    for left in range(16)
]


@dataclass(frozen=True)
class Stretch:
    """Points between two gaps, in the order of x; every number is finite."""

    xs: Sequence[float]
    ys: Sequence[float]


def stretches(points: Sequence[tuple[float, float]]) -> list[Stretch]:
    """Order `points` by x and cut them at every y that is NaN or infinite; points without a finite x are left out."""
    if not points:
        return []
    xs, ys = [x for x, _y in points], [y for _x, y in points]
    # One NaN or infinity anywhere makes the sum not finite: no need to look at each number.
    if math.isfinite(sum(xs)) and math.isfinite(sum(ys)):
        if xs == sorted(xs):
            return [Stretch(xs, ys)]
        in_order = sorted(points, key=_by_x)
        return [Stretch([x for x, _y in in_order], [y for _x, y in in_order])]
    return list(_cut_at_gaps(sorted((point for point in points if math.isfinite(point[0])), key=_by_x)))


def _by_x(point: tuple[float, float]) -> float:
    return point[0]


def _cut_at_gaps(points: Sequence[tuple[float, float]]) -> Iterator[Stretch]:
    xs: list[float] = []
    ys: list[float] = []
    for x, y in (*points, (math.inf, math.nan)):
        if math.isfinite(y):
            xs.append(x)
            ys.append(y)
        elif xs:
            yield Stretch(xs, ys)
            xs, ys = [], []


def clip(stretch: Stretch, left: float, right: float) -> Stretch:
    """The part of `stretch` between `left` and `right`; a line that crosses a border gets a point right on it."""
    xs, ys = stretch.xs, stretch.ys
    if not xs or (left <= xs[0] and xs[-1] <= right):
        return stretch
    start, end = bisect_left(xs, left), bisect_right(xs, right)
    new_xs, new_ys = list(xs[start:end]), list(ys[start:end])
    if 0 < start < len(xs) and xs[start] != left:
        new_xs.insert(0, left)
        new_ys.insert(0, _between(stretch, start, left))
    if 0 < end < len(xs) and xs[end - 1] != right:
        new_xs.append(right)
        new_ys.append(_between(stretch, end, right))
    return Stretch(new_xs, new_ys)


def _between(stretch: Stretch, index: int, x: float) -> float:
    """The height at `x` of the line that ends in point `index`."""
    x0, x1 = stretch.xs[index - 1], stretch.xs[index]
    y0, y1 = stretch.ys[index - 1], stretch.ys[index]
    return y0 + (y1 - y0) * (x - x0) / (x1 - x0)


@dataclass(frozen=True)
class Scale:
    """Places values on `steps` evenly spaced dots: `low` on dot 0, `high` on the last.

    With `log` both bounds and all values are above 0. `low` may be the greater number: then the scale runs backwards.
    """

    low: float
    high: float
    steps: int
    log: bool = False

    def function(self) -> Callable[[float], int]:
        """A quick function from a value to its dot; values outside the bounds get dots outside `range(steps)`."""
        measure: Callable[[float], float] = math.log10 if self.log else float
        start, end = measure(self.low), measure(self.high)
        factor = (self.steps - 1) / (end - start)
        offset = 0.5 - start * factor
        floor = math.floor
        if self.log:
            return lambda value: floor(measure(value) * factor + offset)
        return lambda value: floor(value * factor + offset)

    def borders(self) -> list[float]:
        """The values at which one dot ends and the next begins: `steps - 1` of them (linear scales only)."""
        width = (self.high - self.low) / max(self.steps - 1, 1)
        return [self.low + (step + 0.5) * width for step in range(self.steps - 1)]


class Canvas:
    """Character cells on which layers are drawn over each other: in a cell only the topmost layer's dots show.

    Merging the dots of two layers would colour both alike, and a smooth line would drown in the noise behind it.

    Args:
        width: cells across.
        height: cells down.
    """

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.dot_columns, self.dot_rows = width * DOTS_WIDE, height * DOTS_HIGH
        self.characters = [[BLANK] * width for _row in range(height)]
        self.owners: list[list[int]] = [[NOBODY] * width for _row in range(height)]

    def draw_line(
        self, parts: Sequence[Stretch], x_scale: Scale, y_scale: Scale, owner: int, dashes: Sequence[int] = (1,)
    ) -> None:
        """Draw one series as a line; `owner` is noted for every cell it covers.

        Every point must lie within the scales' bounds (`clip` sees to that along x). `dashes` says how many dot columns
        are drawn and left out in turn; with only one number none is left out.
        """
        columns = [0] * self.dot_columns
        to_row = y_scale.function()
        for part in parts:
            column, row = -1, 0
            for next_column, first, low, high, last in _buckets(part, x_scale):
                if column >= 0:
                    _join(columns, column, row, next_column, to_row(first))
                columns[next_column] |= _run(to_row(high), to_row(low))
                column, row = next_column, to_row(last)
        if len(dashes) > 1:
            drawn = [place % 2 == 0 for place, length in enumerate(dashes) for _dot in range(length)]
            columns = [dots if drawn[column % len(drawn)] else 0 for column, dots in enumerate(columns)]
        self._cover(columns, owner)

    def draw_marks(self, parts: Sequence[Stretch], x_scale: Scale, y_scale: Scale, owner: int, mark: str) -> None:
        """Put the character `mark` where each point is."""
        to_column, to_row = x_scale.function(), y_scale.function()
        for part in parts:
            for x, y in zip(part.xs, part.ys, strict=True):
                column, row = to_column(x) // DOTS_WIDE, to_row(y) // DOTS_HIGH
                if 0 <= column < self.width and 0 <= row < self.height:
                    self.characters[row][column], self.owners[row][column] = mark, owner

    def _cover(self, columns: Sequence[int], owner: int) -> None:
        """Write a layer's dots over what is there."""
        for cell in range(self.width):
            left, right = columns[DOTS_WIDE * cell], columns[DOTS_WIDE * cell + 1]
            row = 0
            while left or right:
                if (left | right) & 15:
                    self.characters[row][cell] = _CHARACTERS[left & 15][right & 15]
                    self.owners[row][cell] = owner
                left, right, row = left >> DOTS_HIGH, right >> DOTS_HIGH, row + 1


def _run(top: int, bottom: int) -> int:
    """The dots of one column from `top` to `bottom`, both included."""
    return (2 << bottom) - (1 << top)


def _join(columns: list[int], column: int, row: int, to_column: int, to_row: int) -> None:
    """Draw the line between two dots: one dot per column where it is flat, a run per column where it is steep."""
    across, down = to_column - column, to_row - row
    if abs(down) <= across:
        for step in range(1, across):
            columns[column + step] |= 1 << (row + (2 * down * step + across) // (2 * across))
        return
    # Each column's run reaches half-way to the next column, whose run begins one row further on.
    start, direction = row, 1 if down > 0 else -1
    for step in range(across):
        end = row + down * (2 * step + 1) // (2 * across)
        columns[column + step] |= _run(start, end) if down > 0 else _run(end, start)
        start = end + direction
    if start != to_row + direction:
        columns[to_column] |= _run(start, to_row) if down > 0 else _run(to_row, start)


def _buckets(part: Stretch, scale: Scale) -> Iterator[tuple[int, float, float, float, float]]:
    """What is to be seen in each dot column: the column, its first, lowest, highest and last value."""
    xs, ys = part.xs, part.ys
    if len(xs) <= 2 * scale.steps:
        to_column = scale.function()
        for x, y in zip(xs, ys, strict=True):
            yield to_column(x), y, y, y, y
        return
    start = 0
    for column, border in enumerate([*scale.borders(), math.inf]):
        end = bisect_left(xs, border, start)
        if end > start:
            values = ys[start:end]
            yield column, values[0], min(values), max(values), values[-1]
        start = end
