"""A whole chart as rows of coloured text: title and legend, axes, lines. Pure: the same input gives the same rows.

    loss (nats)             ━ train  ▪ valid
    2.0┤⢣
       │ ⠑⢄⡀
    1.0┤   ⠈⠒⠤⣀⡀ ▪
       └┬─────────┬───────────── iterations
        0        200        400

What does not fit is left out, the curve last: first the axis line, then the labels, the title, the numbers at the left.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from rich.cells import cell_len, set_cell_size

from tui_tuner.drawing.axes import labels, log_ticks, ticks
from tui_tuner.language import _
from tui_tuner.widgets.braille import BLANK, DOTS_HIGH, DOTS_WIDE, NOBODY, Canvas, Scale, Stretch, clip

Style = Literal["line", "points"]

# Inks: a series' index, or one of these.
PAPER, AXIS, TEXT, TITLE, CURSOR = NOBODY, -2, -3, -4, -5

Piece = tuple[str, int]
Row = list[Piece]

MARKS = "▪◆▴•□◇"
# How dashed lines are drawn, so that they can be told apart without colours: dot columns drawn and left out in turn,
# and what stands for it in the legend.
_DASHES: tuple[tuple[tuple[int, ...], str], ...] = (
    ((1,), "━"),
    ((6, 4), "╍╍"),
    ((2, 2), "┅┅"),
    ((9, 3, 2, 3), "━╸·"),
    ((1, 3), "··"),
    ((5, 2, 1, 2, 1, 2), "╍··"),
)


@dataclass(frozen=True)
class Series:
    """One named curve.

    Attributes:
        name: as the legend calls it; a line and the marks that belong to it share one.
        parts: its points, cut at the gaps (`braille.stretches`).
        style: joined by a line, or each a mark of its own.
        dashes: which way the line is dashed; 0 is not at all.
    """

    name: str
    parts: Sequence[Stretch]
    style: Style = "line"
    dashes: int = 0

    def nearest(self, x: float) -> tuple[float, float] | None:
        """The point whose x is nearest to `x`; None where there is no point."""
        best: tuple[float, float] | None = None
        for part in self.parts:
            place = bisect_left(part.xs, x)
            for index in (place - 1, place):
                if 0 <= index < len(part.xs) and (best is None or abs(part.xs[index] - x) < abs(best[0] - x)):
                    best = part.xs[index], part.ys[index]
        return best


def short_number(number: float) -> str:
    """A number as it is read at the cursor where nobody says how: four digits."""
    return f"{number:,.4g}"


@dataclass(frozen=True)
class Chart:
    """What is drawn, whatever the size.

    Attributes:
        series: later ones are drawn over earlier ones.
        title: what the heights are.
        x_unit: what is counted along the bottom.
        about: said beside that, such as how far one has zoomed in.
        y_unit: unit of the heights.
        log: logarithmic heights, where every one in sight is above 0.
        window: the x range to show; that of the points where None.
        cursor: where values are read: a line in the chart, and in the heading the nearest point of every series.
        written: puts a value at the cursor into words.
        empty: what is said while there is nothing to draw.
    """

    series: Sequence[Series]
    title: str = ""
    x_unit: str = ""
    about: str = ""
    y_unit: str = ""
    log: bool = False
    window: tuple[float, float] | None = None
    cursor: float | None = None
    written: Callable[[float], str] = short_number
    empty: str = ""

    def rows(self, width: int, height: int) -> list[Row]:
        """Draw it in `width` x `height` cells; every row is exactly `width` cells wide."""
        if width <= 0 or height <= 0:
            return []
        plan = self._plan(width, height)
        if plan is None:
            return self._empty_rows(width, height)
        canvas = Canvas(plan.width, plan.height)
        y_scale = Scale(plan.y_bounds[1], plan.y_bounds[0], canvas.dot_rows, plan.log)
        _draw(canvas, plan.shown, plan.x_scale, y_scale)
        if self.cursor is not None:
            _draw_cursor(canvas, plan.x_scale, self.cursor)
        body: list[Row] = [[(label, AXIS)] if plan.gutter else [] for label in plan.gutter or [""] * plan.height]
        for row, (start, characters, owners) in enumerate(zip(body, canvas.characters, canvas.owners, strict=True)):
            body[row] = start + _pieces(characters, owners)
        heading = [self._heading(width, plan.log)] if plan.has_heading else []
        caption = " · ".join(filter(None, (self.x_unit, self.about)))
        return heading + body + _foot(plan.x_scale, width - plan.width, plan.width, caption, plan.foot)

    def x_at(self, column: int, width: int, height: int) -> float | None:
        """Which x is drawn in a column, from 0, when the chart is `width` x `height` cells; None beside the curve."""
        plan = self._plan(width, height) if width > 0 and height > 0 else None
        if plan is None or not 0 <= column - (width - plan.width) < plan.width:
            return None
        low, high = plan.x_scale.low, plan.x_scale.high
        return low + (high - low) * (column - (width - plan.width)) / max(plan.width - 1, 1)

    def _plan(self, width: int, height: int) -> _Plan | None:
        """Where everything goes; None where there is nothing to draw."""
        drawn = _bounds([(part.xs[0], part.xs[-1]) for one in self.series for part in one.parts])
        x_bounds = self.window if self.window is not None and self.window[1] > self.window[0] else drawn
        if x_bounds is None:
            return None
        shown = [
            replace(one, parts=[part for part in (clip(part, *x_bounds) for part in one.parts) if part.xs])
            for one in self.series
        ]
        y_bounds = _bounds([part.ys for one in shown for part in one.parts])
        if y_bounds is None:
            return None
        log = self.log and y_bounds[0] > 0
        has_heading = height >= 3 and bool(self.title or any(one.name for one in shown))
        foot = (height >= 5) + (height >= 8)
        canvas_height = height - has_heading - foot
        gutter = _gutter(y_bounds, log, canvas_height, width)
        canvas_width = width - (cell_len(gutter[0]) if gutter else 0)
        x_scale = Scale(*x_bounds, canvas_width * DOTS_WIDE)
        return _Plan(shown, x_scale, y_bounds, log, has_heading, foot, gutter, canvas_width, canvas_height)

    def _empty_rows(self, width: int, height: int) -> list[Row]:
        blank: Row = [(BLANK * width, PAPER)]
        rows = [blank] * height
        text = set_cell_size(self.empty, min(cell_len(self.empty), width))
        left = (width - cell_len(text)) // 2
        rows[height // 2] = [(BLANK * left, PAPER), (text, TEXT), (BLANK * (width - left - cell_len(text)), PAPER)]
        if height >= 3 and self.title:
            rows[0] = replace(self, series=(), cursor=None)._heading(width, log=False)
        return rows

    def _heading(self, width: int, log: bool) -> Row:
        """The title with its unit on the left, as much of the legend as fits on the right."""
        about = ", ".join(filter(None, (self.y_unit, _("log") if log else "")))
        title = f"{self.title} ({about})" if about and cell_len(f"{self.title} ({about})") <= width else self.title
        title = set_cell_size(title, min(cell_len(title), width))
        left = width - cell_len(title)
        legend: Row = []
        for entry in self._legend() if self.cursor is None else self._reading(self.cursor, left):
            needed = 2 + sum(cell_len(text) for text, _ink in entry)
            if needed <= left:
                legend += [(BLANK * 2, PAPER), *entry]
                left -= needed
        return [(title, TITLE), (BLANK * left, PAPER), *legend]

    def _legend(self) -> list[Row]:
        entries: dict[str, Row] = {}
        for index, (one, mark) in enumerate(zip(self.series, _legend_marks(self.series), strict=True)):
            if one.name:
                entries.setdefault(one.name, []).append((mark, index))
        return [[*marks, (f" {name}", TEXT)] for name, marks in entries.items()]

    def _reading(self, cursor: float, room: int) -> list[Row]:
        """Where the cursor is and every series' value there, with names where there is room for them."""
        place: Row = [(f"{self.x_unit} {cursor:,.10g}".strip(), TITLE)]
        named: list[Row] = [place]
        short: list[Row] = [place]
        before = ""
        for index, (one, mark) in enumerate(zip(self.series, _legend_marks(self.series), strict=True)):
            point = one.nearest(cursor)
            if point is not None:
                # Marks are far apart: whose value it is has to be said.
                value = self.written(point[1]) + ("" if point[0] == cursor else f" @{point[0]:,.10g}")
                said = f" {one.name} {value}" if one.name and one.name != before else f" {value}"
                before = one.name
                named.append([(mark, index), (said, TEXT)])
                short.append([(mark, index), (f" {value}", TEXT)])
        needed = sum(2 + cell_len(text) for row in named for text, _ink in row)
        return named if needed <= room else short


