"""What the Train screen knows: a run's history, live or read from its folder, and the stages before its first step."""

from __future__ import annotations

from pathlib import Path

from tui_tuner import figures
from tui_tuner.language import _
from tui_tuner.progress import Event, StageProgress
from tui_tuner.screens.machine_figures import machine_figures
from tui_tuner.screens.progress_view import ProgressView
from tui_tuner.training.events import TrainStep
from tui_tuner.training.history import RunHistory, Seen
from tui_tuner.training.run_tail import RunTail


class TrainingView:
    """A run as the dashboard draws it. `apply` takes in events; `of_run` reads a past run; both look the same."""

    def __init__(self, history: RunHistory | None = None) -> None:
        self.history = history or RunHistory()
        self._tail: RunTail | None = None
        self.before = ProgressView()
        self.changes = 0  # how often something was taken in: a screen redraws only what is new

    @classmethod
    def of_run(cls, run: Path) -> TrainingView:
        """The run kept in a folder.

        Raises:
            StorageError: its metrics cannot be read.
        """
        view = cls(RunHistory(run=run.name))
        view._tail = RunTail(run)
        view.follow()
        return view

    def follow(self) -> bool:
        """Take in what was added to the run's folder by whoever works on it; False where that is nothing.

        Raises:
            StorageError: its metrics cannot be read.
        """
        if self._tail is None:
            return False
        news = self._tail.news()
        if news.again:
            self.history = RunHistory(run=self.history.run)
        for event, when in news.events:
            self.history.apply(event, time=when)
        changed = news.again or bool(news.events)
        self.changes += changed
        return changed

    def apply(self, event: Event) -> None:
        """Take in one event."""
        self.changes += 1
        self.before.apply(event)
        self.history.apply(event)

    @property
    def progress(self) -> StageProgress | None:
        """How far the training, or what comes before it, is."""
        history = self.history
        if history.started is None:
            return next(reversed(self.before.stages.values()), None)
        last = history.last if history.running and not history.paused else None
        return StageProgress(
            history.run,
            history.iteration,
            history.iters,
            _("steps"),
            last.iterations_per_second if last else None,
            last.eta_seconds if last else None,
            ended=history.ended is not None and history.ended.finished,
            eta_error_seconds=last.eta_error_seconds if last else None,
        )

    def figures(self) -> list[tuple[str, str]]:
        """Label and value of everything that is measured, with units."""
        history, last = self.history, self.history.last
        valid = f"{history.valid[-1][1]:.3f}" if history.valid else "–"
        best = (
            _("{loss} at {step}", loss=f"{history.best[1]:.3f}", step=f"{history.best[0]:,}") if history.best else "–"
        )
        rows = [
            (_("train loss"), f"{last.loss:.3f}" if last else "–"),
            (_("held-out loss"), valid),
            (_("best"), best),
        ]
        if history.test is not None:
            words = {"loss": f"{history.test.loss:.3f}", "perplexity": f"{history.test.perplexity:,.3g}"}
            rows.append((_("test loss"), _("{loss} · ppl {perplexity}", **words)))
        if last is None:
            return rows
        pace = figures.rate(last.iterations_per_second, "")
        noteworthy, calm = machine_figures(history)
        return [
            *rows,
            *noteworthy,
            (_("learning rate"), f"{last.learning_rate:.1e}"),
            (_("gradient norm"), f"{last.gradient_norm:.2f}"),
            (_("speed"), f"{figures.count(last.tokens_per_second)} tok/s"),
            (_("steps"), pace),
            (_("peak memory"), figures.size(last.peak_memory)),
            *self._seen(last),
            (_("elapsed"), figures.duration(last.elapsed_seconds)),
            *calm,  # last: a small terminal has no room for what is as it should be
        ]

    def _seen(self, last: TrainStep) -> list[tuple[str, str]]:
        """What was trained on so far."""
        seen = self.history.seen[-1][1] if self.history.seen else Seen()
        rows = [(_("epoch"), f"{last.epoch:.2f}")]
        if seen.examples:
            rows.append((_("examples"), figures.count(seen.examples)))
        learned = figures.percent(seen.supervised, seen.tokens)
        return [
            *rows,
            (_("tokens"), figures.count(last.trained_tokens)),
            (_("learned"), f"{figures.count(seen.supervised)} · {learned}"),
            (_("padding"), f"{100 * seen.padded / max(seen.computed, 1):.1f} %"),
        ]
