"""One training step: gradient, guard, and, where one is due, update."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
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
        gradient_norm: Euclidean norm over all trained weights, before clipping; where several steps make an update, of
            the mean of their gradients so far.
    """

    loss: float
    gradient_norm: float

    @property
    def taken(self) -> bool:
        """Whether the weights learn from it: only where loss and gradient are finite."""
        return math.isfinite(self.loss) and math.isfinite(self.gradient_norm)


GradientOfBatch = Callable[[Batch, int | None], tuple[Any, Any]]


class Stepper:
    """Trains a model, one batch at a time.

    The weights change once in `grad_accumulation_steps` batches, by the mean of the batches' gradients. As in mlx-lm
    each batch weighs the same, however many tokens are learned in it; so several small batches give exactly what one
    large batch gives only where all hold the same number of learned tokens.

    The step is not compiled as a whole: every batch has a shape of its own, and on the CPU compiling costs half a
    minute and gains nothing that can be measured.

    Args:
        model: with its adapter; only what it trains is changed.
        optimizer: one of MLX's.
        loss: how the loss is computed.
        grad_clip: largest norm of the gradient that makes an update; 0 for any.

    Attributes:
        gathered: the sum of the gradients that wait for their update, a tree; None where none do.
        batches: how many they are.
        gradient_of: computes loss and gradient of a batch, at most so many rows at once.
        whole: whether weights and optimizer belong to one step and are finite: false only after a failed update.
    """

    def __init__(self, model: Any, optimizer: Any, loss: BatchLoss, *, grad_clip: float = 0.0) -> None:
        self.model, self.optimizer, self.whole = model, optimizer, True
        self.gathered: Any = None
        self.batches = 0
        self._grad_clip = grad_clip
        self.gradient_of: GradientOfBatch = GradientInParts(model, loss)

    def step(self, batch: Batch, micro_batch: int | None = None, *, update: bool = True) -> StepResult:
        """Learn from `batch`; where loss or gradient is not finite it counts for nothing.

        Args:
            batch: the rows.
            micro_batch: how many of them may be computed at once; None: all.
            update: change the weights by what was gathered, `batch` included.

        Raises:
            RuntimeError, MemoryError: MLX cannot compute the gradient; nothing has changed but random numbers.
            TrainingError: MLX cannot change the weights, or they are not finite; they are worth nothing any more.
        """
        import mlx.core as mx
        from mlx.utils import tree_map

        weights = self.model.trainable_parameters()
        try:
            loss, gradient = self.gradient_of(batch, micro_batch)
            gathered = _sum(gradient, self.gathered)
            norm = gradient_norm(gathered) / (self.batches + 1)
            # Looked at before the update is even built: what is not finite never comes near the weights.
            mx.eval(loss, norm, gathered)
        finally:
            self.model.update(weights)  # the model still holds what the gradient was traced with
        result = StepResult(loss.item(), norm.item())
        if result.taken:
            self.gathered, self.batches = gathered, self.batches + 1
        # Nothing holds on to what the update replaces, so that its memory can be used again.
        del weights, gradient, gathered
        if update and self.gathered is not None:
            self._update()
        elif self.gathered is not None:
            # In the order in which a file would hold it: sums over an array depend, in their last digit, on its order.
            self.gathered = tree_map(mx.contiguous, self.gathered)
            mx.eval(self.gathered)
        mx.clear_cache()  # as mlx-lm does: batches differ in shape, and a GPU would hoard memory of all of them
        return result

    def wait_with(self, gathered: Mapping[str, Any], batches: int) -> None:
        """Have gradients wait for their update that waited elsewhere: on a disk, or on another machine.

        Args:
            gathered: their sum, by the names of the weights; empty where none wait.
            batches: how many they are.
        """
        from mlx.utils import tree_map_with_path

        weights = self.model.trainable_parameters()  # a gradient has all of its branches, the empty ones too
        self.gathered = tree_map_with_path(lambda name, _weight: gathered[name], weights) if batches else None
        self.batches = batches

    def _update(self) -> None:
        import mlx.core as mx

        self.whole = False
        try:
            self.optimizer.update(self.model, self._mean_gradient())
            finite = _finite(self.model.trainable_parameters())
            mx.eval(self.model.trainable_parameters(), self.optimizer.state, finite)
        except (RuntimeError, MemoryError) as error:
            raise TrainingError(
                _("MLX could not change the weights: {error}", error=one_line(str(error), 200)),
                advice=_("The last checkpoint is as it was: free some memory, then go on with tuner train --resume"),
            ) from error
        if not finite.item():
            raise TrainingError(
                _("a finite gradient gave weights that are not; the last checkpoint is as it was"),
                advice=_("Start a new run with a smaller learning_rate, with grad_clip=1, or another optimizer."),
            )
        self.whole = True

    def _mean_gradient(self) -> Any:
        """The gradient of the update, from what was gathered, of which then nothing is left."""
        from mlx.utils import tree_map

        gradient, batches = self.gathered, self.batches
        self.gathered, self.batches = None, 0
        if batches > 1:
            gradient = tree_map(lambda part: part / batches, gradient)
        return clipped(gradient, self._grad_clip) if self._grad_clip else gradient


def _sum(gradient: Any, before: Any) -> Any:
    from mlx.utils import tree_map

    return gradient if before is None else tree_map(lambda new, old: new + old, gradient, before)


def _finite(weights: Any) -> Any:
    """Whether all numbers of a tree are, a boolean scalar."""
    import mlx.core as mx
    from mlx.utils import tree_flatten

    return mx.stack([mx.isfinite(weight).all() for _name, weight in tree_flatten(weights)]).all()


def gradient_norm(gradient: Any) -> Any:
    """The Euclidean norm over all arrays of a tree, a float32 scalar; not finite if any of their numbers is not."""
    import mlx.core as mx
    from mlx.utils import tree_flatten

    squares = [mx.square(part.astype(mx.float32)).sum() for _name, part in tree_flatten(gradient)]
    return mx.sqrt(mx.stack(squares).sum())


def clipped(gradient: Any, largest: float) -> Any:
    """`gradient`, scaled down where its norm is larger than `largest`. Pascanu and others, arXiv 1211.5063."""
    import mlx.core as mx
    from mlx.utils import tree_map

    scale = mx.minimum(largest / (gradient_norm(gradient) + 1e-6), 1.0)
    return tree_map(lambda part: (part * scale).astype(part.dtype), gradient)
