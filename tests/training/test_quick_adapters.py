from __future__ import annotations

import mlx.core as mx
import pytest
from mlx import nn
from mlx_lm.tuner.lora import LoRALinear
from mlx_lm.tuner.utils import linear_to_lora_layers

from tui_tuner.models.loading import load_model
from tui_tuner.training.shortcuts import quick_adapters as module
from tui_tuner.training.shortcuts.quick_adapters import quick_adapters


def adapted(kind: str, dropout: float = 0.0) -> LoRALinear:
    mx.random.seed(1)
    linear = nn.Linear(32, 48, bias=kind == "biased")
    layer = LoRALinear.from_base(linear.to_quantized(32, 4) if kind == "quantized" else linear, r=4, dropout=dropout)
    layer.lora_b = mx.random.normal(layer.lora_b.shape)
    layer.freeze()
    layer.unfreeze(keys=["lora_a", "lora_b"])
    return layer


def by_all(layer, x):
    """The output and its gradients by input and adapter, with the same random numbers each time."""

    def output(x, a, b):
        layer.lora_a, layer.lora_b = a, b
        return layer(x)

    mx.random.seed(2)
    weights = [layer.lora_a, layer.lora_b]
    cotangent = mx.random.normal((*x.shape[:-1], 48), key=mx.random.key(3))
    outputs, gradients = mx.vjp(output, [x, *weights], [cotangent])
    mx.eval(outputs, gradients)
    layer.lora_a, layer.lora_b = weights
    return [*outputs, *gradients]


@pytest.mark.parametrize("kind", ["plain", "biased", "quantized"])
@pytest.mark.parametrize("shape", [(1, 32), (7, 32), (2, 1, 32), (3, 5, 32)])
@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_an_adapter_gives_what_mlx_lms_gives(kind, shape, dropout):
    layer = adapted(kind, dropout)
    x = mx.random.normal(shape, key=mx.random.key(4))
    theirs = by_all(layer, x)
    with quick_adapters():
        ours = by_all(layer, x)
    for found, expected in zip(ours, theirs, strict=True):
        assert found.shape == expected.shape
        assert mx.abs(found - expected).max().item() <= 2e-5 * mx.abs(expected).max().item()


def test_adapters_of_other_precision_are_left_to_mlx_lm():
    layer = adapted("plain")
    x = mx.random.normal((3, 32)).astype(mx.bfloat16)
    with quick_adapters():
        found = layer(x)
    assert mx.array_equal(found, layer(x))


def test_a_model_uses_it_within_the_block_and_not_afterwards(tiny, monkeypatch):
    model = load_model(tiny).model
    linear_to_lora_layers(model, 1, {"rank": 4, "dropout": 0.0, "scale": 20.0})
    used = []
    product = module.adapted_product
    monkeypatch.setattr(module, "adapted_product", lambda *a: used.append("product") or product(*a))
    tokens, original = mx.arange(5, 40)[None], LoRALinear.__call__
    with quick_adapters():
        model(tokens)
    assert len(used) == sum(isinstance(part, LoRALinear) for part in model.modules()) > 0
    model(tokens)
    assert len(used) == 7
    assert LoRALinear.__call__ is original
