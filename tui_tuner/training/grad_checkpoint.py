"""Less memory for more work: what happens inside a layer is computed again for the gradient instead of being kept.

Chen and others, Training Deep Nets with Sublinear Memory Cost (arXiv 1604.06174). As in mlx-lm's `grad_checkpoint`,
with two differences. There dropout draws new random numbers the second time, and the gradient belongs to another
network than the loss; here it draws the same. And there the layer's class is changed for good; here only while the
block lasts.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tui_tuner.choices import TrainingChoice
from tui_tuner.training.random_key import random_key, set_random_key


def checkpointing(choice: TrainingChoice, model: Any) -> contextlib.AbstractContextManager[None]:
    """What `choice` says about it, for the length of a block."""
    return (
        checkpointed(model.layers, dropout=choice.dropout > 0) if choice.grad_checkpoint else contextlib.nullcontext()
    )


@contextlib.contextmanager
def checkpointed(layers: Sequence[Any], *, dropout: bool) -> Iterator[None]:
    """Within the block every layer of the classes of `layers` keeps only its input for the gradient.

    Args:
        layers: the model's layers.
        dropout: whether they draw random numbers.
    """
    originals = {kind: kind.__call__ for kind in {type(layer) for layer in layers}}
    for kind, call in originals.items():
        kind.__call__ = _twice(call, dropout)
    try:
        yield
    finally:
        for kind, call in originals.items():
            kind.__call__ = call


def _twice(call: Callable[..., Any], dropout: bool) -> Callable[..., Any]:
    import mlx.core as mx
    from mlx.utils import tree_flatten

    def checkpointed_call(layer: Any, *arguments: Any, **named: Any) -> Any:
        weights = layer.trainable_parameters()
        if not layer.training or not tree_flatten(weights):
            return call(layer, *arguments, **named)
        key = random_key() if dropout else None
        computed = False

        def compute(weights: Any, *arguments: Any, **named: Any) -> Any:
            nonlocal computed
            layer.update(weights)
            if key is None or not computed:
                computed = True
                return call(layer, *arguments, **named)
            afterwards = random_key()
            set_random_key(key)
            try:
                return call(layer, *arguments, **named)
            finally:
                set_random_key(afterwards)

        return mx.checkpoint(compute)(weights, *arguments, **named)

    return checkpointed_call
