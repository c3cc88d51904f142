import math

import pytest
import tiny_model
import tuned_model

from tui_tuner.errors import Stopped
from tui_tuner.export.proof import GREEDY_TOKENS, QUESTIONS, prove, take_testimony
from tui_tuner.models.loading import LoadedModel, load_model, load_pair, read_modules
from tui_tuner.progress import StopToken


@pytest.fixture
def base(tmp_path):
    return tiny_model.make(tmp_path / "base", tied=False)


@pytest.fixture
def run(tmp_path, base):
    return tuned_model.adapter(tmp_path / "run", base)


def proof(base, run, fused, weight_type="float32", *, squeezed=False):
    testimony = take_testimony(*load_pair(base, run), StopToken())
    return prove(testimony, fused, weight_type, squeezed=squeezed, stop=StopToken())


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
        assert "only" in found.detail


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


def test_half_precision_is_compared_in_float32(tmp_path, base):
    """As on a GPU, where models keep the type they are stored in."""
    import mlx.core as mx

    half = tuned_model.quantized(tuned_model.in_type(base, tmp_path / "half", "bfloat16"), tmp_path / "q4")
    run = tuned_model.adapter(tmp_path / "run", half)
    pair, tuned = load_pair(half, run)
    kept = []
    for loaded in (pair, tuned):
        module, _config = read_modules(half)
        if loaded.adapter:
            from mlx_lm.utils import load_adapters

            module = load_adapters(module, str(run))
            module.eval()
        assert module(mx.array([[1, 2, 3]])).dtype == mx.bfloat16
        kept.append(LoadedModel(module, loaded.tokenizer, loaded.path, loaded.adapter))
    testimony = take_testimony(*kept, StopToken())
    found = prove(testimony, tuned, "float32", squeezed=False, stop=StopToken())
    assert found.passed
    assert {str(logits.dtype) for logits in testimony.logits} == {"mlx.core.float32"}


def test_a_model_without_a_chat_template_is_proved_too(tmp_path):
    base = tiny_model.make(tmp_path / "plain", template=None)
    run = tuned_model.adapter(tmp_path / "run", base)
    assert proof(base, run, load_model(base, run)).passed


def test_it_can_be_stopped(base, run):
    stop = StopToken()
    stop.request()
    with pytest.raises(Stopped):
        take_testimony(*load_pair(base, run), stop)
