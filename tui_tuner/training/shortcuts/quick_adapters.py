"""What an adapter adds is added by the product that computes it.

mlx-lm computes an adapted matrix as `y + scale * ((x @ a) @ b)`: the second product, the scaling and the sum each write
an array as wide as the output, and the way back does the same with gradients. On a CPU that takes longer than the thin
products themselves. A product can add to what is there already, and scaling costs nothing where the array has only as
many columns as the adapter's rank; the mathematics is the same. Hu and others, LoRA (arXiv 2106.09685).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import mlx.core as mx


@contextlib.contextmanager
def quick_adapters() -> Iterator[None]:
    """Within the block mlx-lm's adapters of linear layers are computed here."""
    from mlx_lm.tuner.lora import LoRALinear

    original = LoRALinear.__call__

    def adapted(layer: Any, x: mx.array) -> mx.array:
        if not x.dtype == layer.lora_a.dtype == mx.float32:  # mlx-lm converts between the two, in its own order
            found: mx.array = original(layer, x)
            return found
        dropped = layer.dropout(x)
        if dropped is not x:
            return mx.addmm(layer.linear(x), (dropped @ layer.lora_a) * layer.scale, layer.lora_b)
        return adapted_product(layer.linear, x, layer.lora_a, layer.lora_b, layer.scale)

    LoRALinear.__call__ = adapted
    try:
        yield
    finally:
        LoRALinear.__call__ = original


def adapted_product(
    linear: Callable[[mx.array], mx.array], x: mx.array, a: mx.array, b: mx.array, scale: float
) -> mx.array:
    """`linear(x) + scale * (x @ a) @ b`, differentiable by `x`, `a` and `b`.

    Args:
        linear: not trained itself.
        x: shape (..., D).
        a: shape (D, R).
        b: shape (R, E).
        scale: of what the adapter adds.

    Returns:
        Shape (..., E).
    """

    @mx.custom_function
    def both(x: mx.array, a: mx.array, b: mx.array) -> tuple[mx.array, mx.array]:
        thin = (x @ a) * scale
        return mx.addmm(linear(x), thin, b), thin

    @both.vjp
    def _by_all(
        primals: tuple[mx.array, mx.array, mx.array], cotangents: Any, outputs: Any
    ) -> tuple[mx.array, mx.array, mx.array]:
        x, a, b = primals
        cotangent, thin = cotangents[0], outputs[1]
        by_thin = (cotangent @ b.T) * scale
        _found, (by_linear,) = mx.vjp(linear, [x], [cotangent])
        return mx.addmm(by_linear, by_thin, a.T), _rows(x).T @ _rows(by_thin), _rows(thin).T @ _rows(cotangent)

    found: Any = both(x, a, b)
    output: mx.array = found[0]
    return output


def _rows(x: mx.array) -> mx.array:
    return x.reshape(-1, x.shape[-1])
