from __future__ import annotations

import dataclasses
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
from training.school import QUICK, WITHOUT_SHORTCUTS, chat, rows

from tui_tuner.models.loading import load_model
from tui_tuner.training.batches import Feed, assemble
from tui_tuner.training.dividing import TRIAL_TOKENS
from tui_tuner.training.examples import Encoder
from tui_tuner.training.loop import Stepper
from tui_tuner.training.loss import PlainLoss
from tui_tuner.training.shortcuts import proof
from tui_tuner.training.shortcuts.frozen_states import frozen_layers
from tui_tuner.training.shortcuts.proof import loss_and_norm
from tui_tuner.training.shortcuts.state_store import StateStore
from tui_tuner.training.shortcuts.supervised_head import find_head

ALL = tuple(WITHOUT_SHORTCUTS)


@pytest.fixture
def examples(tokenizer):
    encoder = Encoder(tokenizer, max_seq_length=256, mask_prompt=True)
    return [encoder.encode(line, json.dumps(row).encode()) for line, row in enumerate(rows(9), start=1)]


@pytest.fixture
def quick_loss(tmp_path):
    """Asks for shortcuts, all or those named, and closes them when the test ends."""
    made = []

    def ask(model, examples, names=ALL, **settings):
        choice = dataclasses.replace(QUICK, **WITHOUT_SHORTCUTS | dict.fromkeys(names, True), **settings)
        loss, notices = proof.quick_loss(model, examples, choice, folder=tmp_path, tell=print)
        made.append(loss)
        return loss, notices

    yield ask
    for loss in made:
        loss.close()


def in_place(loss):
    """The names of the shortcuts that are there."""
    there = [loss.states is not None, loss.head is not None, loss.chunked, loss.cores is not None]
    there += [loss.exponentials, loss.adapters]
    return [name for name, found in zip(ALL, there, strict=True) if found]


def with_adapter(model, layers: int = 2):
    model.freeze()
    mx.random.seed(0)
    linear_to_lora_layers(model, layers, {"rank": 4, "dropout": 0.0, "scale": 20.0})
    return model


def quantized(path):
    model = load_model(path).model
    nn.quantize(model, group_size=32, bits=4)
    return model


@pytest.mark.parametrize("kind", ["tied", "untied", "quantized", "half"])
@pytest.mark.parametrize("names", [ALL, *((name,) for name in ALL), ("learned_logits", "chunked_loss"), ()], ids=str)
def test_every_loss_and_gradient_is_that_of_the_whole_model(tmp_path, examples, kind, names, quick_loss, two_cores):
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
    expected = [loss_and_norm(model, PlainLoss(), batch) for batch in batches]
    loss, notices = quick_loss(model, examples, names)
    found = [loss_and_norm(model, loss, batch) for batch in batches]
    model.eval()
    measured = [loss.value(model, batch) for batch in batches]

    needs_head = "learned_logits" in names
    assert notices == []
    assert in_place(loss) == [name for name in names if name != "chunked_loss" or needs_head]
    tolerance = 2e-2 if kind == "half" else 2e-5
    for pair, value, other in zip(found, measured, expected, strict=True):
        assert (*pair, value) == pytest.approx((*other, other[0]), rel=tolerance)
    assert dict(tree_flatten(model.trainable_parameters())).keys() == before
    assert mx.random.state[0].tolist() == random_key


def test_kept_states_do_not_depend_on_the_company(tiny, examples, quick_loss):
    model = with_adapter(load_model(tiny).model)
    first, _notices = quick_loss(model, examples)
    first.value(model, assemble(examples[:5]))
    other = with_adapter(load_model(tiny).model)
    second, _notices = quick_loss(other, examples)
    second.value(other, assemble([examples[3]]))
    assert mx.array_equal(first.states.of(examples[3]), second.states.of(examples[3]))


def test_frozen_layers_run_once_per_example(tiny, examples, quick_loss):
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
            mx.eval(loss.gradient(model, batch))
            loss.value(model, batch)
    finally:
        layer.__call__ = original
    assert sum(runs) == len(examples)


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


def test_a_model_that_does_not_allow_a_shortcut_is_trained_without_it(tiny, examples, quick_loss):
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
        # With a row of another length beside it a row would have other logits: no company may be computed elsewhere.
        loss, notices = quick_loss(model, examples, [name for name in ALL if name != "rows_side_by_side"])

        assert getattr(loss, lost) is None
        assert getattr(loss, kept) is not None
        assert len(notices) == 1
        assert loss.value(model, batch) == pytest.approx(expected, rel=1e-5)
        leftover = [name for name in dict(tree_flatten(model.parameters())) if name not in names]
        assert all(("layers" in name) == (kept == "states") for name in leftover), "the failed one is taken out"


