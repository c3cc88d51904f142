from __future__ import annotations

import json

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import pytest
import tiny_model
from mlx.utils import tree_flatten
from mlx_lm.models import llama
from mlx_lm.models.base import create_attention_mask
from mlx_lm.tuner.utils import linear_to_lora_layers
from training.school import rows

from tui_tuner.models.loading import load_model
from tui_tuner.training import shortcuts
from tui_tuner.training.batches import Feed, assemble
from tui_tuner.training.examples import Encoder
from tui_tuner.training.frozen_states import frozen_layers
from tui_tuner.training.loop import Stepper
from tui_tuner.training.loss import PlainLoss
from tui_tuner.training.shortcuts import quick_loss
from tui_tuner.training.supervised_head import find_head


@pytest.fixture
def examples(tokenizer):
    encoder = Encoder(tokenizer, max_seq_length=256, mask_prompt=True)
    return [encoder.encode(line, json.dumps(row).encode()) for line, row in enumerate(rows(9), start=1)]


def with_adapter(model, layers: int = 2):
    model.freeze()
    linear_to_lora_layers(model, layers, {"rank": 4, "dropout": 0.0, "scale": 20.0})
    return model


def quantized(path):
    model = load_model(path).model
    nn.quantize(model, group_size=32, bits=4)
    return model


@pytest.mark.parametrize("kind", ["tied", "untied", "quantized", "half"])
def test_every_loss_and_gradient_is_that_of_the_whole_model(tmp_path, examples, kind):
    path = tiny_model.make(tmp_path, tied=kind != "untied", hidden=128)
    model = quantized(path) if kind == "quantized" else load_model(path).model
    if kind == "half":
        model.set_dtype(mx.bfloat16)
    model = with_adapter(model)
    before = dict(tree_flatten(model.trainable_parameters())).keys()
    batches = [assemble(examples[:4]), assemble(examples[4:]), assemble(examples[2:3])]
    random_key = mx.random.state[0].tolist()

    optimizer = optim.Adam(learning_rate=1e-3)
    plain = Stepper(model, optimizer, PlainLoss())
    for batch in batches:  # a fresh adapter does nothing yet: train it, so that it takes part
        plain.step(batch)
    expected = [shortcuts._loss_and_norm(model, PlainLoss(), batch) for batch in batches]
    loss, notices = quick_loss(model, examples)
    found = [shortcuts._loss_and_norm(model, loss, batch) for batch in batches]

    assert (notices, loss.head is None, loss.states is None) == ([], False, False)
    tolerance = 2e-2 if kind == "half" else 2e-5
    for pair, other in zip(found, expected, strict=True):
        assert pair == pytest.approx(other, rel=tolerance)
    assert dict(tree_flatten(model.trainable_parameters())).keys() == before
    assert mx.random.state[0].tolist() == random_key


def test_kept_states_do_not_depend_on_the_company(tiny, examples):
    model = with_adapter(load_model(tiny).model)
    first, _notices = quick_loss(model, examples)
    first.prepare(assemble(examples[:5]))
    second, _notices = quick_loss(with_adapter(load_model(tiny).model), examples)
    second.prepare(assemble([examples[3]]))
    assert mx.array_equal(first.states.of(examples[3]), second.states.of(examples[3]))


def test_frozen_layers_run_once_per_example(tiny, examples):
    model = with_adapter(load_model(tiny).model)
    runs = []
    layer = type(model.layers[0])
    original = layer.__call__

    def counting(self, *arguments, **named):
        runs.append(self is bottom)
        return original(self, *arguments, **named)

    loss, _notices = quick_loss(model, examples)
    bottom = model.layers[0].original
    layer.__call__ = counting
    try:
        for batch, _count in zip(Feed(examples, 4, 0).batches(0), range(9), strict=False):
            loss.prepare(batch)
            mx.eval(loss(model, batch))
    finally:
        layer.__call__ = original
    assert sum(runs) == len(examples) - 2, "two were met in the comparison"


class FarConnection(llama.LlamaModel):
    """The first layer's output reaches the head directly: what the layers above it see is not all there is."""

    def __call__(self, inputs, cache=None, input_embeddings=None):
        hidden = self.embed_tokens(inputs)
        mask = create_attention_mask(hidden)
        for place, layer in enumerate(self.layers):
            hidden = layer(hidden, mask, cache=None)
            first = hidden if place == 0 else first  # noqa: F821
        return self.norm(hidden + first)


class PlaceInLogits(llama.Model):
    """Logits depend on where they stand, so that some cannot be left out."""

    def __call__(self, inputs, cache=None, input_embeddings=None):
        logits = super().__call__(inputs, cache, input_embeddings)
        return logits * mx.linspace(1, 2, inputs.shape[1])[None, :, None]


def test_a_model_that_does_not_allow_a_shortcut_is_trained_without_it(tiny, examples):
    base = load_model(tiny).model
    far = llama.Model(base.args)
    far.model = FarConnection(base.args)
    placed = PlaceInLogits(base.args)
    for model, lost, kept in ((far, "states", "head"), (placed, "head", "states")):
        model.load_weights(list(tree_flatten(base.parameters())))
        with_adapter(model)
        names = list(dict(tree_flatten(model.parameters())))
        batch = assemble(examples[:4])
        expected = PlainLoss()(model, batch).item()
        loss, notices = quick_loss(model, examples)
        loss.prepare(batch)

        assert getattr(loss, lost) is None
        assert getattr(loss, kept) is not None
        assert len(notices) == 1
        assert loss(model, batch).item() == pytest.approx(expected, rel=1e-5)
        leftover = [name for name in dict(tree_flatten(model.parameters())) if name not in names]
        assert all(("layers" in name) == (kept == "states") for name in leftover), "the failed one is taken out"


def test_states_are_not_kept_beyond_their_share_of_the_memory(tiny, examples, monkeypatch):
    monkeypatch.setattr(shortcuts, "MEMORY_SHARE", 1e-9)
    loss, notices = quick_loss(with_adapter(load_model(tiny).model), examples)
    assert (loss.states, notices) == (None, [])


def test_layers_are_frozen_below_the_first_adapter(tiny):
    assert frozen_layers(with_adapter(load_model(tiny).model, 3)) == ["model.layers.0"]
    assert frozen_layers(with_adapter(load_model(tiny).model, 4)) == []
    everything = load_model(tiny).model
    everything.unfreeze()
    assert frozen_layers(everything) == []


def test_the_head_is_found_by_its_name(tiny, tmp_path):
    assert find_head(load_model(tiny).model) == "model.embed_tokens"
    assert find_head(load_model(tiny_model.make(tmp_path, tied=False)).model) == "lm_head"
    assert find_head(nn.Sequential(nn.Linear(2, 2))) is None
