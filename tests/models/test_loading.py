import json
import shutil
import subprocess
import sys

import pytest
import tiny_model
import tuned_model

from tui_tuner.errors import ModelError
from tui_tuner.models.loading import load_model, load_pair, load_tokenizer

TOKENS = [1, 50, 60, 70, 80, 90]


def logits(loaded):
    import mlx.core as mx

    return loaded.model(mx.array([TOKENS]))


def equal(one, other):
    import mlx.core as mx

    return bool(mx.array_equal(one, other))


@pytest.fixture(params=["float32", "bfloat16", "quantized"])
def base(request, tmp_path):
    made = tiny_model.make(tmp_path / "base")
    if request.param == "quantized":
        return tuned_model.quantized(tuned_model.in_type(made, tmp_path / "half", "bfloat16"), tmp_path / "q4")
    return made if request.param == "float32" else tuned_model.in_type(made, tmp_path / "half", request.param)


def test_the_base_of_a_pair_is_one_that_never_had_an_adapter(base, tmp_path):
    run = tuned_model.adapter(tmp_path / "run", base)
    alone = load_model(base)
    pair, tuned = load_pair(base, run)
    assert equal(logits(pair), logits(alone))
    changed = logits(tuned)
    assert float(abs(changed - logits(alone)).max()) > 0.1
    assert equal(logits(pair), logits(alone))  # and stays so after the tuned one has run
    assert (pair.adapter, tuned.adapter) == (None, run)


def test_the_tuned_of_a_pair_is_what_mlx_lm_loads(tmp_path):
    import mlx.core as mx
    from mlx_lm import load

    base = tiny_model.make(tmp_path / "base")
    run = tuned_model.adapter(tmp_path / "run", base)
    _base, tuned = load_pair(base, run)
    theirs, _tokenizer = load(str(base), adapter_path=str(run))
    assert equal(logits(tuned), theirs(mx.array([TOKENS])))
    assert equal(logits(tuned), logits(load_model(base, run)))


def test_a_pair_has_its_weights_once(tmp_path):
    import mlx.core as mx

    base = tiny_model.make(tmp_path / "base", layers=8, hidden=256)
    run = tuned_model.adapter(tmp_path / "run", base)
    before = mx.get_active_memory()
    alone = load_model(base)
    one = mx.get_active_memory() - before
    del alone
    before = mx.get_active_memory()
    pair = load_pair(base, run)
    assert mx.get_active_memory() - before < 1.1 * one
    first, second = (loaded.model.model.layers[-1].self_attn.q_proj for loaded in pair)
    assert second.linear.weight is first.weight


def test_a_cpu_computes_in_float32(tmp_path):
    import mlx.core as mx

    if mx.default_device() != mx.cpu:
        pytest.skip("a GPU keeps half precision")
    base = tuned_model.in_type(tiny_model.make(tmp_path / "base"), tmp_path / "half", "float16")
    assert logits(load_model(base)).dtype == mx.float32


def test_no_model_no_adapter(tmp_path):
    base = tiny_model.make(tmp_path / "base")
    with pytest.raises(ModelError, match="not a model folder"):
        load_model(tmp_path / "nothing")
    with pytest.raises(ModelError, match="no adapter yet"):
        load_model(base, tmp_path)
    with pytest.raises(ModelError, match="no adapter yet"):
        load_pair(base, tmp_path)


def test_damaged_files_are_named(tmp_path):
    base = tiny_model.make(tmp_path / "base")
    run = tuned_model.adapter(tmp_path / "run", base)
    weights = (base / "model.safetensors").read_bytes()
    (base / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    with pytest.raises(ModelError, match="cannot be loaded") as caught:
        load_model(base)
    assert caught.value.where == str(base)
    assert caught.value.advice
    (base / "model.safetensors").write_bytes(weights)
    (run / "adapters.safetensors").write_bytes(b"not weights")
    with pytest.raises(ModelError, match="adapter cannot be applied") as caught:
        load_pair(base, run)
    assert caught.value.where == str(run)


def test_the_adapter_of_another_model_is_refused_in_one_line(tmp_path):
    run = tuned_model.adapter(tmp_path / "run", tiny_model.make(tmp_path / "wide", hidden=128))
    with pytest.raises(ModelError, match="adapter cannot be applied") as caught:
        load_model(tiny_model.make(tmp_path / "base"), run)
    assert "\n" not in caught.value.what
    assert "another base model" in caught.value.advice


def test_code_that_comes_with_a_model_is_run_only_if_trusted(tmp_path):
    base = tiny_model.make(tmp_path / "base")
    marker = tmp_path / "ran"
    (base / "own.py").write_text(
        f"from pathlib import Path\nPath({str(marker)!r}).touch()\nfrom mlx_lm.models.llama import Model, ModelArgs\n"
    )
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps(config | {"model_file": "own.py"}))
    with pytest.raises(ModelError) as caught:
        load_model(base)
    assert "trust_remote_code=true" in caught.value.advice
    assert not marker.exists()
    load_model(base, trust_remote_code=True)
    assert marker.exists()


def test_nothing_is_left_open_when_the_folder_goes(tmp_path):
    base = tiny_model.make(tmp_path / "base")
    loaded = load_model(base)
    before = logits(loaded)
    shutil.rmtree(base)
    assert equal(logits(loaded), before)


def test_a_tokenizer_alone_is_the_models_own(tmp_path):
    base = tiny_model.make(tmp_path / "base")
    (base / "generation_config.json").write_text('{"eos_token_id": [1, 2]}')
    whole = load_model(base).tokenizer
    (base / "model.safetensors").unlink()
    alone = load_tokenizer(base)
    turns = [{"role": "user", "content": "hello"}]
    assert alone.apply_chat_template(turns) == whole.apply_chat_template(turns)
    assert set(alone.eos_token_ids) == set(whole.eos_token_ids) == {1, 2}


def test_a_tokenizer_is_not_read_from_what_is_none_nor_from_code_that_is_not_trusted(tmp_path):
    with pytest.raises(ModelError, match=r"no config\.json"):
        load_tokenizer(tmp_path)
    base = tiny_model.make(tmp_path / "base")
    (base / "tokenizer.json").write_text("{")
    with pytest.raises(ModelError, match="tokenizer cannot be read"):
        load_tokenizer(base)
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps({**config, "model_file": "own.py"}))
    with pytest.raises(ModelError, match=r"own\.py"):
        load_tokenizer(base)


def test_a_process_whose_threads_read_tokenizers_ends_well(tmp_path):
    base = tiny_model.make(tmp_path / "base")
    program = (
        "import sys, threading, pathlib; from tui_tuner.models.loading import load_tokenizer as read;"
        "threads = [threading.Thread(target=read, args=[pathlib.Path(sys.argv[1])]) for _ in range(2)];"
        "[thread.start() for thread in threads]; [thread.join() for thread in threads]"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(base)], capture_output=True, text=True, timeout=120)
    assert (ended.returncode, ended.stderr) == (0, "")