class LouderLogits(llama.Model):
    """Does something to its logits, as Gemma and Cohere do."""

    def __call__(self, inputs, cache=None, input_embeddings=None):
        return mx.tanh(super().__call__(inputs, cache, input_embeddings) / 2) * 3


def test_logits_that_are_changed_afterwards_are_not_computed_in_chunks(tiny, examples, quick_loss):
    base = load_model(tiny).model
    model = LouderLogits(base.args)
    model.load_weights(list(tree_flatten(base.parameters())))
    with_adapter(model)
    expected = PlainLoss().value(model, assemble(examples[:4]))
    loss, notices = quick_loss(model, examples)
    assert (loss.chunked, loss.head is None, len(notices)) == (False, False, 1)
    assert "a few tokens at a time" in notices[0].text
    assert loss.value(model, assemble(examples[:4])) == pytest.approx(expected, rel=1e-5)


def test_of_long_rows_a_part_is_tried_that_learns_something(tiny, tokenizer, quick_loss, monkeypatch):
    tried = []
    monkeypatch.setattr(proof, "assemble", lambda batch: tried.append(batch) or assemble(batch))
    encoder = Encoder(tokenizer, max_seq_length=4096, mask_prompt=True)
    long = [chat("why? " * 100, "aye " * 100), chat("so? " * 90, "aye")]
    examples = [encoder.encode(line, json.dumps(row).encode()) for line, row in enumerate(long, start=1)]
    assert min(example.length for example in examples) > 2 * TRIAL_TOKENS
    loss, notices = quick_loss(with_adapter(load_model(tiny).model), examples, ("kept_states", "learned_logits"))
    assert notices == [] and in_place(loss) == ["kept_states", "learned_logits"]
    assert all(part.length <= TRIAL_TOKENS and part.supervised for batch in tried for part in batch)


def test_states_beyond_their_share_of_the_memory_come_from_the_disk(tiny, examples, monkeypatch, quick_loss, tmp_path):
    model = with_adapter(load_model(tiny).model)
    batch = assemble(examples[:4])
    expected = quick_loss(model, examples)[0].gradient(model, batch)
    mx.eval(expected)
    monkeypatch.setattr(proof, "MEMORY_SHARE", 1e-7)
    other = with_adapter(load_model(tiny).model)
    loss, notices = quick_loss(other, examples)
    found = loss.gradient(other, batch)
    assert len(notices) == 1 and str(tmp_path) in notices[0].text
    assert loss.states._store.on_disk > 0
    for one, same in zip(tree_flatten(expected), tree_flatten(found), strict=True):
        assert mx.array_equal(one[1], same[1]), one[0]


def asked(loss, monkeypatch):
    """The rows whose frozen layers are computed from now on."""
    rows, ask = [], loss.states._ask
    monkeypatch.setattr(loss.states, "_ask", lambda example: rows.append(example.line) or ask(example))
    return rows


def test_rows_for_which_there_is_no_room_are_computed_once_a_batch(tiny, examples, monkeypatch, quick_loss):
    model = with_adapter(load_model(tiny).model)
    expected = quick_loss(model, examples)[0].value(model, assemble(examples[:4]))
    monkeypatch.setattr(proof, "MEMORY_SHARE", 1e-7)
    monkeypatch.setattr(StateStore, "_write", no_room)
    other = with_adapter(load_model(tiny).model)
    loss, _notices = quick_loss(other, examples)
    computed = asked(loss, monkeypatch)
    for _time in range(2):
        assert loss.value(other, assemble(examples[:4])) == expected
    kept = [example.line for example in examples[:4] if example in loss.states._store]
    assert len(kept) < 4
    assert sorted(computed) == sorted([1, 2, 3, 4] + [line for line in (1, 2, 3, 4) if line not in kept])


def no_room(_store, _states):
    raise OSError(28, "No space left on device")


def test_once_closed_nothing_is_kept_and_all_is_computed_once(tiny, examples, monkeypatch, quick_loss):
    model = with_adapter(load_model(tiny).model)
    loss, _notices = quick_loss(model, examples)
    expected = [loss.value(model, assemble(part)) for part in (examples[:4], examples[4:8])]
    loss.close()
    computed = asked(loss, monkeypatch)
    assert [loss.value(model, assemble(part)) for part in (examples[:4], examples[4:8])] == expected
    assert sorted(computed) == list(range(1, 9))
    assert not any(example in loss.states._store for example in examples)


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