@dataclass(frozen=True)
class _Plan:
    """Where the parts of a chart go: what `Chart` says of itself, worked out for one size."""

    shown: Sequence[Series]
    x_scale: Scale
    y_bounds: tuple[float, float]
    log: bool
    has_heading: bool
    foot: int
    gutter: list[str]
    width: int
    height: int


def _legend_marks(series: Sequence[Series]) -> list[str]:
    points = 0
    marks = []
    for one in series:
        line = _DASHES[one.dashes % len(_DASHES)][1]
        # Marks that belong to a dashed line are always the same, whatever else is drawn.
        marks.append(line if one.style == "line" else MARKS[(one.dashes or points) % len(MARKS)])
        points += one.style == "points" and not one.dashes
    return marks


def _bounds(runs: Sequence[Sequence[float]]) -> tuple[float, float] | None:
    """The least and greatest number; a little apart even where there is only one."""
    runs = [run for run in runs if len(run)]
    if not runs:
        return None
    low, high = min(min(run) for run in runs), max(max(run) for run in runs)
    if high - low > max(1e-12 * max(abs(low), abs(high)), 1e-290):
        return low, high
    apart = abs(low) * 0.1 or 1.0
    return low - apart, high + apart


def _draw(canvas: Canvas, series: Sequence[Series], x_scale: Scale, y_scale: Scale) -> None:
    for index, (one, mark) in enumerate(zip(series, _legend_marks(series), strict=True)):
        if one.style == "line":
            canvas.draw_line(one.parts, x_scale, y_scale, index, _DASHES[one.dashes % len(_DASHES)][0])
        else:
            canvas.draw_marks(one.parts, x_scale, y_scale, index, mark)


