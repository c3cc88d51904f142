"""A live chart: named series of points as braille lines or marks, with axes, a legend and a logarithmic view."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from rich.segment import Segment
from textual.css.styles import RulesMap
from textual.reactive import reactive
from textual.strip import Strip
from textual.style import Style as VisualStyle
from textual.visual import RenderOptions, Visual
from textual.widget import Widget

from tui_tuner.language import _
from tui_tuner.widgets.braille import stretches
from tui_tuner.widgets.chart import AXIS, PAPER, TEXT, TITLE, Chart, Series, Style


class LinePlot(Widget):
    """Draws its series into whatever space it has; drawn once per paint, however many series changed.

    Args:
        title: what the heights are: "loss".
        x_unit: what is counted along the bottom: "iterations".
        y_unit: unit of the heights: "tok/s".
        empty: said while there is nothing to draw.
    """

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"line-plot--axis", "line-plot--text", "line-plot--title"}
    DEFAULT_CSS = """
    LinePlot {
        height: 1fr;
        & > .line-plot--axis { color: $foreground 70%; }
        & > .line-plot--text { color: $foreground 85%; }
        & > .line-plot--title { color: $foreground; text-style: bold; }
    }
    """

    title: reactive[str] = reactive("")
    log_scale: reactive[bool] = reactive(False)
    """Logarithmic heights; without effect while a value in sight is not above 0."""
    window: reactive[tuple[float, float] | None] = reactive(None)
    """The x range to show, such as all planned iterations; None follows the points."""
    zoom: reactive[float] = reactive(1.0)
    """Above 1 only the newest part of the range is shown: the last fifth at 5."""

    def __init__(
        self,
        title: str = "",
        *,
        x_unit: str = "",
        y_unit: str = "",
        empty: str = "",
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self.set_reactive(LinePlot.title, title)
        self._x_unit, self._y_unit = x_unit, y_unit
        self._empty = empty or _("nothing to draw yet")
        self._series: dict[str, Series] = {}
        self._colours: dict[str, str] = {}

    def set_series(
        self, name: str, points: Sequence[tuple[float, float]], *, colour: str = "$accent", style: Style = "line"
    ) -> None:
        """Add a series or replace the one of this name, which keeps its place in the drawing order.

        Args:
            name: as the legend calls it.
            points: (x, y) pairs; where y is NaN or infinite there is a gap.
            colour: anything Textual takes as a colour, `$accent` or `#5fafff`; it follows the theme.
            style: joined by a line, or each a mark of its own.
        """
        self._series[name] = Series(name, stretches(points), style)
        self._colours[name] = colour
        self.refresh()

    def remove_series(self, name: str) -> None:
        """Take one series out; nothing happens if there is none of this name."""
        self._series.pop(name, None)
        self._colours.pop(name, None)
        self.refresh()

    def clear(self) -> None:
        """Take every series out."""
        self._series.clear()
        self._colours.clear()
        self.refresh()

    def render(self) -> Visual:
        """The chart as it stands."""
        chart = Chart(
            list(self._series.values()),
            title=self.title,
            x_unit=self._x_unit,
            y_unit=self._y_unit,
            log=self.log_scale,
            window=self.window,
            zoom=self.zoom,
            empty=self._empty,
        )
        return _ChartVisual(chart, self._inks())

    def _inks(self) -> dict[int, VisualStyle]:
        inks = {
            ink: self.get_visual_style(f"line-plot--{part}", partial=True)
            for ink, part in ((AXIS, "axis"), (TEXT, "text"), (TITLE, "title"))
        }
        inks.update((index, VisualStyle.parse(colour)) for index, colour in enumerate(self._colours.values()))
        return {PAPER: VisualStyle(), **inks}


class _ChartVisual(Visual):
    """What Textual asks for a widget's rows; it keeps them until the widget changes or is resized."""

    def __init__(self, chart: Chart, inks: Mapping[int, VisualStyle]) -> None:
        self.chart, self.inks = chart, inks

    def render_strips(self, width: int, height: int | None, style: VisualStyle, options: RenderOptions) -> list[Strip]:
        """Draw the chart; `options` speaks of text selection, which a chart does not have."""
        styles = {ink: (style + own).rich_style for ink, own in self.inks.items()}
        rows = self.chart.rows(width, self.get_height({}, width) if height is None else height)
        return [Strip([Segment(text, styles[ink]) for text, ink in row], width) for row in rows]

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:
        """As wide as there is room: a chart has no size of its own."""
        return container_width

    def get_height(self, rules: RulesMap, width: int) -> int:
        """A calm proportion, where nobody says how high."""
        return max(5, width // 6)
