from __future__ import annotations

import mlx.core as mx
import numpy
import pytest
from mlx import nn
from mlx_lm.models import llama
from mlx_lm.models.activations import swiglu as swiglu_of_mlx_lm

from tui_tuner.models.loading import load_model
from tui_tuner.training.shortcuts import exponentials
from tui_tuner.training.shortcuts.exponentials import causal_attention, exponential, quick_exponentials, swiglu


def near(found, expected):
    return mx.abs(found - expected).max().item() <= 2e-5 * mx.abs(expected).max().item() + 1e-5


def test_an_exponential_is_one_and_its_own_derivative():
    x = mx.linspace(-80, 20, 1001)
    expected = numpy.exp(numpy.array(x, numpy.float64))
    outputs, gradients = mx.vjp(exponential, [x], [mx.full(x.shape, 3.0)])
    assert numpy.allclose(numpy.array(outputs[0]), expected, rtol=4e-6, atol=0)
    assert mx.array_equal(gradients[0], 3 * outputs[0])
    assert exponential(mx.array([-1e30])).item() == 0


def test_swiglu_is_mlx_lms():
    gate, x, cotangent = (mx.random.normal((7, 33), key=mx.random.key(place)) * 9 for place in range(3))
    ours = mx.vjp(swiglu, [gate, x], [cotangent])
    theirs = mx.vjp(swiglu_of_mlx_lm, [gate, x], [cotangent])
    for found, expected in zip([*ours[0], *ours[1]], [*theirs[0], *theirs[1]], strict=True):
        assert near(found, expected)
    assert mx.isfinite(swiglu(mx.array([-1e4, 1e4]), mx.array([1.0, 1.0]))).all()


@pytest.mark.parametrize("length", [1, 2, 63, 130, 300])
@pytest.mark.parametrize(("heads", "groups", "width"), [(4, 4, 16), (6, 2, 16), (6, 2, 24)])
def test_attention_is_mlx_own(length, heads, groups, width):
    shapes = [(2, heads, length, 16), (2, groups, length, 16), (2, groups, length, width), (2, heads, length, width)]
    *inputs, cotangent = (mx.random.normal(shape, key=mx.random.key(place)) for place, shape in enumerate(shapes))
    inputs[0] = inputs[0] * 6  # some scores are far from others

    def original(queries, keys, values):
        return mx.fast.scaled_dot_product_attention(queries, keys, values, scale=0.25, mask="causal")

    ours = mx.vjp(lambda *arrays: causal_attention(*arrays, 0.25), inputs, [cotangent])
    theirs = mx.vjp(original, inputs, [cotangent])
    for found, expected in zip([*ours[0], *ours[1]], [*theirs[0], *theirs[1]], strict=True):
        assert near(found, expected)


def test_a_model_uses_them_within_the_block_and_not_afterwards(tiny, monkeypatch):
    model = load_model(tiny).model
    tokens = mx.arange(5, 40)[None]
    before = model(tokens)
    originals = mx.fast.scaled_dot_product_attention, llama.swiglu
    used = []
    attention, activation = exponentials.causal_attention, exponentials.swiglu
    monkeypatch.setattr(exponentials, "causal_attention", lambda *a: used.append("attention") or attention(*a))
    monkeypatch.setattr(exponentials, "swiglu", lambda *a: used.append("activation") or activation(*a))
    with quick_exponentials(model):
        inside = model(tokens)
    assert used == ["attention", "activation"] * len(model.layers)
    assert near(inside, before)
    assert (mx.fast.scaled_dot_product_attention, llama.swiglu) == originals


def test_attention_that_is_not_causal_is_left_to_mlx():
    queries = mx.random.normal((1, 2, 5, 8))
    mask = mx.triu(mx.full((5, 5), -mx.inf), 1)
    arguments = ({"mask": None}, {"mask": mask}, {"mask": "causal", "sinks": mx.zeros(2)})
    expected = [mx.fast.scaled_dot_product_attention(queries, queries, queries, scale=1, **one) for one in arguments]
    with quick_exponentials(nn.Linear(2, 2)):
        attend = mx.fast.scaled_dot_product_attention
        found = [attend(queries, queries, queries, scale=1, **one) for one in arguments]
        shorter = attend(queries[:, :, -2:], queries, queries, scale=1, mask="causal")
    for one, other in zip(found, expected, strict=True):
        assert mx.array_equal(one, other)
    assert near(shorter, expected[1][:, :, -2:])
