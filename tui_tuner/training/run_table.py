"""Several runs side by side: what came out, and in which settings they differ."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui_tuner import figures
from tui_tuner.choices import TrainingChoice
from tui_tuner.language import _, ngettext
from tui_tuner.progress import Event
from tui_tuner.training.history import RunHistory, read_history
from tui_tuner.training.run_config import TRAIN_FILE, VALID_FILE, RunConfig, read_config
from tui_tuner.training.runs import RunSummary, summarize


@dataclass(frozen=True)
class TableRow:
    """One line of the table.

    Attributes:
        label: what is compared.
        values: one per run, in words.
        differs: whether they are not all the same.
        best: which run has the best value; None where nobody can say.
    """

    label: str
    values: tuple[str, ...]
    differs: bool
    best: int | None = None


@dataclass(frozen=True)
class RunTable(Event):
    """Runs side by side.

    Attributes:
        runs: their names, in the order of the columns.
        results: what came out.
        settings: what they were trained with, model and data included.
        warnings: why some of it cannot be compared.
    """

    runs: tuple[str, ...]
    results: tuple[TableRow, ...]
    settings: tuple[TableRow, ...]
    warnings: tuple[str, ...]

    @property
    def same(self) -> tuple[TableRow, ...]:
        """The settings in which all runs agree."""
        return tuple(row for row in self.settings if not row.differs)


@dataclass(frozen=True)
class _Run:
    summary: RunSummary
    config: RunConfig
    history: RunHistory

    @property
    def training_loss(self) -> float | None:
        return self.history.train[-1][1] if self.history.train else None

    @property
    def epochs(self) -> str:
        return f"{self.history.last.epoch:.2f}" if self.history.last else figures.UNKNOWN

    @property
    def tokens(self) -> int | None:
        return self.history.last.trained_tokens if self.history.last else None

    @property
    def seconds(self) -> float | None:
        return self.history.last.elapsed_seconds if self.history.last else None

    @property
    def speed(self) -> float | None:
        return round(statistics.median(speed for _step, speed in self.history.speed)) if self.history.speed else None

    @property
    def peak(self) -> float | None:
        return max((size for _step, size in self.history.memory), default=None)


def compare_runs(runs: Sequence[Path]) -> RunTable:
    """Read `runs`, folders, and put them side by side.

    Raises:
        StorageError: a file of one of them cannot be read.
        ConfigurationError: a mistake in a `config.toml`.
        TrainingError: a newer version made one of them.
    """
    known = [_Run(summarize(run), read_config(run), read_history(run)) for run in runs]
    return RunTable(
        runs=tuple(run.name for run in runs),
        results=tuple(_results(known)),
        settings=(*_origins(known), *_settings(known)),
        warnings=tuple(_warnings(known)),
    )


def _row(label: str, runs: Sequence[_Run], words: Callable[[_Run], str], best: int | None = None) -> TableRow:
    values = tuple(words(run) for run in runs)
    return TableRow(label, values, len(set(values)) > 1, best)


def _results(runs: Sequence[_Run]) -> list[TableRow]:
    same_rows = len({run.config.facts.valid_fingerprint for run in runs}) == 1
    held_out = _lowest([run.summary.best_loss for run in runs]) if same_rows else None
    test = _lowest([run.summary.test_loss for run in runs])
    return [
        _row(_("state"), runs, lambda run: run.summary.state),
        _row(_("steps"), runs, lambda run: f"{run.summary.iteration:,}/{run.summary.iters:,}"),
        _row(_("best held-out loss"), runs, lambda run: _at_step(run.summary), held_out),
        _row(_("test loss"), runs, lambda run: _loss(run.summary.test_loss), test),
        _row(_("last training loss"), runs, lambda run: _loss(run.training_loss)),
        _row(_("epochs"), runs, lambda run: run.epochs),
        _row(_("tokens seen"), runs, lambda run: figures.count(run.tokens)),
        _row(_("speed"), runs, lambda run: f"{figures.count(run.speed)} tok/s"),
        _row(_("peak memory"), runs, lambda run: figures.size(run.peak)),
        _row(_("time"), runs, lambda run: figures.duration(run.seconds)),
    ]


def _lowest(values: Sequence[float | None]) -> int | None:
    """Where the one lowest value is; None where there is no other, or not one alone."""
    known = [value for value in values if value is not None]
    if len(known) < 2 or known.count(min(known)) > 1:
        return None
    return values.index(min(known))


def _loss(value: float | None) -> str:
    return f"{value:.3f}" if value is not None else figures.UNKNOWN


def _at_step(summary: RunSummary) -> str:
    if summary.best_loss is None:
        return figures.UNKNOWN
    return _("{loss} at {step}", loss=_loss(summary.best_loss), step=f"{summary.best_iteration:,}")


def _origins(runs: Sequence[_Run]) -> list[TableRow]:
    return [
        _row("model", runs, lambda run: run.config.facts.model_name),
        _row(TRAIN_FILE, runs, lambda run: _rows(run.config.facts.train_rows, run.config.facts.train_fingerprint)),
        _row(VALID_FILE, runs, lambda run: _rows(run.config.facts.valid_rows, run.config.facts.valid_fingerprint)),
        _row(_("trained with"), runs, lambda run: run.config.facts.versions),
    ]


def _rows(number: int, fingerprint: str) -> str:
    if not fingerprint:
        return figures.UNKNOWN
    # The beginning of the fingerprint tells files of the same length apart.
    return ngettext(
        "{rows} row ({mark})", "{rows} rows ({mark})", number, rows=figures.count(number), mark=fingerprint[:6]
    )


def _settings(runs: Sequence[_Run]) -> list[TableRow]:
    rows = []
    for field in dataclasses.fields(TrainingChoice):
        values = tuple(setting_in_words(getattr(run.config.choice, field.name)) for run in runs)
        rows.append(TableRow(field.name, values, len(set(values)) > 1))
    return rows


def setting_in_words(value: Any) -> str:
    """A setting's value as a person reads it."""
    if isinstance(value, tuple | list):
        return "; ".join(map(str, value)) or figures.UNKNOWN
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return f"{value:g}" if isinstance(value, float) else str(value)


def _warnings(runs: Sequence[_Run]) -> list[str]:
    if len({run.config.facts.valid_fingerprint for run in runs}) > 1:
        return [_("Their held-out rows are not the same: these losses cannot be compared.")]
    return []