def _draw_cursor(canvas: Canvas, scale: Scale, cursor: float) -> None:
    """A line from top to bottom, behind everything that is drawn."""
    column = scale.function()(cursor) // DOTS_WIDE
    if not 0 <= column < canvas.width:
        return
    for characters, owners in zip(canvas.characters, canvas.owners, strict=True):
        if owners[column] == NOBODY:
            characters[column], owners[column] = "│", CURSOR


def _pieces(characters: Sequence[str], owners: Sequence[int]) -> Row:
    """Neighbouring cells of one ink as one piece."""
    row: Row = []
    start = 0
    for end in range(1, len(owners) + 1):
        if end == len(owners) or owners[end] != owners[start]:
            row.append(("".join(characters[start:end]), owners[start]))
            start = end
    return row


def _gutter(bounds: tuple[float, float], log: bool, height: int, width: int) -> list[str]:
    """What stands left of each canvas row: a number where a mark is, and the axis; nothing where space is dear."""
    low, high = bounds
    marks = (log_ticks if log else ticks)(low, high, max(height // 2, 2))
    if height < 4 or len(marks) < 2:
        marks = [low, high]
    to_row = Scale(high, low, height * DOTS_HIGH, log).function()
    written = labels([_three_digits(mark) for mark in marks])
    texts = {to_row(mark) // DOTS_HIGH: text for mark, text in zip(marks, written, strict=True)}
    label_width = max(map(len, texts.values()))
    if width < label_width + 12:
        return []
    return [f"{texts.get(row, ''):>{label_width}}{'┤' if row in texts else '│'}" for row in range(height)]


def _three_digits(number: float) -> float:
    """Bounds of data have any number of digits: three are enough to read."""
    return float(f"{number:.3g}")


def _foot(scale: Scale, indent: int, width: int, about: str, lines: int) -> list[Row]:
    """The axis line and the numbers below it, or only these."""
    if not lines:
        return []
    to_column = scale.function()
    marks = ticks(scale.low, scale.high, max(width // 10, 2))
    numbers, axis = [BLANK] * width, ["─"] * width
    end = -1
    for mark, text in zip(marks, labels(marks), strict=True):
        column = to_column(mark) // DOTS_WIDE
        start = min(max(column - len(text) // 2, 0), width - len(text))
        if start > end:
            numbers[start : start + len(text)] = text
            axis[column] = "┬"
            end = start + len(text)
    caption = f" {about}" if about and 2 * width >= 3 * cell_len(about) else ""
    corner = f"{BLANK * (indent - 1)}└" if indent else ""
    line: Row = [(corner + "".join(axis[: width - cell_len(caption)]) + caption, AXIS)]
    below: Row = [(BLANK * indent + "".join(numbers), AXIS)]
    return [line, below] if lines == 2 else [below]
