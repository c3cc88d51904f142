"""One training step: gradient, guard, update."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from tui_tuner.training.batches import Batch
from tui_tuner.training.loss import BatchLoss


@dataclass(frozen=True)
class StepResult:
    """What a step gave.

    Attributes:
        loss: mean over the batch's learned tokens, before the update.
        gradient_norm: Euclidean norm over all trained weights.
    """

    loss: float
    gradient_norm: float

    @property
    def taken(self) -> bool:
        """Whether the weights were changed: only by a loss and a gradient that are finite."""
        return math.isfinite(self.loss) and math.isfinite(self.gradient_norm)


class Stepper:
    """Trains a model, one batch at a time.

    The step is not compiled as a whole: every batch has a shape of its own, and on the CPU compiling costs half a
    minute and gains nothing that can be measured.

    Args:
        model: with its adapter; only that is changed.
        optimizer: one of MLX's.
        loss: how the loss is computed.
    """

    def __init__(self, model: Any, optimizer: Any, loss: BatchLoss) -> None:
        from mlx import nn

        self.model, self.optimizer, self._loss = model, optimizer, loss
        self._loss_and_gradient = nn.value_and_grad(model, loss)

    def step(self, batch: Batch) -> StepResult:
        """Learn from `batch`; weights and optimizer stay as they are where loss or gradient is not finite."""
        import mlx.core as mx

        self._loss.prepare(batch)
        loss, gradient = self._loss_and_gradient(self.model, batch)
        norm = gradient_norm(gradient)
        # Looked at before the update is even built: what is not finite never comes near the weights.
        mx.eval(loss, norm, gradient)
        result = StepResult(loss.item(), norm.item())
        if result.taken:
            self.optimizer.update(self.model, gradient)
            mx.eval(self.model.trainable_parameters(), self.optimizer.state)
        mx.clear_cache()  # as mlx-lm does: batches differ in shape, and a GPU would hoard memory of all of them
        return result


def gradient_norm(gradient: Any) -> Any:
    """The Euclidean norm over all arrays of a tree, a float32 scalar; not finite if any of their numbers is not."""
    import mlx.core as mx
    from mlx.utils import tree_flatten

    squares = [mx.square(part.astype(mx.float32)).sum() for _name, part in tree_flatten(gradient)]
    return mx.sqrt(mx.stack(squares).sum())
