import pytest
import tiny_model
import tuned_model

from tui_tuner.errors import Stopped
from tui_tuner.export.weights import fuse_layers
from tui_tuner.files import read_json, write_json
from tui_tuner.models.loading import apply_adapter, load_model, read_modules
from tui_tuner.models.writing import flat_weights, write_weights
from tui_tuner.progress import StageProgress, StopToken, ignore_event

TOKENS = [[1, 50, 60, 70, 80, 90]]


def fused(base, run, *, dequantize=True):
    model, _config = read_modules(base)
    apply_adapter(model, run)
    squeezed = fuse_layers(model, dequantize=dequantize)
    return model, squeezed


def test_each_weight_is_rounded_once(tmp_path):
    """The fused weight is the one nearest to base + scale * B A, not a sum of two rounded ones."""
    import mlx.core as mx

    base = tuned_model.in_type(tiny_model.make(tmp_path / "full"), tmp_path / "half", "bfloat16")
    run = tuned_model.adapter(tmp_path / "run", base)
    model, _squeezed = fused(base, run)
    stored = mx.load(str(base / "model.safetensors"))
    adapter = mx.load(str(run / "adapters.safetensors"))
    name = "model.layers.3.mlp.down_proj"
    exact = stored[f"{name}.weight"].astype(mx.float32)
    exact = exact + ((5.0 * adapter[f"{name}.lora_b"].T) @ adapter[f"{name}.lora_a"].T)
    assert mx.array_equal(flat_weights(model)[f"{name}.weight"], exact.astype(mx.bfloat16))
    untouched = "model.layers.0.mlp.down_proj.weight"
    assert mx.array_equal(flat_weights(model)[untouched], stored[untouched])


@pytest.mark.parametrize("kind", ["lora", "dora"])
def test_every_kind_of_adapter_of_mlx_lm_is_fused(tmp_path, kind):
    import mlx.core as mx
    from mlx.utils import tree_flatten
    from mlx_lm.tuner.utils import linear_to_lora_layers

    base = tiny_model.make(tmp_path / "base")
    keys = ["self_attn.q_proj", "mlp.up_proj", "model.embed_tokens"]
    parameters = {"rank": 4, "scale": 5.0, "dropout": 0.0, "keys": keys}
    module, _config = read_modules(base)
    module.freeze()
    linear_to_lora_layers(module, 4, parameters, use_dora=kind == "dora")
    weights = dict(tree_flatten(module.trainable_parameters()))
    weights = {n: mx.random.normal(w.shape) * 0.1 if n.endswith("lora_b") else w for n, w in weights.items()}
    run = tmp_path / "run"
    run.mkdir()
    mx.save_safetensors(str(run / "adapters.safetensors"), weights)
    write_json(run / "adapter_config.json", {"fine_tune_type": kind, "num_layers": 4, "lora_parameters": parameters})
    model, _squeezed = fused(base, run)
    wanted = load_model(base, run).model(mx.array(TOKENS))
    assert set(flat_weights(model)) == set(mx.load(str(base / "model.safetensors")))
    assert mx.allclose(model(mx.array(TOKENS)), wanted, rtol=1e-3, atol=1e-3)


def test_squeezing_again_is_reported_only_where_it_happens(tmp_path):
    base = tiny_model.make(tmp_path / "base")
    run = tuned_model.adapter(tmp_path / "run", base)
    assert fused(base, run, dequantize=False)[1] is False
    squeezed = tuned_model.quantized(base, tmp_path / "q4")
    assert fused(squeezed, run, dequantize=True)[1] is False
    assert fused(squeezed, run, dequantize=False)[1] is True


def test_progress_counts_every_byte_and_a_stop_is_heard(tmp_path):
    base = tiny_model.make(tmp_path / "base")
    run = tuned_model.adapter(tmp_path / "run", base)
    weights = flat_weights(fused(base, run)[0])
    total = sum(weight.nbytes for weight in weights.values()) / 1e6
    events: list[StageProgress] = []
    write_weights(tmp_path, weights, "Write", emit=events.append, stop=StopToken())
    assert weights == {}
    assert events[-1].done == pytest.approx(total) == pytest.approx(events[-1].total)
    assert (tmp_path / "model.safetensors").stat().st_size > total * 1e6
    stop = StopToken()
    stop.request()
    with pytest.raises(Stopped):
        write_weights(tmp_path, flat_weights(fused(base, run)[0]), "Write", emit=ignore_event, stop=stop)
    assert read_json(base / "config.json")
