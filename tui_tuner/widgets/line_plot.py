"""A live chart: named series of points as braille lines or marks, with axes, a legend and a logarithmic view."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from textual.css.styles import RulesMap
from textual.events import Click, MouseScrollDown, MouseScrollUp
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.style import Style as VisualStyle
from textual.visual import RenderOptions, Visual
from textual.widget import Widget

from tui_tuner.language import _
from tui_tuner.widgets.chart import AXIS, CURSOR, PAPER, TEXT, TITLE, Chart, Series, Style, short_number
from tui_tuner.widgets.growing_line import GrowingLine


@dataclass(frozen=True)
class Line:
    """One named series.

    Attributes:
        name: as the legend calls it, different from the others'; marks that belong to a line have its name.
        points: (x, y) pairs; where y is NaN or infinite there is a gap.
        colour: anything Textual takes as a colour, `$accent` or `#5fafff`; it follows the theme.
        style: joined by a line, or each a mark of its own.
        dashes: which way the line is dashed; 0 is not at all.
    """

    name: str
    points: Sequence[tuple[float, float]]
    colour: str = "$accent"
    style: Style = "line"
    dashes: int = 0

    @property
    def key(self) -> tuple[str, Style]:
        """What tells it from the other lines of a plot."""
        return self.name, self.style


class LinePlot(Widget):
    """Draws its series into whatever space it has; drawn once per paint, however many series changed.

    Args:
        title: what the heights are: "loss".
        x_unit: what is counted along the bottom: "step".
        y_unit: unit of the heights: "tok/s".
        empty: said while there is nothing to draw.
    """

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "line-plot--axis",
        "line-plot--text",
        "line-plot--title",
        "line-plot--cursor",
    }
    DEFAULT_CSS = """
    LinePlot {
        height: 1fr;
        & > .line-plot--axis { color: $foreground 70%; }
        & > .line-plot--text { color: $foreground 85%; }
        & > .line-plot--title { color: $foreground; text-style: bold; }
        & > .line-plot--cursor { color: $foreground 60%; }
    }
    """

    title: reactive[str] = reactive("")
    log_scale: reactive[bool] = reactive(False)
    """Logarithmic heights; without effect while a value in sight is not above 0."""
    window: reactive[tuple[float, float] | None] = reactive(None)
    """The x range to show, such as all planned iterations; None follows the points."""
    about: reactive[str] = reactive("")
    """Said beside the unit at the bottom."""
    cursor: reactive[float | None] = reactive(None)
    """Where values are read; None shows the legend instead."""

    @dataclass
    class Pointed(Message):
        """A person clicked on the plot.

        Attributes:
            plot: which one.
            x: where; None beside the curve.
        """

        plot: LinePlot
        x: float | None

    @dataclass
    class Scrolled(Message):
        """A person turned the wheel over the plot.

        Attributes:
            plot: which one.
            x: where; None beside the curve.
            up: away from the person.
        """

        plot: LinePlot
        x: float | None
        up: bool

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
        self._growing: dict[tuple[str, Style], GrowingLine] = {}
        self._looks: list[tuple[str, int]] = []  # colour and dashes
        self._written: Callable[[float], str] = short_number

    def show_lines(self, lines: Sequence[Line]) -> None:
        """Draw these, later ones over earlier ones; one of the same name as before may have grown at its end."""
        if [line.key for line in lines] != list(self._growing):
            self._growing = {line.key: GrowingLine() for line in lines}
        self._looks = [(line.colour, line.dashes) for line in lines]
        for line in lines:
            self._growing[line.key].take(line.points)
        self.refresh()

    def measure(self, title: str, y_unit: str = "", written: Callable[[float], str] = short_number) -> None:
        """Say what the heights are: title, unit, and how a value at the cursor is written. Forgets other lines."""
        if title != self.title:
            self._growing, self._looks = {}, []
        self._y_unit, self._written = y_unit, written
        self.title = title
        self.refresh()

    def render(self) -> Visual:
        """The chart as it stands."""
        return _ChartVisual(self._chart(), self._inks())

    def _chart(self) -> Chart:
        return Chart(
            [
                Series(name, line.parts, style, dashes)
                for ((name, style), line), (_colour, dashes) in zip(self._growing.items(), self._looks, strict=True)
            ],
            title=self.title,
            x_unit=self._x_unit,
            about=self.about,
            y_unit=self._y_unit,
            log=self.log_scale,
            window=self.window,
            cursor=self.cursor,
            written=self._written,
            empty=self._empty,
        )

    def on_click(self, event: Click) -> None:
        """Say where the plot was clicked."""
        self.post_message(self.Pointed(self, self._chart().x_at(event.x, *self.size)))

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """Say where the wheel was turned."""
        event.stop()
        self.post_message(self.Scrolled(self, self._chart().x_at(event.x, *self.size), up=True))

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """Say where the wheel was turned."""
        event.stop()
        self.post_message(self.Scrolled(self, self._chart().x_at(event.x, *self.size), up=False))

    def _inks(self) -> dict[int, VisualStyle]:
        inks = {
            ink: self.get_visual_style(f"line-plot--{part}", partial=True)
            for ink, part in ((AXIS, "axis"), (TEXT, "text"), (TITLE, "title"), (CURSOR, "cursor"))
        }
        inks.update((index, VisualStyle.parse(colour)) for index, (colour, _dashes) in enumerate(self._looks))
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
