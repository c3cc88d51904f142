"""The loss: mean cross-entropy over the learned tokens of a batch, as in mlx-lm.

One difference, on purpose: mlx-lm's mask also counts the first padding position after each row, so that its models
learn to write token 0 after the end of a conversation. Given the same positions both give the same loss (the tests
show it).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from tui_tuner.training.batches import Batch

if TYPE_CHECKING:
    import mlx.core as mx


class BatchLoss(Protocol):
    """How the loss of a batch is computed; every way gives the same number."""

    def value(self, model: Any, batch: Batch) -> float:
        """The mean loss over the batch's learned tokens."""

    def gradient(self, model: Any, batch: Batch) -> tuple[mx.array, Any]:
        """The mean loss, a scalar, float32, and its gradient, a tree like the trained weights; both may be lazy.

        The model may hold what the gradient was traced with afterwards: give it back its weights.
        """

    def close(self) -> None:
        """Give back whatever it holds for rows that come again; it still computes what it is asked for."""


class PlainLoss:
    """The whole model, logits for every position: the yardstick for every shortcut."""

    def __call__(self, model: Any, batch: Batch) -> mx.array:
        """The mean loss, lazy; the model maps token ids (B, T) to logits (B, T, vocabulary)."""
        logits = model(batch.inputs)
        return mean_cross_entropy(logits.reshape(-1, logits.shape[-1])[batch.positions], batch.targets)

    def value(self, model: Any, batch: Batch) -> float:
        """The mean loss."""
        mean: Any = self(model, batch).item()
        return float(mean)

    def gradient(self, model: Any, batch: Batch) -> tuple[mx.array, Any]:
        """The mean loss and its gradient, both lazy."""
        from mlx import nn

        loss, gradient = nn.value_and_grad(model, self)(model, batch)
        return loss, gradient

    def close(self) -> None:
        """It holds nothing."""


def mean_cross_entropy(logits: mx.array, targets: mx.array) -> mx.array:
    """The mean cross-entropy of `logits`, shape (N, vocabulary), for `targets`, shape (N,); a scalar, float32."""
    import mlx.core as mx
    from mlx.nn.losses import cross_entropy

    mean: mx.array = cross_entropy(logits, targets).astype(mx.float32).mean()
    return mean
