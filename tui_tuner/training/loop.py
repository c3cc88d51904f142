"""One training step: gradient, guard, update."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from tui_tuner.errors import TrainingError
from tui_tuner.language import _
from tui_tuner.plain_text import one_line
from tui_tuner.training.batches import Batch
from tui_tuner.training.in_parts import GradientInParts
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

    `whole` says whether weights and optimizer belong to one step: false only after an update that failed half-way.

    The step is not compiled as a whole: every batch has a shape of its own, and on the CPU compiling costs half a
    minute and gains nothing that can be measured.

    Args:
        model: with its adapter; only that is changed.
        optimizer: one of MLX's.
        loss: how the loss is computed.
    """

    def __init__(self, model: Any, optimizer: Any, loss: BatchLoss) -> None:
        self.model, self.optimizer, self.whole = model, optimizer, True
        self._gradient = GradientInParts(model, loss)

    def step(self, batch: Batch, micro_batch: int | None = None) -> StepResult:
        """Learn from `batch`; weights and optimizer stay as they are where loss or gradient is not finite.

        Args:
            batch: the rows.
            micro_batch: how many of them may be computed at once; None: all.

        Raises:
            RuntimeError, MemoryError: MLX cannot compute the gradient; nothing has changed but random numbers.
            TrainingError: MLX cannot change the weights; they are worth nothing any more.
        """
        import mlx.core as mx

        loss, gradient = self._gradient(batch, micro_batch)
        norm = gradient_norm(gradient)
        # Looked at before the update is even built: what is not finite never comes near the weights.
        mx.eval(loss, norm, gradient)
        result = StepResult(loss.item(), norm.item())
        if result.taken:
            self._update(gradient)
        mx.clear_cache()  # as mlx-lm does: batches differ in shape, and a GPU would hoard memory of all of them
        return result

    def _update(self, gradient: Any) -> None:
        import mlx.core as mx

        self.whole = False
        try:
            self.optimizer.update(self.model, gradient)
            mx.eval(self.model.trainable_parameters(), self.optimizer.state)
        except (RuntimeError, MemoryError) as error:
            raise TrainingError(
                _("MLX could not change the weights: {error}", error=one_line(str(error), 200)),
                advice=_("The last checkpoint is as it was: free some memory, then go on with tuner train --resume"),
            ) from error
        self.whole = True


def gradient_norm(gradient: Any) -> Any:
    """The Euclidean norm over all arrays of a tree, a float32 scalar; not finite if any of their numbers is not."""
    import mlx.core as mx
    from mlx.utils import tree_flatten

    squares = [mx.square(part.astype(mx.float32)).sum() for _name, part in tree_flatten(gradient)]
    return mx.sqrt(mx.stack(squares).sum())
