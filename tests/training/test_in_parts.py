"""A batch in parts gives the loss, the gradient and the weights of the whole batch."""

from __future__ import annotations

import dataclasses

import mlx.core as mx
import pytest
from mlx.optimizers import Adam
from mlx.utils import tree_flatten
from training.school import QUICK, chat, rows, write_rows
from training.test_same_as_mlx_lm import lora_model

from tui_tuner.progress import StopToken, ignore_event
from tui_tuner.training.batches import Feed, assemble
from tui_tuner.training.examples import read_examples
from tui_tuner.training.in_parts import parts_of
from tui_tuner.training.loop import Stepper
from tui_tuner.training.loss import PlainLoss
from tui_tuner.training.shortcuts.proof import quick_loss


def read(tmp_path, tokenizer, content, mask_prompt=True):
    write_rows(tmp_path / "train.jsonl", content)
    path = tmp_path / "train.jsonl"
    found = read_examples(
        path, tokenizer, max_seq_length=256, mask_prompt=mask_prompt, emit=ignore_event, stop=StopToken()
    )
    return found.usable


@pytest.fixture(params=[True, False], ids=["masked", "not masked"])
def examples(request, tmp_path, tokenizer):
    long_and_short = [chat("hello", "aye " * 40), chat("what " * 20, "no")]
    return read(tmp_path, tokenizer, [*rows(9), *long_and_short], request.param)


def train(tiny, examples, micro_batch, *, shortcuts, steps=6):
    model = lora_model(tiny, dataclasses.replace(QUICK, batch_size=5))
    loss = quick_loss(model, examples, QUICK, folder=tiny, tell=print)[0] if shortcuts else PlainLoss()
    stepper = Stepper(model, Adam(learning_rate=1e-3), loss)
    model.train()
    feed = Feed(examples, 5, 0)
    results = [stepper.step(batch, micro_batch) for batch, _count in zip(feed.batches(0), range(steps), strict=False)]
    return results, dict(tree_flatten(model.trainable_parameters()))


@pytest.mark.parametrize("shortcuts", [True, False])
@pytest.mark.parametrize("micro_batch", [1, 2, 3])
def test_losses_norms_and_weights_are_those_of_whole_batches(tiny, examples, micro_batch, shortcuts):
    whole, expected = train(tiny, examples, None, shortcuts=shortcuts)
    split, found = train(tiny, examples, micro_batch, shortcuts=shortcuts)

    assert whole[0].loss - whole[-1].loss > 0.1, "nothing was learned, so nothing was compared"
    for one, other in zip(split, whole, strict=True):
        assert one.loss == pytest.approx(other.loss, rel=1e-6)
        assert one.gradient_norm == pytest.approx(other.gradient_norm, rel=1e-5)
    for name, weight in expected.items():
        assert mx.allclose(weight, found[name], rtol=1e-4, atol=1e-6), name


def test_parts_hold_every_row_once_and_in_order(examples):
    batch = assemble(examples[:5])
    parts = parts_of(batch, 2)
    assert [len(part.examples) for part in parts] == [2, 2, 1]
    assert [example for part in parts for example in part.examples] == list(batch.examples)
    assert sum(part.supervised for part in parts) == batch.supervised
    assert sum(part.computed for part in parts) < batch.computed, "a part is only as wide as its longest row"


@pytest.mark.parametrize("micro_batch", [None, 5, 9])
def test_what_fits_is_left_alone(examples, micro_batch):
    batch = assemble(examples[:5])
    assert parts_of(batch, micro_batch) == [batch]


def test_a_part_without_a_finite_loss_spoils_the_step_and_nothing_else(tmp_path, tokenizer):
    import tiny_model

    examples = read(tmp_path, tokenizer, [*rows(3), chat("what ~ is this", "aye")])
    model = lora_model(tiny_model.make(tmp_path / "poisoned", poison="~"), QUICK)
    before = dict(tree_flatten(model.trainable_parameters()))
    stepper = Stepper(model, Adam(learning_rate=1e-3), PlainLoss())
    assert not stepper.step(assemble(examples), 1).taken
    assert all(mx.array_equal(before[name], now) for name, now in tree_flatten(model.trainable_parameters()))
