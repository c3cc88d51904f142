"""The plots of a run, one large, the others small below it where there is room; and what the model answered.

Other runs can be drawn over it.
"""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Grid, Vertical
from textual.events import Resize

from tui_tuner.actions import key_of
from tui_tuner.language import _
from tui_tuner.screens.answers import Answers
from tui_tuner.screens.run_lines import Drawn, RunLines
from tui_tuner.screens.run_plots import PLOTS, WEIGHTS, Plot
from tui_tuner.training.history import RunHistory
from tui_tuner.widgets.line_plot import LinePlot
from tui_tuner.widgets.plot_tabs import PlotTabs
from tui_tuner.widgets.plot_view import PlotView, Span

ANSWERS = len(PLOTS)  # the place of the answers, after all plots
ROOMY = (60, 24)  # cells: from here on there is more than one plot


class PlotBoard(Vertical):
    """Draws a `RunHistory`. What is looked at, and how, is changed by `choose`, `look` and the mouse.

    Args:
        where: the screen it is on, whose key leads to the next plot.
    """

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

    def __init__(self, where: str = "train") -> None:
        super().__init__()
        self.view = PlotView()
        self.chosen = 0
        self._where = where
        self._last_plot = 0
        self._drawn = Drawn(RunHistory())
        self._lines = RunLines()
        self._weight = WEIGHTS.index(0.9)
        self._logarithmic: set[str] = set()

    def compose(self) -> ComposeResult:
        """The tabs and all plots; which plot shows what is decided when they are drawn."""
        yield PlotTabs([*(plot.name for plot in PLOTS), _("answers")], key_of(self._where, "look('next')"))
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

    def show(self, history: RunHistory, others: Sequence[RunHistory] = (), *, alike: bool = False) -> None:
        """Draw this run, and `others` with it; `alike`: the run is only the first of several."""
        drawn = Drawn(history, tuple(others), alike)
        if [id(run) for run in drawn.runs] != [id(run) for run in self._drawn.runs]:
            self._lines.forget()
        self._drawn = drawn
        self.redraw()

    def redraw(self) -> None:
        """Draw what there is now."""
        self.set_class(self.chosen == ANSWERS, "-answers")
        if self.chosen == ANSWERS:
            self.query_one(Answers).show(self._drawn.main)
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
        widget.show_lines(self._lines.of(plot, self._drawn, WEIGHTS[self._weight]))

    @property
    def _whole(self) -> Span:
        return 0.0, float(max(self._drawn.longest.iters, self._newest, 1))

    @property
    def _newest(self) -> float:
        longest = self._drawn.longest
        return float(longest.train[-1][0]) if longest.train else 0.0

    @property
    def _steps(self) -> list[float]:
        return [step for step, _loss in self._drawn.longest.train]

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
            view.move_cursor(int(by), self._steps, whole, max(self.query_one("#large").size.width - 6, 1))
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
            self.view.point_at(message.x, self._steps)
            self.redraw()

    @on(LinePlot.Scrolled)
    def _wheel(self, message: LinePlot.Scrolled) -> None:
        message.stop()
        self.view.zoom_by(1.25 if message.up else 0.8, self._whole, self._newest, at=message.x)
        self.redraw()
