"""Exponentials by way of powers, on an x86 CPU.

MLX 0.32's wheel for x86 computes `exp` without the processor's vectors and with a library call for each of its
multiply-adds: 19 ns a number, where `power` takes 6. Attention, gated activations and cross-entropy are mostly
exponentials, and took half of a training step. Inside `quick_exponentials` attention and the activation that mlx-lm's
models share are computed here instead; the mathematics is the same, and the numbers differ only in rounding.
"""

from __future__ import annotations

import contextlib
import functools
import math
import platform
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import mlx.core as mx

if TYPE_CHECKING:
    from collections.abc import Callable

# Queries attended with at once. Keys after the last of them are never looked at, which saves nearly half.
QUERIES = 128
# Added to a score that must not count. Not infinite: a difference of two infinities is not a number.
NEVER = -1e30


def suits_this_machine() -> bool:
    """Whether powers are the quicker way here."""
    return mx.default_device() == mx.Device(mx.cpu) and platform.machine() in ("x86_64", "AMD64")


@contextlib.contextmanager
def quick_exponentials(model: Any) -> Iterator[None]:
    """Within the block `model` computes attention and its activation by way of powers."""
    fast: Any = mx.fast
    original = fast.scaled_dot_product_attention
    gated = _gated_activations(model)
    fast.scaled_dot_product_attention = functools.partial(_attention_or, original)
    for module, _original in gated:
        module.swiglu = swiglu
    try:
        yield
    finally:
        fast.scaled_dot_product_attention = original
        for module, swiglu_of_mlx_lm in gated:
            module.swiglu = swiglu_of_mlx_lm


def _gated_activations(model: Any) -> list[tuple[Any, Any]]:
    """The Python modules of `model`'s parts in which mlx-lm's `swiglu` is known, and what it is there."""
    from mlx_lm.models import activations

    names = {type(part).__module__ for part in model.modules()}
    modules = [sys.modules[name] for name in sorted(names) if name in sys.modules]
    shared = getattr(activations, "swiglu", None)
    return [(module, shared) for module in modules if shared and getattr(module, "swiglu", None) is shared]


def exponential(x: mx.array) -> mx.array:
    """Euler's number to the power of each number of `x`."""
    power: Any = _exponential
    found: mx.array = power(x)
    return found


@mx.custom_function
def _exponential(x: mx.array) -> mx.array:
    return mx.power(mx.array(math.e, x.dtype), x)


@_exponential.vjp
def _exponential_vjp(_primal: mx.array, cotangent: mx.array, output: mx.array) -> mx.array:
    return cotangent * output


def swiglu(gate: mx.array, x: mx.array) -> mx.array:
    """The SwiGLU activation, silu(gate) * x. Shazeer, GLU Variants Improve Transformer (arXiv 2002.05202)."""
    both: Any = _swiglu(gate, x)
    found: mx.array = both[0]
    return found


@mx.custom_function
def _swiglu(gate: mx.array, x: mx.array) -> tuple[mx.array, mx.array]:
    """The activation and, for the gradient, the gate's sigmoid: its power costs more time than its memory is worth."""
    sigmoid = 1 / (1 + mx.power(mx.array(math.e, gate.dtype), -gate))
    return gate * sigmoid * x, sigmoid


@_swiglu.vjp
def _swiglu_vjp(primals: tuple[mx.array, mx.array], cotangents: Any, outputs: Any) -> tuple[mx.array, mx.array]:
    (gate, x), cotangent, (output, sigmoid) = primals, cotangents[0], outputs
    # x * (sigmoid + gate * sigmoid * (1 - sigmoid)), in fewer passes over the arrays.
    return cotangent * (output + sigmoid * (x - output)), cotangent * gate * sigmoid


def _attention_or(
    original: Callable[..., mx.array],
    queries: mx.array,
    keys: mx.array,
    values: mx.array,
    *,
    scale: float,
    mask: Any = None,
    **named: Any,
) -> mx.array:
    """Causal attention computed here, any other by `original`."""
    plain = isinstance(mask, str) and mask == "causal" and not any(value is not None for value in named.values())
    if plain and queries.shape[2] == keys.shape[2] and queries.dtype == mx.float32:
        return causal_attention(queries, keys, values, scale)
    return original(queries, keys, values, scale=scale, mask=mask, **named)


def causal_attention(queries: mx.array, keys: mx.array, values: mx.array, scale: float) -> mx.array:
    """Softmax attention in which each token sees itself and those before it.

    A few queries at a time, and those of all heads that share a key as one matrix.

    Args:
        queries: shape (B, H, T, D).
        keys: shape (B, G, T, D), H a multiple of G.
        values: shape (B, G, T, E).
        scale: multiplies the scores.

    Returns:
        Shape (B, H, T, E).
    """
    rows, heads, length, width = queries.shape
    groups = keys.shape[1]
    shared = heads // groups
    queries = (queries * scale).reshape(rows, groups, shared, length, width)
    step = -(-length // max(1, round(length / QUERIES)))
    parts = []
    for begin in range(0, length, step):
        end = min(begin + step, length)
        block = queries[:, :, :, begin:end].reshape(rows, groups, shared * (end - begin), width)
        scores = block @ keys[:, :, :end].swapaxes(-1, -2)
        scores = scores.reshape(rows, groups, shared, end - begin, end) + _causal_mask(begin, end)
        scores = scores.reshape(rows, groups, -1, end)
        # Only keeps the powers small: it cancels out of the result, so no gradient has to go through it.
        largest = mx.stop_gradient(scores.max(axis=-1, keepdims=True))
        weights = exponential(scores - largest)
        found = (weights @ values[:, :, :end]) / weights.sum(axis=-1, keepdims=True)
        parts.append(found.reshape(rows, groups, shared, end - begin, -1))
    joined = parts[0] if len(parts) == 1 else mx.concatenate(parts, axis=3)
    return joined.reshape(rows, heads, length, -1)


@functools.lru_cache(maxsize=64)
def _causal_mask(begin: int, end: int) -> mx.array:
    """What is added to the scores of the queries from `begin` to `end`, shape (end - begin, end)."""
    mask = mx.where(mx.arange(end)[None] > mx.arange(begin, end)[:, None], NEVER, 0.0).astype(mx.float32)
    mx.eval(mask)
    return mask
