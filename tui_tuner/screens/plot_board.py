"""The plots of a run, one large, the others small below it where there is room; and what the model answered."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Grid, Vertical
from textual.events import Resize

from tui_tuner.actions import key_of
from tui_tuner.drawing.smoothing import SmoothedLine
from tui_tuner.language import _
from tui_tuner.screens.answers import Answers
from tui_tuner.screens.run_plots import PLOTS, WEIGHTS, Curve, Plot
from tui_tuner.training.history import RunHistory
from tui_tuner.widgets.line_plot import Line, LinePlot
from tui_tuner.widgets.plot_tabs import PlotTabs
from tui_tuner.widgets.plot_view import PlotView, Span

ANSWERS = len(PLOTS)  # the place of the answers, after all plots
ROOMY = (60, 24)  # cells: from here on there is more than one plot
DIM = "$foreground 35%"


class PlotBoard(Vertical):
    """Draws a `RunHistory`. What is looked at, and how, is changed by `choose`, `look` and the mouse."""

    DEFAULT_CSS = """
    PlotBoard {
        width: 1fr;
        #large { height: 1fr; }
        #small { display: none; height: 45%; grid-size: 2; grid-gutter: 0 2; }
        &.-roomy #small { display: block; }
        Answers { display: none; }
        &.-answers Answers { display: block; }
        &.-answers #large { display: none; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self.view = PlotView()
        self.chosen = 0
        self._last_plot = 0
        self._history = RunHistory()
        self._weight = WEIGHTS.index(0.9)
        self._logarithmic: set[str] = set()
        self._smoothed: dict[tuple[str, str], SmoothedLine] = {}

    def compose(self) -> ComposeResult:
        """The tabs and all plots; which plot shows what is decided when they are drawn."""
        yield PlotTabs([*(plot.name for plot in PLOTS), _("answers")], key_of("train", "look('next')"))
        yield LinePlot(x_unit=_("step"), id="large", empty=_("what is measured appears here"))
        yield Answers()
        with Grid(id="small"):
            for _other in PLOTS[1:]:
                yield LinePlot(x_unit=_("step"), empty="–")

    def on_resize(self, event: Resize) -> None:
        """Show more where there is more room."""
        roomy = event.size.width >= ROOMY[0] and event.size.height >= ROOMY[1]
        if roomy != self.has_class("-roomy"):
            self.set_class(roomy, "-roomy")
            self.redraw()

    # -- what is drawn -------------------------------------------------------------------------------------------------

    def show(self, history: RunHistory) -> None:
        """Draw this run."""
        if history is not self._history:
            self._smoothed.clear()
            self._history = history
        self.redraw()

    def redraw(self) -> None:
        """Draw what there is now."""
        self.set_class(self.chosen == ANSWERS, "-answers")
        if self.chosen == ANSWERS:
            self.query_one(Answers).show(self._history)
        else:
            large = self.query_one("#large", LinePlot)
            large.about = self._about()
            self._draw(large, PLOTS[self.chosen])
        if self.has_class("-roomy"):
            others = [plot for place, plot in enumerate(PLOTS) if place != self.chosen]
            for widget, plot in zip(self.query("#small LinePlot").results(LinePlot), others, strict=False):
                self._draw(widget, plot)
        self.query_one(PlotTabs).show(self.chosen)

    def _draw(self, widget: LinePlot, plot: Plot) -> None:
        widget.measure(plot.title, plot.unit, plot.written)
        widget.log_scale = plot.name in self._logarithmic
        widget.window = self.view.window(self._whole, self._newest)
        widget.cursor = self.view.cursor
        widget.show_lines([line for curve in plot.curves for line in self._lines(plot, curve)])

    def _lines(self, plot: Plot, curve: Curve) -> list[Line]:
        points = curve.points(self._history)
        weight = WEIGHTS[self._weight]
        if not curve.smoothed or not weight:
            return [Line(curve.name, points, curve.colour, curve.style)]
        key = (plot.name, curve.name)
        if key not in self._smoothed or self._smoothed[key].weight != weight:
            self._smoothed[key] = SmoothedLine(weight)
        smooth = self._smoothed[key].of(points)
        return [Line(curve.name, points, DIM), Line(_("smoothed"), smooth, curve.colour)]

    @property
    def _whole(self) -> Span:
        return 0.0, float(max(self._history.iters, self._newest, 1))

    @property
    def _newest(self) -> float:
        return float(self._history.train[-1][0]) if self._history.train else 0.0

    def _about(self) -> str:
        parts = []
        if self.view.zoom > 1:
            held = "" if self.view.follows else _(" held")  # it does not go with the newest step
            parts.append(f"×{self.view.zoom:.3g}{held}")
        if any(curve.smoothed for curve in PLOTS[self.chosen].curves):
            parts.append(_("smooth {weight}", weight=f"{WEIGHTS[self._weight]:g}"))
        return " · ".join(parts)

    # -- what a person does --------------------------------------------------------------------------------------------

    def choose(self, index: int) -> None:
        """Make this plot the large one, or see the answers (`ANSWERS`); counts around the end."""
        if self.chosen != ANSWERS:
            self._last_plot = self.chosen
        self.chosen = index % (ANSWERS + 1)
        self.redraw()

    def look(self, how: str) -> None:
        """Change the view.

        Args:
            how: `next`, `previous`, `answers`, `closer`, `further`, `left`, `right`, `all`, `log`, `smoother`,
                `rougher`; `cursor` and by how many cells to move it, as in `cursor -10`, or `scroll` and by how many
                lines. Among the answers the cursor goes from evaluation to evaluation.
        """
        what, _space, by = how.partition(" ")
        if what in ("next", "previous"):
            self.choose(self.chosen + (1 if what == "next" else -1))
        elif what == "answers":
            self.choose(self._last_plot if self.chosen == ANSWERS else ANSWERS)
        elif self.chosen == ANSWERS:
            self._look_at_answers(what, by)
        else:
            self._look_at_plot(what, by)
            self.redraw()

    def _look_at_answers(self, what: str, by: str) -> None:
        answers = self.query_one(Answers)
        if what == "cursor":
            answers.move(int(by))
        elif what == "scroll":
            answers.scroll(int(by))

    def _look_at_plot(self, what: str, by: str) -> None:
        view, whole, newest = self.view, self._whole, self._newest
        if what == "cursor":
            steps = [step for step, _loss in self._history.train]
            view.move_cursor(int(by), steps, whole, max(self.query_one("#large").size.width - 6, 1))
        elif what in ("closer", "further"):
            view.zoom_by(2.0 if what == "closer" else 0.5, whole, newest)
        elif what in ("left", "right"):
            view.pan(-0.5 if what == "left" else 0.5, whole, newest)
        elif what == "all":
            view.reset()
        elif what in ("smoother", "rougher"):
            self._weight = min(max(self._weight + (1 if what == "smoother" else -1), 0), len(WEIGHTS) - 1)
        elif what == "log":
            self._logarithmic ^= {PLOTS[self.chosen].name}

    @on(PlotTabs.Chosen)
    def _tab(self, message: PlotTabs.Chosen) -> None:
        message.stop()
        self.choose(message.index)

    @on(LinePlot.Pointed)
    def _point(self, message: LinePlot.Pointed) -> None:
        """A click on a small plot makes it the large one; on the large one it puts the cursor there."""
        message.stop()
        if message.plot.id != "large":
            title = message.plot.title
            self.choose(next(index for index, plot in enumerate(PLOTS) if plot.title == title))
        elif message.x is not None:
            self.view.point_at(message.x, [step for step, _loss in self._history.train])
            self.redraw()

    @on(LinePlot.Scrolled)
    def _wheel(self, message: LinePlot.Scrolled) -> None:
        message.stop()
        self.view.zoom_by(1.25 if message.up else 0.8, self._whole, self._newest, at=message.x)
        self.redraw()
