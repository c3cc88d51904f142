"""Which part of a plot is looked at, and where the cursor is: shared by all plots over the same x."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

Span = tuple[float, float]

CLOSEST = 2.0  # the least that is looked at, in units of x


class PlotView:
    """Begins with the whole range. Zoomed in it follows the newest point until it is moved elsewhere.

    Attributes:
        zoom: 1 shows everything, 4 a quarter.
        cursor: where values are read; None where nobody asked.
    """

    def __init__(self) -> None:
        self.zoom = 1.0
        self.cursor: float | None = None
        self._right: float | None = None  # the right end of what is seen; None follows the newest point

    @property
    def follows(self) -> bool:
        """Whether the newest point stays in sight by itself."""
        return self._right is None

    def window(self, whole: Span, newest: float) -> Span:
        """The range to show.

        Args:
            whole: the range there is, such as all planned steps.
            newest: the last x that is known.
        """
        if self.zoom <= 1 or whole[1] <= whole[0]:
            return whole
        width = (whole[1] - whole[0]) / self.zoom
        right = newest if self._right is None else self._right
        right = min(max(right, whole[0] + width), whole[1])
        return right - width, right

    def zoom_by(self, factor: float, whole: Span, newest: float, at: float | None = None) -> None:
        """Look closer (above 1) or from further away; what is at the cursor, or at `at`, stays where it is."""
        before = self.window(whole, newest)
        most = max((whole[1] - whole[0]) / CLOSEST, 1.0)
        self.zoom = min(max(self.zoom * factor, 1.0), most)
        fixed = self.cursor if at is None else at
        if self.zoom <= 1:
            self._right = None
        elif fixed is not None and before[0] <= fixed <= before[1]:
            share = (fixed - before[0]) / (before[1] - before[0])
            width = (whole[1] - whole[0]) / self.zoom
            self._right = fixed + (1 - share) * width

    def pan(self, part: float, whole: Span, newest: float) -> None:
        """Move by a part of what is seen, to the right where it is above 0; at the newest point it follows again."""
        low, high = self.window(whole, newest)
        right = min(max(high + part * (high - low), whole[0] + high - low), whole[1])
        self._right = None if right >= newest and part > 0 else right

    def move_cursor(self, by: int, xs: Sequence[float], whole: Span, cells: int) -> None:
        """Move the cursor by so many cells, at least to the next point; it stays in sight.

        Args:
            by: cells, to the left where below 0.
            xs: where there are points, in order.
            whole: the range there is.
            cells: how many are seen side by side.
        """
        if not xs:
            return
        low, high = self.window(whole, xs[-1])
        if self.cursor is None:
            self.cursor = xs[-1] if xs[-1] <= high else xs[max(bisect_left(xs, high) - 1, 0)]
        else:
            wished = self.cursor + by * (high - low) / max(cells, 1)
            place = _nearest(xs, wished)
            if xs[place] == self.cursor and by:
                place = min(max(place + (1 if by > 0 else -1), 0), len(xs) - 1)
            self.cursor = xs[place]
        self._keep_in_sight(self.cursor, low, high)

    def point_at(self, x: float, xs: Sequence[float]) -> None:
        """Put the cursor on the point nearest to `x`."""
        if xs:
            self.cursor = xs[_nearest(xs, x)]

    def _keep_in_sight(self, x: float, low: float, high: float) -> None:
        if x < low:
            self._right = x + (high - low)
        elif x > high:
            self._right = x

    def reset(self) -> None:
        """Show everything, without a cursor."""
        self.zoom, self.cursor, self._right = 1.0, None, None


def _nearest(xs: Sequence[float], x: float) -> int:
    place = bisect_left(xs, x)
    if place == 0:
        return 0
    if place == len(xs) or x - xs[place - 1] <= xs[place] - x:
        return place - 1
    return place
