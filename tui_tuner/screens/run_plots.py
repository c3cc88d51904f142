"""What is drawn of a run: which curves, in which colours, and how their values are written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tui_tuner import figures
from tui_tuner.language import _
from tui_tuner.training.history import Points, RunHistory
from tui_tuner.widgets.chart import Style

WEIGHTS = (0.0, 0.6, 0.9, 0.97, 0.99)
"""How much the lines can be smoothed, from not at all."""


@dataclass(frozen=True)
class Curve:
    """One series of a plot.

    Attributes:
        name: as the legend calls it.
        points: which ones they are of a run.
        colour: follows the theme.
        style: a line or marks.
        smoothed: whether a smoothed line is drawn over it; then it is only the noise behind that.
    """

    name: str
    points: Callable[[RunHistory], Points]
    colour: str
    style: Style = "line"
    smoothed: bool = False


@dataclass(frozen=True)
class Plot:
    """One of the plots of a run.

    Attributes:
        name: in a word, for its tab.
        title: what the heights are.
        unit: of the heights.
        written: how a value is written.
        curves: what is drawn, later ones over earlier ones.
    """

    name: str
    title: str
    unit: str
    written: Callable[[float], str]
    curves: tuple[Curve, ...]


def _loss(value: float) -> str:
    return f"{value:.3f}"


def _power(value: float) -> str:
    return f"{value:.2e}"


def _norm(value: float) -> str:
    return f"{value:.2f}" if value >= 0.1 or value == 0 else _power(value)


PLOTS: tuple[Plot, ...] = (
    Plot(
        _("loss"),
        _("loss"),
        "",
        _loss,
        (
            Curve(_("train"), lambda run: run.train, "$accent", smoothed=True),
            Curve(_("held-out"), lambda run: run.valid, "$warning", "points"),
        ),
    ),
    Plot(_("rate"), _("learning rate"), "", _power, (Curve("", lambda run: run.learning_rate, "$secondary"),)),
    Plot(
        _("gradient"),
        _("gradient norm"),
        "",
        _norm,
        (Curve("", lambda run: run.gradient_norm, "$accent", smoothed=True),),
    ),
    Plot(
        _("speed"),
        _("speed"),
        "tok/s",
        figures.count,
        (Curve("", lambda run: run.speed, "$success", smoothed=True),),
    ),
    Plot(
        _("memory"),
        _("peak memory"),
        "B",
        figures.size,
        (Curve("", lambda run: run.memory, "$secondary"),),
    ),
)
