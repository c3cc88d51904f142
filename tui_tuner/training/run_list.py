"""A project's runs as a table a person can sort: what came out of each, and the settings in which they differ."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tui_tuner import figures
from tui_tuner.choices import TrainingChoice
from tui_tuner.language import _
from tui_tuner.plain_text import one_line
from tui_tuner.training.run_table import setting_in_words
from tui_tuner.training.runs import RunSummary

BEGUN = "begun"


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        key: its name in the program.
        title: its name on the screen.
        words: what a run has in it.
        order: what it is sorted by; None comes last either way.
        setting: whether it is a setting, in which the runs differ.
    """

    key: str
    title: str
    words: Callable[[RunSummary], str]
    order: Callable[[RunSummary], Any]
    setting: bool = False

    def usual(self, runs: Sequence[RunSummary]) -> str:
        """What most runs have in it; of equals what came first."""
        return Counter(map(self.words, runs)).most_common(1)[0][0] if runs else ""


def columns_of(runs: Sequence[RunSummary]) -> list[Column]:
    """Name, results, then every setting in which `runs` differ, in the order of the settings form."""
    results = [column for column in _RESULTS if any(column.order(run) is not None for run in runs)]
    return [*results, *(column for column in _SETTINGS if len({column.words(run) for run in runs}) > 1)]


def in_order(runs: Sequence[RunSummary], column: Column | None, *, backwards: bool = False) -> list[RunSummary]:
    """The runs sorted by `column`, by when they began where it is None; those without a value last."""
    by: Callable[[RunSummary], Any] = (lambda run: run.date) if column is None else column.order
    known = [run for run in runs if by(run) is not None]
    return sorted(known, key=by, reverse=backwards) + [run for run in runs if by(run) is None]


def _loss(loss: float | None, step: int | None = None) -> str:
    if loss is None or not math.isfinite(loss):
        return figures.UNKNOWN
    return f"{loss:.3f} @{step:,}" if step is not None else f"{loss:.3f}"


def _model(run: RunSummary) -> str:
    return one_line(run.model.rstrip("/").rpartition("/")[2], 24)


def _setting(name: str) -> Column:
    def value(run: RunSummary) -> Any:
        return getattr(run.settings, name)

    def order(run: RunSummary) -> Any:
        found = value(run)
        return found if isinstance(found, int | float) else setting_in_words(found)

    return Column(name, name, lambda run: one_line(setting_in_words(value(run)), 24), order, setting=True)


_RESULTS = (
    Column("run", _("run"), lambda run: run.name, lambda run: run.name.casefold()),
    Column("steps", _("steps"), lambda run: f"{run.iteration:,}/{run.iters:,}", lambda run: run.iteration),
    Column(
        "held_out",
        _("held-out"),
        lambda run: _loss(run.best_loss, run.best_iteration),
        lambda run: run.best_loss,
    ),
    Column("test", _("test"), lambda run: _loss(run.test_loss), lambda run: run.test_loss),
)
_SETTINGS = (
    Column("model", "model", _model, _model, setting=True),
    # How many steps there are to be stands with those that were done.
    *(_setting(field.name) for field in dataclasses.fields(TrainingChoice) if field.name != "iters"),
)
