"""From the steps since the last report to the next `TrainStep`, with its rates and its ETA."""

from __future__ import annotations

import time
from collections import deque

from tui_tuner.choices import TrainingChoice
from tui_tuner.training.batches import Batch
from tui_tuner.training.checkpoint import Progress, Window
from tui_tuner.training.events import TrainStep
from tui_tuner.training.loop import StepResult


def count_step(window: Window, batch: Batch, result: StepResult, learning_rate: float, seconds: float) -> None:
    """Add one step that was taken to `window`."""
    window.steps += 1
    window.loss += result.loss
    window.learning_rate = learning_rate
    window.gradient_norm = result.gradient_norm
    window.tokens += batch.tokens
    window.supervised += batch.supervised
    window.examples += len(batch.examples)
    window.computed += batch.computed
    window.padded += batch.padded
    window.seconds += seconds


class Outlook:
    """How long the rest will take, from how long the latest steps and the last evaluation took in this session."""

    def __init__(self, choice: TrainingChoice) -> None:
        self._choice = choice
        self._steps: deque[float] = deque(maxlen=50)
        self._validation, self._samples = 0.0, 0.0

    def saw_step(self, seconds: float) -> None:
        """A step took `seconds`."""
        self._steps.append(seconds)

    def saw_validation(self, seconds: float) -> None:
        """A validation took `seconds`."""
        self._validation = seconds

    def saw_samples(self, seconds: float) -> None:
        """Answering the sample prompts took `seconds`."""
        self._samples = seconds

    def seconds_left(self, done: int) -> float:
        """Seconds until the end after `done` steps."""
        iters, every = self._choice.iters, self._choice.steps_per_eval
        a_step = sum(self._steps) / max(len(self._steps), 1)
        regular = iters // every - (done - 1) // every  # one may be due right now
        at_the_end = iters % every != 0
        return (iters - done) * a_step + (regular + at_the_end) * (self._validation + self._samples)


def report(progress: Progress, choice: TrainingChoice, batches_per_epoch: int, seconds_left: float) -> TrainStep:
    """The report on `progress.window`, which holds at least one step."""
    import mlx.core as mx

    window = progress.window
    seconds = max(window.seconds, 1e-9)
    return TrainStep(
        iteration=progress.iteration,
        iters=choice.iters,
        loss=window.loss / window.steps,
        learning_rate=window.learning_rate,
        gradient_norm=window.gradient_norm,
        tokens=window.tokens,
        supervised_tokens=window.supervised,
        trained_tokens=progress.trained_tokens,
        tokens_per_second=window.tokens / seconds,
        iterations_per_second=window.steps / seconds,
        peak_memory=int(mx.get_peak_memory()),
        padding=window.padded / window.computed,
        epoch=progress.iteration / batches_per_epoch,
        elapsed_seconds=progress.elapsed,
        eta_seconds=seconds_left,
        time=time.time(),
        examples=window.examples,
    )
