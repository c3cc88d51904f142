"""A batch computed in parts, one after the other, where its memory is not to be had at once; the same mathematics.

A batch's loss is the mean over its learned tokens, so it is the mean of its parts' losses, each weighted by the part's
learned tokens, and so is its gradient. Only rounding differs, and with dropout the numbers that are drawn.
"""

from __future__ import annotations

from typing import Any

from tui_tuner.training.batches import Batch, assemble
from tui_tuner.training.loss import BatchLoss


def parts_of(batch: Batch, micro_batch: int | None) -> list[Batch]:
    """`batch` in parts of at most `micro_batch` rows, in the same order; the batch itself where it is no more.

    A part is as wide as its own longest row, so that splitting also saves padding.
    """
    rows = batch.examples
    if micro_batch is None or len(rows) <= micro_batch:
        return [batch]
    return [assemble(rows[begin : begin + micro_batch]) for begin in range(0, len(rows), micro_batch)]


class GradientInParts:
    """The loss of a batch and its gradient, at most `micro_batch` rows at a time.

    Args:
        model: with its adapter.
        loss: how the loss of a part is computed.
    """

    def __init__(self, model: Any, loss: BatchLoss) -> None:
        self._model, self._loss = model, loss

    def __call__(self, batch: Batch, micro_batch: int | None = None) -> tuple[Any, Any]:
        """The mean loss over the batch's learned tokens, a scalar, and the gradient, a tree like the trained weights.

        With more than one part both are evaluated; otherwise they may still be lazy.
        """
        parts = parts_of(batch, micro_batch)
        if len(parts) == 1:
            return self._loss.gradient(self._model, batch)
        return self._sum(parts, batch.supervised)

    def _sum(self, parts: list[Batch], supervised: int) -> tuple[Any, Any]:
        import mlx.core as mx
        from mlx.utils import tree_map

        total, summed = mx.array(0.0), None
        for part in parts:
            share = part.supervised / supervised
            loss, gradient = self._loss.gradient(self._model, part)
            total = total + share * loss
            weighted = tree_map(lambda array, share=share: share * array, gradient)
            summed = weighted if summed is None else tree_map(mx.add, summed, weighted)
            mx.eval(total, summed)
            # What this part needed is given back before the next one asks for it.
            del loss, gradient, weighted
            mx.clear_cache()
        return total, summed
