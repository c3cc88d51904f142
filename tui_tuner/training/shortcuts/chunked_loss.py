"""Cross-entropy of many tokens over a large vocabulary, a few tokens at a time.

The logits of all learned tokens at once are often the largest array of a training step, and a gradient needs them a
second time. Here loss and gradient of a few tokens are computed together and only the gradient is kept, which is as
wide as the hidden states: no logit is computed twice, none is kept. The idea is that of Wijmans and others, Cut Your
Losses in Large-Vocabulary Language Models (arXiv 2411.09009), and of Hsu and others, Liger Kernel (arXiv 2410.10989).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mlx.core as mx

from tui_tuner.training.dividing import tokens_at_once

Head = Callable[[mx.array], mx.array]


def chunked_cross_entropy(
    head: Head, hidden: mx.array, targets: mx.array, vocabulary: int, exponential: Head
) -> mx.array:
    """The mean cross-entropy, a scalar, float32; differentiable by `hidden` alone.

    Args:
        head: from hidden states to logits, each row for itself; not trained.
        hidden: shape (N, D).
        targets: the learned tokens, shape (N,).
        vocabulary: how many logits a row has.
        exponential: e to the power of each number.
    """

    @mx.custom_function
    def total(hidden: mx.array) -> tuple[mx.array, mx.array]:
        losses: list[mx.array] = []
        gradients: list[mx.array] = []
        for rows, chosen in _chunks(hidden, targets, vocabulary):
            # One chunk after the other: all at once they would need all of the memory again.
            waiting = mx.depends([rows], [losses[-1], gradients[-1]])[0] if gradients else rows
            loss, gradient = mx.value_and_grad(lambda rows, chosen=chosen: _total(head(rows), chosen, exponential))(
                waiting
            )
            losses.append(loss)
            gradients.append(gradient)
        return mx.stack(losses).sum(), mx.concatenate(gradients)

    @total.vjp
    def _by_hidden(_primal: Any, cotangents: Any, outputs: Any) -> mx.array:
        gradient: mx.array = cotangents[0].astype(outputs[1].dtype) * outputs[1]
        return gradient

    both: Any = total(hidden)
    mean: mx.array = both[0] / len(targets)
    return mean


def chunked_cross_entropy_alone(
    head: Head, hidden: mx.array, targets: mx.array, vocabulary: int, exponential: Head
) -> mx.array:
    """The same where no gradient is wanted."""
    losses: list[mx.array] = []
    for rows, chosen in _chunks(hidden, targets, vocabulary):
        waiting = mx.depends([rows], losses[-1:])[0] if losses else rows
        losses.append(_total(head(waiting), chosen, exponential))
    return mx.stack(losses).sum() / len(targets)


def _chunks(hidden: mx.array, targets: mx.array, vocabulary: int) -> list[tuple[mx.array, mx.array]]:
    rows = tokens_at_once(vocabulary)
    return [(hidden[begin : begin + rows], targets[begin : begin + rows]) for begin in range(0, hidden.shape[0], rows)]


def _total(logits: mx.array, targets: mx.array, exponential: Head) -> mx.array:
    """The sum of the cross-entropies, a scalar, float32."""
    logits = logits.astype(mx.float32)
    largest = mx.stop_gradient(logits.max(axis=-1, keepdims=True))
    shifted = logits - largest
    chosen = mx.take_along_axis(shifted, targets[:, None], axis=-1)[:, 0]
    return (mx.log(exponential(shifted).sum(axis=-1)) - chosen).sum()
