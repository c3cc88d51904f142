"""Adapters of every kind: what is trained, and that mlx-lm and this program read each other's."""

from __future__ import annotations

import dataclasses
import json

import mlx.core as mx
import pytest
import tuned_model
from mlx.utils import tree_flatten
from training.school import QUICK

from tui_tuner.errors import TrainingError
from tui_tuner.models.loading import load_model, load_pair
from tui_tuner.progress import StopToken, ignore_event
from tui_tuner.training.batches import assemble
from tui_tuner.training.events import TrainingStarted
from tui_tuner.training.examples import read_examples
from tui_tuner.training.loss import PlainLoss


def valid_loss(plan, model, tokenizer) -> float:
    valid = read_examples(
        plan.data / "valid.jsonl", tokenizer, max_seq_length=256, mask_prompt=True, emit=ignore_event, stop=StopToken()
    )
    return PlainLoss()(model, assemble(valid.usable)).item()


def choose(**settings):
    return dataclasses.replace(QUICK, iters=8, **settings)


@pytest.mark.parametrize(
    ("kind", "bits"), [("lora", 0), ("lora", 4), ("dora", 0), ("dora", 4), ("dora", 8), ("full", 0)]
)
def test_mlx_lm_and_we_read_it_as_it_was_when_it_was_best(school, tiny, tmp_path, kind, bits):
    from mlx_lm import load

    base = tuned_model.quantized(tiny, tmp_path / "base", bits) if bits else tiny
    plan = school.plan(model=base, choice=choose(fine_tune_type=kind, dropout=0.1))
    summary = school.train(plan)

    model, tokenizer = load(str(base), adapter_path=str(plan.run))[:2]
    assert valid_loss(plan, model, tokenizer) == pytest.approx(summary.best_loss, abs=2e-5)
    untouched, ours = load_pair(base, plan.run)
    assert valid_loss(plan, ours.model, ours.tokenizer) == pytest.approx(summary.best_loss, abs=2e-5)
    assert valid_loss(plan, untouched.model, ours.tokenizer) > summary.best_loss + 0.5
    said = json.loads((plan.run / "adapter_config.json").read_text())
    assert (said["fine_tune_type"], said["num_layers"]) == (kind, 2)
    assert (said["lora_parameters"] is None) == (kind == "full")


@pytest.mark.parametrize("kind", ["lora", "dora", "full"])
def test_we_read_what_mlx_lm_wrote(school, tiny, tmp_path, kind):
    from training.test_same_as_mlx_lm import taught_by_mlx_lm

    plan = school.plan(choice=choose(fine_tune_type=kind))
    theirs = taught_by_mlx_lm(plan, tmp_path)
    base, tuned = load_model(tiny), load_model(tiny, theirs.adapter)
    before, after = (valid_loss(plan, loaded.model, loaded.tokenizer) for loaded in (base, tuned))
    assert before == pytest.approx(theirs.valid[0], abs=1e-5)
    assert after < before - 0.5
    expected = mx.load(str(theirs.adapter / "adapters.safetensors"))
    found = dict(tree_flatten(tuned.model.parameters()))
    assert all(mx.array_equal(found[name], weight) for name, weight in expected.items())


def test_what_is_trained_is_what_was_asked_for(school):
    trained = {}
    for name, settings in {
        "lora": {},
        "dora": {"fine_tune_type": "dora"},
        "full": {"fine_tune_type": "full", "num_layers": 1},
        "keys": {"keys": ("self_attn.q_proj", "mlp.down_proj")},
    }.items():
        school.events.clear()
        school.train(school.plan(run=name, choice=choose(**settings)))
        trained[name] = school.seen(TrainingStarted)[0].trainable_parameters
    outputs = 64 + 32 + 32 + 64 + 128 + 128 + 64
    assert trained["dora"] == trained["lora"] + 2 * outputs, "a length for each output of two layers"
    assert trained["full"] == 2 * 64 * 64 + 2 * 64 * 32 + 3 * 64 * 128 + 2 * 64
    assert trained["keys"] == 2 * 4 * ((64 + 64) + (128 + 64))


def test_a_module_this_model_does_not_have_is_named_and_leaves_no_run(school):
    plan = school.plan(choice=choose(keys=("self_attn.q_proj", "q_proj")))
    with pytest.raises(TrainingError, match="no module 'q_proj'") as raised:
        school.train(plan)
    assert "self_attn.q_proj" in raised.value.advice
    assert not plan.run.exists()


def test_the_embedding_can_have_an_adapter(school, tiny):
    plan = school.plan(choice=choose(keys=("model.embed_tokens", "self_attn.q_proj")))
    summary = school.train(plan)
    tuned = load_model(tiny, plan.run)
    assert valid_loss(plan, tuned.model, tuned.tokenizer) == pytest.approx(summary.best_loss, abs=2e-5)
    assert "model.embed_tokens.lora_a" in mx.load(str(plan.run / "adapters.safetensors"))


def test_the_weights_of_a_quantized_base_are_not_trained_themselves(school, tiny, tmp_path):
    base = tuned_model.quantized(tiny, tmp_path / "base")
    plan = school.plan(model=base, choice=choose(fine_tune_type="full"))
    with pytest.raises(TrainingError, match="quantized") as raised:
        school.train(plan)
    assert "lora or dora" in raised.value.advice
    assert not plan.run.exists()


def test_where_mlx_lms_dora_does_not_fit_it_is_said(school, tiny, tmp_path):
    base = tuned_model.quantized(tiny, tmp_path / "base", 6)
    with pytest.raises(TrainingError, match="6 bits"):
        school.train(school.plan(model=base, choice=choose(fine_tune_type="dora")))
    school.train(school.plan(model=base, run="lora", choice=choose()))
