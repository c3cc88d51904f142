"""From the steps since the last report to the next `TrainStep`, with its rates and its ETA."""

from __future__ import annotations

import time

from tui_tuner.choices import TrainingChoice
from tui_tuner.training.batches import Batch
from tui_tuner.training.checkpoint import Progress, Window
from tui_tuner.training.events import TrainStep
from tui_tuner.training.loop import StepResult
from tui_tuner.training.outlook import TimeLeft


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


def report(progress: Progress, choice: TrainingChoice, batches_per_epoch: int, left: TimeLeft | None) -> TrainStep:
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
        epoch=(progress.iteration - progress.order_from) / batches_per_epoch,
        elapsed_seconds=progress.elapsed,
        eta_seconds=left.seconds if left else None,
        time=time.time(),
        examples=window.examples,
        eta_error_seconds=left.error if left else None,
    )
