"""Files no training should survive, end to end: nothing reaches the weights, and everything left out is said."""

from __future__ import annotations

import dataclasses
import json
import math

import mlx.core as mx
import pytest
import tiny_model
from training.school import QUICK, chat, rows

from tui_tuner.errors import DatasetError
from tui_tuner.progress import Notice
from tui_tuner.training.checkpoint import CHECKPOINTS
from tui_tuner.training.events import StepSkipped, TrainingStarted, TrainStep, Validation

KINDS = ("lora", "dora", "full")
# Line by line what is wrong with it; every one of them is refused.
REFUSED = (
    b"",
    b"{}",
    b"[]",
    b"null",
    b"{",
    b'{"messages": []}',
    b'{"messages": [{"role": "user"}]}',
    b'{"messages": "hello"}',
    b'{"text": ""}',
    b'{"text": 7}',
    b'{"prompt": "a"}',
    b'\xff\xfe{"text": "a"}',
    b'{"text": "caf\xe9"}',
    b'{"text": "half a pair \\ud800"}',
    b'{"messages": [{"role": "user", "content": "\\udfff"}, {"role": "assistant", "content": "aye"}]}',
    b"[" * 100_000,
)


@pytest.fixture
def poisoned(tmp_path):
    """A model whose loss is not finite for every row with a ~ in it."""
    return tiny_model.make(tmp_path / "poisoned", poison="~")


def choose(kind, **settings):
    return dataclasses.replace(QUICK, fine_tune_type=kind, **settings)


def assert_sound(school, plan) -> None:
    weights = mx.load(str(plan.run / "adapters.safetensors"))
    assert all(mx.isfinite(weight).all().item() for weight in weights.values())
    assert all(math.isfinite(step.loss) and math.isfinite(step.gradient_norm) for step in school.seen(TrainStep))
    assert "NaN" not in (plan.run / "metrics.jsonl").read_text()
    assert "Infinity" not in (plan.run / "metrics.jsonl").read_text()


@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_are_none_are_listed_and_the_rest_is_learned(school, kind):
    million = chat("how long?", "x" * 1_000_000)
    train = [*rows(3), *REFUSED, million, *rows(2, begin=5)]
    plan = school.plan(train=train, valid=[*REFUSED, *rows(1, begin=30)], choice=choose(kind, iters=4))
    assert school.train(plan).finished
    started = school.seen(TrainingStarted)[0]
    assert (started.train_examples, started.valid_examples) == (6, 1)
    told = "\n".join(notice.text for notice in school.seen(Notice))
    for words in ("not UTF-8", "not valid JSON", "neither messages", "cut to 256 tokens", "its text is empty"):
        assert words in told, words
    assert_sound(school, plan)


@pytest.mark.parametrize("kind", KINDS)
def test_one_row_and_one_held_out_row_are_enough(school, kind):
    plan = school.plan(train=rows(1), valid=rows(1, begin=9), choice=choose(kind, iters=6))
    assert school.train(plan).finished
    losses = [event.loss for event in school.seen(Validation)]
    assert len(school.seen(TrainStep)) == 6
    assert losses[-1] < losses[0]
    assert_sound(school, plan)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("steps", [1, 3])
def test_a_row_that_makes_nan_never_reaches_the_weights(school, poisoned, kind, steps):
    train = rows(8)
    train[3] = chat("what ~ is this", "aye aye")
    plan = school.plan(train=train, model=poisoned, choice=choose(kind, grad_accumulation_steps=steps))
    assert school.train(plan).finished
    skips = school.seen(StepSkipped)
    assert len(skips) == 6, "once in each epoch of two batches"
    assert all(4 in skip.rows for skip in skips)
    assert_sound(school, plan)
    for folder in (plan.run / CHECKPOINTS).iterdir():
        for path in folder.glob("*.safetensors"):
            assert all(mx.isfinite(array).all().item() for array in mx.load(str(path)).values()), path
    assert school.seen(Validation)[-1].loss < school.seen(Validation)[0].loss, "the others are learned from"


def test_nothing_but_such_rows_leaves_no_run(school):
    plan = school.plan(train=list(REFUSED))
    with pytest.raises(DatasetError, match="there is no row to learn from"):
        school.train(plan)
    assert not plan.run.exists()


def test_every_refused_row_has_its_own_reason(school, tokenizer):
    from tui_tuner.training.examples import Encoder, UnusableRow

    encoder = Encoder(tokenizer, max_seq_length=256, mask_prompt=True)
    for row in REFUSED[1:]:
        with pytest.raises(UnusableRow) as refused:
            encoder.encode(1, row)
        assert str(refused.value), row[:50]
        json.dumps(str(refused.value)).encode()
