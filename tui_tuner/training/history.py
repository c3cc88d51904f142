"""A run as a view shows it: live from its events, or later from its `metrics.jsonl`; both give the same picture."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from pathlib import Path

from tui_tuner.language import _, ngettext
from tui_tuner.progress import Event, Notice
from tui_tuner.training.events import (
    CheckpointSaved,
    FinalTest,
    MachineState,
    MicroBatchHalved,
    RunExtended,
    SampleAnswered,
    StepSkipped,
    TrainingContinued,
    TrainingEnded,
    TrainingPaused,
    TrainingStarted,
    TrainStep,
    Validation,
)
from tui_tuner.training.run_tail import RunTail

Points = list[tuple[int, float]]


@dataclass(frozen=True)
class Seen:
    """What was trained on, since the run's first step.

    Attributes:
        examples: rows, each as often as it was seen; 0 where an earlier version trained, which did not say.
        tokens: real tokens.
        supervised: those of them that are learned.
        computed: positions the model computed.
        padded: those of them that were padding.
    """

    examples: int = 0
    tokens: int = 0
    supervised: int = 0
    computed: float = 0.0
    padded: float = 0.0

    def and_then(self, step: TrainStep) -> Seen:
        """With the steps of one more report."""
        computed = (step.tokens - step.examples) / max(1 - step.padding, 1e-9)
        return Seen(
            self.examples + step.examples,
            self.tokens + step.tokens,
            self.supervised + step.supervised_tokens,
            self.computed + computed,
            self.padded + computed * step.padding,
        )


@dataclass
class RunHistory:
    """All a dashboard draws of one run; changed by `apply` alone.

    Attributes:
        run: the run's name; empty before it has started.
        iters: steps in all.
        iteration: steps done.
        train: (iteration, loss) per report.
        valid: (iteration, loss) per validation; iteration 0 is the model before training.
        speed: (iteration, real tokens per second) per report.
        memory: (iteration, peak bytes) per report.
        gradient_norm: (iteration, norm) per report.
        learning_rate: (iteration, rate) per report.
        seen: (iteration, what was trained on up to there) per report.
        last: the last report.
        started: how the last session began.
        ended: how it ended; None while it runs or where it was killed.
        paused: whether it waits.
        machine: how the machine stood last.
        micro_batch: rows computed at once; None: whole batches.
        samples: the answers to the sample prompts, in the order in which they came.
        test: what the kept adapter is worth on the test's rows; None where that was not measured.
        best: (iteration, loss) of the best validation after a step.
        skipped: the steps left out.
        notices: (unix seconds, text) of what else happened, ready to show.
    """

    run: str = ""
    iters: int = 0
    iteration: int = 0
    train: Points = field(default_factory=list)
    valid: Points = field(default_factory=list)
    speed: Points = field(default_factory=list)
    memory: Points = field(default_factory=list)
    gradient_norm: Points = field(default_factory=list)
    learning_rate: Points = field(default_factory=list)
    seen: list[tuple[int, Seen]] = field(default_factory=list)
    samples: list[SampleAnswered] = field(default_factory=list)
    test: FinalTest | None = None
    last: TrainStep | None = None
    started: TrainingStarted | None = None
    ended: TrainingEnded | None = None
    paused: bool = False
    machine: MachineState | None = None
    micro_batch: int | None = None
    best: tuple[int, float] | None = None
    skipped: list[StepSkipped] = field(default_factory=list)
    notices: list[tuple[float, str]] = field(default_factory=list)
    _comparable_from: int = 0

    @property
    def running(self) -> bool:
        """Whether the last thing known is that it runs; a killed run looks the same from its file."""
        return self.started is not None and self.ended is None

    def apply(self, event: Event, *, time: float = 0.0) -> None:
        """Take in one event; events of other jobs change nothing.

        Args:
            event: what happened.
            time: unix seconds, for events that do not carry their own.
        """
        self._apply(event, time)

    @functools.singledispatchmethod
    def _apply(self, event: Event, time: float) -> None:
        """Other jobs' events, and stages that pass, leave no trace in a history."""

    @_apply.register
    def _start(self, event: TrainingStarted, time: float) -> None:
        self._forget_after(event.start_iteration)
        self.run = self.run or event.run  # the folder's name counts: a run may have been renamed since
        self.iters, self.iteration = event.iters, event.start_iteration
        self.test = None
        before = self.started.versions if self.started else ""
        self.started, self.ended, self.paused = event, None, False
        if not event.start_iteration:
            self.micro_batch = None  # what a killed session found out is found out again
        if event.start_iteration:
            self._note(event.time, _("resumed after step {iteration:,}", iteration=event.start_iteration))
            if before and event.versions != before:
                self._note(event.time, _("trained with {versions} from here on", versions=event.versions))
        else:
            self._note(event.time, _("{run} started", run=event.run))

    def _forget_after(self, iteration: int) -> None:
        """Drop what a killed session did after the checkpoint from which the run goes on: it is done again."""
        for points in (self.train, self.valid, self.speed, self.memory, self.gradient_norm, self.learning_rate):
            points[:] = [point for point in points if point[0] <= iteration]
        self.samples[:] = [sample for sample in self.samples if sample.iteration <= iteration]
        self.seen[:] = [seen for seen in self.seen if seen[0] <= iteration]
        self.skipped[:] = [skip for skip in self.skipped if skip.iteration <= iteration]
        if self.last and self.last.iteration > iteration:
            self.last = None
        trained = [(loss, step) for step, loss in self.valid[self._comparable_from :] if step > 0]
        self.best = (min(trained)[1], min(trained)[0]) if trained else None

    @_apply.register
    def _extend(self, event: RunExtended, time: float) -> None:
        self._note(event.time, str(event))
        if event.other_held_out:
            self._comparable_from, self.best = len(self.valid), None

    @_apply.register
    def _step(self, event: TrainStep, time: float) -> None:
        self.iteration, self.iters, self.last = event.iteration, event.iters, event
        self.train.append((event.iteration, event.loss))
        self.speed.append((event.iteration, event.tokens_per_second))
        self.memory.append((event.iteration, event.peak_memory))
        self.gradient_norm.append((event.iteration, event.gradient_norm))
        self.learning_rate.append((event.iteration, event.learning_rate))
        self.seen.append((event.iteration, (self.seen[-1][1] if self.seen else Seen()).and_then(event)))

    @_apply.register
    def _validate(self, event: Validation, time: float) -> None:
        self.valid.append((event.iteration, event.loss))
        if event.best:
            self.best = (event.iteration, event.loss)
            self._note(event.time, _("held-out loss {loss:.3f}, the best so far", loss=event.loss))
        elif event.iteration == 0:
            self._note(event.time, _("held-out loss before training {loss:.3f}", loss=event.loss))
        else:
            self._note(event.time, _("held-out loss {loss:.3f}", loss=event.loss))

    @_apply.register
    def _answer(self, event: SampleAnswered, time: float) -> None:
        self.samples.append(event)

    @_apply.register
    def _test(self, event: FinalTest, time: float) -> None:
        self.test = event
        words = {"loss": event.loss, "perplexity": event.perplexity, "step": event.iteration}
        self._note(event.time, _("test loss {loss:.3f} with the adapter of step {step:,}", **words))

    @_apply.register
    def _save(self, event: CheckpointSaved, time: float) -> None:
        self._note(event.time, _("checkpoint {iteration:,} saved", iteration=event.iteration))

    @_apply.register
    def _skip(self, event: StepSkipped, time: float) -> None:
        self.iteration = event.iteration
        self.skipped.append(event)
        rows = ", ".join(map(str, event.rows))
        words = {"iteration": event.iteration, "reason": event.reason, "rows": rows}
        self._note(event.time, _("step {iteration:,} left out: {reason}; lines {rows} of train.jsonl", **words))

    @_apply.register
    def _halve(self, event: MicroBatchHalved, time: float) -> None:
        self.micro_batch = event.micro_batch
        self._note(event.time, str(event))

    @_apply.register
    def _look(self, event: MachineState, time: float) -> None:
        self.machine = event

    @_apply.register
    def _pause(self, event: TrainingPaused, time: float) -> None:
        self.paused = True
        self._note(
            event.time,
            ngettext(
                "paused after {iteration:,} step",
                "paused after {iteration:,} steps",
                event.iteration,
                iteration=event.iteration,
            ),
        )

    @_apply.register
    def _go_on(self, event: TrainingContinued, time: float) -> None:
        self.paused = False
        self._note(event.time, _("went on"))

    @_apply.register
    def _end(self, event: TrainingEnded, time: float) -> None:
        self.ended, self.iteration, self.paused = event, event.iteration, False
        words = {"iteration": event.iteration, "iters": event.iters}
        if event.early:
            self._note(
                event.time,
                ngettext(
                    "ended early after {iteration:,} of {iters:,} step",
                    "ended early after {iteration:,} of {iters:,} steps",
                    event.iters,
                    **words,
                ),
            )
        elif event.finished:
            self._note(
                event.time,
                ngettext(
                    "finished after {iteration:,} step", "finished after {iteration:,} steps", event.iteration, **words
                ),
            )
        else:
            self._note(
                event.time,
                ngettext(
                    "stopped after {iteration:,} of {iters:,} step",
                    "stopped after {iteration:,} of {iters:,} steps",
                    event.iters,
                    **words,
                ),
            )

    @_apply.register
    def _notice(self, event: Notice, time: float) -> None:
        self._note(time, event.text)

    def _note(self, time: float, text: str) -> None:
        self.notices.append((time or (self.notices[-1][0] if self.notices else 0.0), text))


def read_history(run: Path) -> RunHistory:
    """What `run`'s folder tells; empty where it tells nothing yet.

    A last line that is cut off is left out: the process writing it died, or is writing it now.

    Raises:
        StorageError: the file cannot be read.
    """
    history = RunHistory(run=run.name)
    for event, when in RunTail(run).news().events:
        history.apply(event, time=when)
    return history
