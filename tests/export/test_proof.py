import math
from pathlib import Path

import pytest
import tiny_model
import tuned_model

from tui_tuner.errors import Stopped
from tui_tuner.export.proof import GREEDY_TOKENS, QUESTIONS, Statement, compare, take_statement
from tui_tuner.models.loading import LoadedModel, apply_adapter, load_model, load_pair, read_modules
from tui_tuner.progress import StopToken


@pytest.fixture
def base(tmp_path):
    return tiny_model.make(tmp_path / "base", tied=False)


@pytest.fixture
def run(tmp_path, base):
    return tuned_model.adapter(tmp_path / "run", base)


def proof(base, run, fused, weight_type="float32", *, squeezed=False):
    statement = take_statement(*load_pair(base, run), StopToken())
    return compare(statement, fused, weight_type, squeezed=squeezed, stop=StopToken())


def test_the_tuned_model_is_itself(base, run):
    found = proof(base, run, load_model(base, run))
    assert (found.passed, found.largest_difference, found.divergence) == (True, 0.0, 0.0)
    assert found.same_tokens == found.tokens == GREEDY_TOKENS * len(QUESTIONS)
    assert found.tuning > 0.01


def test_the_base_is_not_the_tuned_model(base, run):
    for weight_type in ("float32", "float16", "bfloat16"):
        found = proof(base, run, load_model(base), weight_type)
        assert not found.passed
        assert found.divergence == pytest.approx(found.tuning)
        rows = {row.name: row for row in found.rows()}
        assert f"{found.same_tokens} of {found.tokens}" in rows["next tokens"].finding
        assert rows["logits"].verdict == "differs"
        assert "not those of the model that was trained" in rows["logits"].meaning


@pytest.mark.parametrize("fault", ["scale", "one layer"])
def test_a_small_fault_shows_in_float32(base, run, fault):
    fused = load_model(base, run)
    layer = fused.model.model.layers[-1].self_attn.o_proj
    if fault == "scale":
        layer.scale *= 0.9
    else:
        layer.lora_b = layer.lora_b * 0
    assert not proof(base, run, fused).passed


def test_a_model_of_nothing_but_nan_does_not_pass(base, run):
    import mlx.core as mx

    fused = load_model(base, run)
    fused.model.model.norm.weight = fused.model.model.norm.weight * mx.nan
    found = proof(base, run, fused)
    assert not found.passed
    assert math.isnan(found.largest_difference)


def test_squeezed_weights_may_lose_a_part_of_the_tuning(base, run):
    fused = load_model(base, run)
    for _name, module in fused.model.named_modules():
        if hasattr(module, "lora_b"):
            module.scale *= 0.9
    assert not proof(base, run, fused).passed
    assert proof(base, run, fused, squeezed=True).passed
    assert not proof(base, run, load_model(base), squeezed=True).passed


def test_another_choice_of_words_counts_however_small_the_divergence():
    import mlx.core as mx

    wanted = mx.zeros((4, 100))
    wanted[:, 7] = 0.004
    found = mx.zeros((4, 100))
    found[:, 8] = 0.004
    statement = Statement(((1, 2, 3, 4),), (2,), (wanted,), 1.0)
    same, other = (LoadedModel(Says(logits), None, Path()) for logits in (wanted, found))
    assert compare(statement, same, "float32", squeezed=False, stop=StopToken()).passed
    verdict = compare(statement, other, "float32", squeezed=False, stop=StopToken())
    assert verdict.divergence < 1e-5
    assert (verdict.passed, verdict.same_tokens, verdict.tokens) == (False, 0, 2)
    # In bfloat16 as narrow a choice as this is a matter of rounding.
    assert compare(statement, other, "bfloat16", squeezed=False, stop=StopToken()).passed


class Says:
    """A model of nothing but its logits."""

    def __init__(self, logits):
        self.logits = logits

    def __call__(self, _tokens):
        return self.logits[None]

    def named_modules(self):
        return []


def as_stored(base, run):
    """A model that keeps the type it is stored in, as on a GPU."""
    import mlx.core as mx

    module, _config = read_modules(base)
    if run:
        apply_adapter(module, run)
    assert module(mx.array([[1, 2, 3]])).dtype == mx.bfloat16
    return LoadedModel(module, load_model(base).tokenizer, base, run)


def test_half_precision_is_compared_in_float32(tmp_path, base):
    half = tuned_model.quantized(tuned_model.in_type(base, tmp_path / "half", "bfloat16"), tmp_path / "q4")
    run = tuned_model.adapter(tmp_path / "run", half)
    statement = take_statement(as_stored(half, None), as_stored(half, run), StopToken())
    assert {str(logits.dtype) for logits in statement.logits} == {"mlx.core.float32"}
    for fused in (load_model(half, run), as_stored(half, run)):
        assert compare(statement, fused, "float32", squeezed=False, stop=StopToken()).passed


def test_a_model_without_a_chat_template_is_proved_too(tmp_path):
    base = tiny_model.make(tmp_path / "plain", template=None)
    run = tuned_model.adapter(tmp_path / "run", base)
    assert proof(base, run, load_model(base, run)).passed


def test_it_can_be_stopped(base, run):
    stop = StopToken()
    stop.request()
    with pytest.raises(Stopped):
        take_statement(*load_pair(base, run), stop)
