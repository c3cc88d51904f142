"""The lines of a plot: those of one run, and those of other runs drawn over them.

Other runs have a colour and a dashing of their own, and their held-out losses marks of their own, so that they can be
told apart in any theme and without colours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tui_tuner.drawing.smoothing import Point, SmoothedLine
from tui_tuner.language import _
from tui_tuner.plain_text import one_line
from tui_tuner.screens.run_plots import Curve, Plot
from tui_tuner.training.history import Points, RunHistory
from tui_tuner.widgets.line_plot import Line

COLOURS = ("$accent", "$warning", "$success", "$secondary", "$error", "$foreground")
OF_MAIN = 2  # the first colours, for the main run's training and held-out losses
MOST_RUNS = 5
"""So many runs can be drawn alike."""
MOST_OTHERS = len(COLOURS) - OF_MAIN
"""So many can be drawn behind a main one."""

DIM = "$foreground 35%"
LONGEST_NAME = 14  # cells of a run's name in a legend


@dataclass(frozen=True)
class Drawn:
    """Which runs are drawn.

    Attributes:
        main: the run that is looked at, or the first of several.
        others: those drawn with it.
        alike: all are drawn alike; otherwise the main one is in front, with every single value.
    """

    main: RunHistory
    others: Sequence[RunHistory] = ()
    alike: bool = False

    @property
    def runs(self) -> list[RunHistory]:
        """All of them."""
        return [self.main, *self.others]

    @property
    def longest(self) -> RunHistory:
        """Over whose steps one looks: the main run's, or those of the one that came furthest."""
        return max(self.runs, key=_last_step) if self.alike else self.main


def _last_step(run: RunHistory) -> int:
    return run.train[-1][0] if run.train else 0


class RunLines:
    """Makes the lines; what was smoothed once is kept as long as the same runs are drawn."""

    def __init__(self) -> None:
        self._smoothed: dict[tuple[str, str, int], SmoothedLine] = {}

    def forget(self) -> None:
        """Other runs are drawn from now on."""
        self._smoothed.clear()

    def of(self, plot: Plot, drawn: Drawn, weight: float) -> list[Line]:
        """What is drawn of `plot`, later lines over earlier ones; `weight` says how much is smoothed."""
        alike = drawn.runs[:MOST_RUNS] if drawn.alike else drawn.others[:MOST_OTHERS]
        first = 0 if drawn.alike else OF_MAIN
        lines: list[Line] = []
        for look, (run, name) in enumerate(zip(alike, _names(plot, alike), strict=True), start=first):
            lines += self._of_another(plot, run, name, look, weight)
        if not drawn.alike:
            lines += [line for curve in plot.curves for line in self._of_main(plot, curve, drawn.main, weight)]
        return lines

    def _of_main(self, plot: Plot, curve: Curve, run: RunHistory, weight: float) -> Iterator[Line]:
        points = curve.points(run)
        if not curve.smoothed or not weight:
            yield Line(curve.name, points, curve.colour, curve.style)
            return
        yield Line(curve.name, points, DIM)
        yield Line(_("smoothed"), self._smooth(plot, curve, 0, points, weight), curve.colour)

    def _of_another(self, plot: Plot, run: RunHistory, name: str, look: int, weight: float) -> Iterator[Line]:
        for curve in plot.curves:
            points: Sequence[Point] = curve.points(run)
            if curve.smoothed and weight:
                points = self._smooth(plot, curve, look + 1, curve.points(run), weight)
            yield Line(name, points, COLOURS[look], curve.style, dashes=look)

    def _smooth(self, plot: Plot, curve: Curve, look: int, points: Points, weight: float) -> Sequence[Point]:
        key = (plot.name, curve.name, look)
        if key not in self._smoothed or self._smoothed[key].weight != weight:
            self._smoothed[key] = SmoothedLine(weight)
        return self._smoothed[key].of(points)


def _names(plot: Plot, runs: Sequence[RunHistory]) -> list[str]:
    """What each run is called in the legend, every one differently."""
    taken = {_("smoothed"), *(curve.name for curve in plot.curves)}
    names: list[str] = []
    for place, run in enumerate(runs, start=1):
        name = one_line(run.run, LONGEST_NAME)
        names.append(f"{place} {name}" if name in taken else name)
        taken.add(names[-1])
    return names
