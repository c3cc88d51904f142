from __future__ import annotations

import json

import mlx.core as mx
import pytest
from mlx import nn
from mlx.utils import tree_flatten
from mlx_lm.tuner.utils import linear_to_lora_layers
from training.school import rows

from tui_tuner.models.loading import load_model
from tui_tuner.training.batches import assemble
from tui_tuner.training.examples import Encoder
from tui_tuner.training.grad_checkpoint import checkpointed
from tui_tuner.training.loss import PlainLoss


@pytest.fixture
def batch(tokenizer):
    encoder = Encoder(tokenizer, max_seq_length=256, mask_prompt=True)
    return assemble([encoder.encode(line, json.dumps(row).encode()) for line, row in enumerate(rows(4), start=1)])


def taught(path, dropout):
    """A model whose adapters do something."""
    model = load_model(path).model
    mx.random.seed(0)
    model.freeze()
    linear_to_lora_layers(model, 3, {"rank": 4, "dropout": dropout, "scale": 20.0})
    for layer in model.layers[1:]:
        layer.self_attn.q_proj.lora_b = mx.random.normal(layer.self_attn.q_proj.lora_b.shape)
    model.train()
    return model


def loss_and_gradient(model, batch):
    mx.random.seed(7)
    loss, gradient = nn.value_and_grad(model, PlainLoss())(model, batch)
    mx.eval(loss, gradient)
    return loss.item(), dict(tree_flatten(gradient)), mx.random.state[0].tolist()


@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_loss_gradient_and_random_numbers_are_those_without_it(tiny, batch, dropout):
    model = taught(tiny, dropout)
    loss, gradient, key = loss_and_gradient(model, batch)
    call = type(model.layers[0]).__call__
    with checkpointed(model.layers, dropout=dropout > 0):
        assert type(model.layers[0]).__call__ is not call
        found_loss, found, found_key = loss_and_gradient(model, batch)
    assert type(model.layers[0]).__call__ is call, "another model of this kind is not touched"

    assert found_loss == loss
    assert found_key == key
    for name, expected in gradient.items():
        assert mx.allclose(found[name], expected, rtol=1e-4, atol=1e-6), name
    assert any(part.any().item() for part in gradient.values())


def test_layers_compute_twice(tiny, batch):
    model = taught(tiny, 0.0)
    runs = []
    kind = type(model.layers[0])
    call = kind.__call__

    def counting(self, *arguments, **named):
        runs.append(id(self))
        return call(self, *arguments, **named)

    kind.__call__ = counting
    try:
        with checkpointed(model.layers, dropout=False):
            loss_and_gradient(model, batch)
    finally:
        kind.__call__ = call
    assert [runs.count(id(layer)) for layer in model.layers] == [1, 2, 2, 2], "the frozen one needs no gradient"
