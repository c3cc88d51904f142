"""A line chart as SVG, to stand in a page: axes, lines, marks.

Plain elements and nothing else: no script, no link, no font from elsewhere; every text is escaped. Each has a class, by
which the page's style sheet gives it another colour than the middling one it has by itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from tui_tuner.drawing.axes import labels, log_ticks, ticks

Point = tuple[float, float]

WIDTH, HEIGHT = 720, 240
SMALL = (360, 180)  # a chart with another beside it
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 12, 28
QUIET, COLOURS = "#808890", {"train": "#3d8fd1", "valid": "#c2902f"}
MOST_COLUMNS = 600  # of a line are drawn; in each its lowest and highest value


@dataclass(frozen=True)
class SvgLine:
    """One series.

    Attributes:
        points: (x, y) in the order of x; where y is not finite there is a gap.
        kind: its class in the page's style sheet, `line-KIND`.
        marks: draw each point as a mark instead of a line.
    """

    points: Sequence[Point]
    kind: str
    marks: bool = False


def chart(
    lines: Sequence[SvgLine],
    *,
    title: str,
    x_end: float,
    logarithmic: bool = False,
    size: tuple[int, int] = (WIDTH, HEIGHT),
) -> str:
    """An `<svg>` element of `lines` over 0 to `x_end`; empty where there is nothing to draw.

    Args:
        lines: later ones are drawn over earlier ones.
        title: said by screen readers.
        x_end: the right end, at least the last x.
        logarithmic: heights are, where all are above 0.
        size: width and height in the units of its texts, which are 11 high; the page scales it to the room there is.
    """
    heights = [y for line in lines for _x, y in line.points if math.isfinite(y)]
    if not heights:
        return ""
    bounds = (0.0, max(x_end, 1.0), *_apart(min(heights), max(heights)))
    frame = _Frame(*size, *bounds, log=logarithmic and min(heights) > 0)
    parts = [*_axes(frame), *(part for line in lines for part in _series(line, frame))]
    return (
        f'<svg viewBox="0 0 {frame.width} {frame.height}" role="img" aria-label="{escape(title, quote=True)}">\n'
        + "\n".join(parts)
        + "\n</svg>"
    )


@dataclass(frozen=True)
class _Frame:
    width: int
    height: int
    x_low: float
    x_high: float
    y_low: float
    y_high: float
    log: bool

    def x(self, value: float) -> float:
        return LEFT + (self.width - LEFT - RIGHT) * (value - self.x_low) / (self.x_high - self.x_low)

    def y(self, value: float) -> float:
        low, high, at = self.y_low, self.y_high, value
        if self.log:
            low, high, at = math.log10(low), math.log10(high), math.log10(value)
        return TOP + (self.height - TOP - BOTTOM) * (high - at) / (high - low)


def _apart(low: float, high: float) -> tuple[float, float]:
    if high - low > 1e-12 * max(abs(low), abs(high)):
        return low, high
    apart = abs(low) * 0.1 or 1.0
    return low - apart, high + apart


def _axes(frame: _Frame) -> Iterator[str]:
    bottom, right = frame.height - BOTTOM, frame.width - RIGHT
    heights = (log_ticks if frame.log else ticks)(frame.y_low, frame.y_high, frame.height // 40)
    for mark, text in zip(heights, labels(heights), strict=True):
        at = frame.y(mark)
        yield f'<path class="grid" stroke="{QUIET}" stroke-opacity=".25" d="M{LEFT} {at:.1f}H{right}"/>'
        yield _tick(LEFT - 6, at + 4, "end", text)
    places = ticks(frame.x_low, frame.x_high, frame.width // 90)
    for mark, text in zip(places, labels(places), strict=True):
        yield _tick(frame.x(mark), bottom + 18, "middle", text)
    yield f'<path class="axis" fill="none" stroke="{QUIET}" d="M{LEFT} {TOP}V{bottom}H{right}"/>'


def _tick(x: float, y: float, anchor: str, text: str) -> str:
    look = f'class="tick" fill="{QUIET}" font-size="11" text-anchor="{anchor}"'
    return f'<text {look} x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'


def _series(line: SvgLine, frame: _Frame) -> Iterator[str]:
    kind, colour = escape(line.kind, quote=True), COLOURS.get(line.kind, QUIET)
    if line.marks:
        for x, y in line.points:
            if math.isfinite(y):
                yield f'<circle class="mark-{kind}" fill="{colour}" cx="{frame.x(x):.1f}" cy="{frame.y(y):.1f}" r="3"/>'
        return
    path, pen = [], "M"
    for x, y in _thinned(line.points):
        if math.isfinite(y):
            path.append(f"{pen}{frame.x(x):.1f} {frame.y(y):.1f}")
            pen = "L"
        else:
            pen = "M"
    if path:
        yield f'<path class="line-{kind}" fill="none" stroke="{colour}" d="{"".join(path)}"/>'


def _thinned(points: Sequence[Point]) -> Iterator[Point]:
    """Of many points the lowest and the highest of each column, in their order: no spike is lost."""
    size = math.ceil(len(points) / MOST_COLUMNS)
    if size <= 2:
        yield from points
        return
    for begin in range(0, len(points), size):
        column = points[begin : begin + size]
        finite = [point for point in column if math.isfinite(point[1])]
        if len(finite) < len(column):
            yield column[0][0], math.nan
        if finite:
            low, high = min(finite, key=_height), max(finite, key=_height)
            yield from sorted({low, high})


def _height(point: Point) -> float:
    return point[1]
