"""What a training run tells, live and on disk.

Each event is one line of the run's `metrics.jsonl`, which `event_lines` reads; `metrics_keys` says what each key means.
Times are unix seconds; spans are seconds; losses are the mean cross-entropy per supervised token, in nats.
"""

from __future__ import annotations

from dataclasses import dataclass

from tui_tuner.language import _
from tui_tuner.progress import Event


@dataclass(frozen=True)
class TrainingStarted(Event):
    """A run begins, or goes on.

    Attributes:
        run: the run's name.
        iters: steps in all.
        start_iteration: steps done by earlier sessions.
        train_examples: rows that are trained on.
        valid_examples: rows held out.
        trainable_parameters: numbers in the adapter.
        total_parameters: numbers in the model, adapter included.
        tokens_per_epoch: real tokens of all training rows.
        supervised_tokens_per_epoch: those of them that are learned.
        time: unix seconds.
        versions: what trains; empty in runs of earlier versions.
    """

    run: str
    iters: int
    start_iteration: int
    train_examples: int
    valid_examples: int
    trainable_parameters: int
    total_parameters: int
    tokens_per_epoch: int
    supervised_tokens_per_epoch: int
    time: float
    versions: str = ""


@dataclass(frozen=True)
class TrainStep(Event):
    """One report: the steps since the last one.

    Attributes:
        iteration: steps done.
        iters: steps in all.
        loss: mean of the steps' losses.
        learning_rate: of the last step.
        gradient_norm: Euclidean norm of the last step's gradient.
        tokens: real tokens seen, padding not counted.
        supervised_tokens: those of them that are learned.
        trained_tokens: real tokens since the run's first step.
        tokens_per_second: real tokens per second of training, validation not counted.
        iterations_per_second: steps per second of training.
        peak_memory: most bytes MLX held at once in this session.
        padding: share of computed positions that were padding, 0 to 1.
        epoch: passes through the data so far, with fraction.
        elapsed_seconds: since the run's first step, all sessions together, pauses not counted.
        eta_seconds: seconds left, validations included; None before some steps are seen.
        time: unix seconds.
        examples: rows seen.
        eta_error_seconds: how far off that may be, nine of ten times.
    """

    iteration: int
    iters: int
    loss: float
    learning_rate: float
    gradient_norm: float
    tokens: int
    supervised_tokens: int
    trained_tokens: int
    tokens_per_second: float
    iterations_per_second: float
    peak_memory: int
    padding: float
    epoch: float
    elapsed_seconds: float
    eta_seconds: float | None
    time: float
    examples: int = 0
    eta_error_seconds: float | None = None


@dataclass(frozen=True)
class Validation(Event):
    """The loss over all held-out rows after `iteration` steps; `best` when lower than after any step before."""

    iteration: int
    loss: float
    best: bool
    seconds: float
    time: float


@dataclass(frozen=True)
class SampleAnswered(Event):
    """What the model answers to one of a few fixed prompts after `iteration` steps, always by its likeliest tokens.

    Attributes:
        iteration: steps done; 0 is the model before training.
        place: which prompt, from 0.
        prompt: the question.
        answer: the model's text.
        tokens: of the answer.
        cut: whether the answer was longer than it may be.
        time: unix seconds.
    """

    iteration: int
    place: int
    prompt: str
    answer: str
    tokens: int
    cut: bool
    time: float


@dataclass(frozen=True)
class CheckpointSaved(Event):
    """Everything an exact resume needs is in `path`."""

    iteration: int
    path: str
    time: float


@dataclass(frozen=True)
class StepSkipped(Event):
    """A step that would have ruined the weights was left out; `rows` are lines of `train.jsonl`, from 1."""

    iteration: int
    reason: str
    rows: tuple[int, ...]
    time: float


@dataclass(frozen=True)
class MicroBatchHalved(Event):
    """Memory ran short: from now on batches are computed in parts, with the same losses but for rounding.

    Attributes:
        iteration: steps done.
        micro_batch: rows computed at once from now on.
        before: rows computed at once until now.
        reason: what ran short, a sentence's beginning.
        time: unix seconds.
    """

    iteration: int
    micro_batch: int
    before: int
    reason: str
    time: float

    def __str__(self) -> str:
        """The event in words."""
        words = {"reason": self.reason, "before": self.before, "now": self.micro_batch}
        return _("{reason}: rows computed at once {before} → {now}; the result stays the same", **words)


@dataclass(frozen=True)
class MachineState(Event):
    """How the machine stands, every half minute and whenever heat or power changed.

    Attributes:
        iteration: steps done.
        total_memory: bytes in it.
        free_memory: bytes that can be had without swapping, at the latest look, which may be within a step.
        swap_used: bytes swapped out, of all programs together.
        heat: how hot it is, in words; empty where the system does not say.
        slowed: whether the system holds it back because of that.
        on_battery: whether it drains its battery; None where the system does not say.
        battery_percent: how full that is; None where there is none.
        time: unix seconds.
    """

    iteration: int
    total_memory: int
    free_memory: int
    swap_used: int
    heat: str
    slowed: bool
    on_battery: bool | None
    battery_percent: int | None
    time: float


@dataclass(frozen=True)
class RunExtended(Event):
    """A run goes on with something other than its last checkpoint was made with, as a person wanted.

    Attributes:
        iteration: steps done.
        changes: each in a few words.
        other_held_out: whether held-out losses cannot be compared with those before.
        time: unix seconds.
    """

    iteration: int
    changes: tuple[str, ...]
    other_held_out: bool
    time: float

    def __str__(self) -> str:
        """The event in words."""
        return _("from here on {changes}", changes="; ".join(self.changes))


@dataclass(frozen=True)
class TrainingPaused(Event):
    """The run waits after `iteration` steps, with everything on the disk."""

    iteration: int
    time: float


@dataclass(frozen=True)
class TrainingContinued(Event):
    """A run that was paused goes on."""

    iteration: int
    time: float


@dataclass(frozen=True)
class TrainingEnded(Event):
    """A session is over.

    Attributes:
        run: the run's name.
        iteration: steps done.
        iters: steps in all, as planned.
        finished: whether the run is done; otherwise it was stopped so that it can be resumed.
        best_loss: lowest held-out loss after a step; None without validation.
        best_iteration: after which step.
        elapsed_seconds: of all sessions, pauses not counted.
        time: unix seconds.
        early: whether it is done before its last step, for want of a lower held-out loss.
    """

    run: str
    iteration: int
    iters: int
    finished: bool
    best_loss: float | None
    best_iteration: int | None
    elapsed_seconds: float
    time: float
    early: bool = False


@dataclass(frozen=True)
class FinalTest(Event):
    """What the adapter that is kept is worth on `test.jsonl`, which nothing was chosen by.

    Attributes:
        iteration: after which step the adapter was kept.
        loss: over all learned tokens of these rows.
        perplexity: e to the loss: among how many tokens the model hesitates.
        rows: how many were measured.
        tokens: learned tokens in them.
        time: unix seconds.
    """

    iteration: int
    loss: float
    perplexity: float
    rows: int
    tokens: int
    time: float
