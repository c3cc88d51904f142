import json
import shutil
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest
import tiny_families
import tuned_model

from tui_tuner.errors import ExportError, Stopped, StorageError
from tui_tuner.export.gguf import families
from tui_tuner.export.gguf.read_back import read_back
from tui_tuner.export.gguf.write import GgufPlan, contents_of, write_gguf
from tui_tuner.progress import StageProgress, StopToken, ignore_event

pytestmark = pytest.mark.usefixtures("no_llama_cpp")  # it has tests of its own
TYPES = ("f32", "f16", "bf16", "q8_0")


def plan(folder, target, weight_type="f32"):
    return GgufPlan(folder, target, weight_type, "my model")


def write(made):
    return write_gguf(made, emit=ignore_event, stop=StopToken())


def compared(made, path):
    metadata = contents_of(made).metadata
    return read_back(path, made.model, metadata, trust_remote_code=False, emit=ignore_event, stop=StopToken())


def read(path):
    from gguf import GGUFReader

    return GGUFReader(path)


def said(path, key):
    field = read(path).get_field(key)
    return None if field is None else field.contents()


@pytest.mark.parametrize("kind", list(tiny_families.KINDS))
def test_every_family_reads_back_as_the_model_it_was_made_of(kind, tmp_path):
    made = plan(tiny_families.make(tmp_path / "model", kind), tmp_path / "out")
    written = write(made)
    assert [path.name for path in made.target.iterdir() if path.suffix == ".gguf"] == ["out.gguf"]
    found = compared(made, written.path)
    assert found.passed, found
    assert found.largest == 0.0
    assert found.tensors >= 20
    assert found.keys > 20


@pytest.mark.parametrize("kind", ["mistral", "qwen3", "gemma3"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("weight_type", TYPES)
def test_every_type_differs_by_its_rounding_alone(weight_type, dtype, kind, tmp_path):
    made = plan(tiny_families.make(tmp_path / "model", kind, dtype=dtype), tmp_path / "out", weight_type)
    written = write(made)
    found = compared(made, written.path)
    assert found.passed, found
    assert (found.largest == 0) == (weight_type == "f32" or (weight_type, dtype) == ("bf16", "bfloat16"))
    kinds = {tensor.name: tensor.tensor_type.name for tensor in read(written.path).tensors}
    assert kinds["token_embd.weight"] == weight_type.upper()
    assert kinds["output_norm.weight"] == "F32"


def test_a_quantized_model_is_multiplied_out(tmp_path):
    base = tiny_families.make(tmp_path / "base", "qwen3")
    made = plan(tuned_model.quantized(base, tmp_path / "q4"), tmp_path / "out")
    found = compared(made, write(made).path)
    assert found.passed, found
    assert found.largest == 0.0


def test_a_wrong_number_and_a_wrong_word_are_found(tmp_path):
    made = plan(tiny_families.make(tmp_path / "model", "mistral"), tmp_path / "out", "q8_0")
    path = write(made).path
    tensor = next(tensor for tensor in read(path).tensors if tensor.name == "blk.1.attn_q.weight")
    content = bytearray(path.read_bytes())
    content[int(tensor.data_offset) + 40] ^= 0x40
    place = content.index(b"[INST]")
    content[place : place + 6] = b"[LIST]"
    path.write_bytes(content)
    found = compared(made, path)
    assert found.wrong_tensors == ("model.layers.1.self_attn.q_proj.weight",)
    assert found.wrong_keys == ("tokenizer.ggml.tokens",)
    assert not found.passed
    assert found.allowed == 0.0 < found.largest


def test_rows_of_queries_in_the_wrong_order_are_found(tmp_path, monkeypatch):
    from tui_tuner.export.gguf import tensors

    monkeypatch.setattr(tensors, "interleave", lambda weight, _heads: weight)
    with pytest.raises(ExportError, match=r"q_proj\.weight.* and 3 more are not the model's"):
        write(plan(tiny_families.make(tmp_path / "model", "llama"), tmp_path / "out"))
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize(
    ("name", "kind", "shown"),
    [
        ("my phi3", "mistral", "my phi 3"),
        ("Modern-BERT-like", "mistral", "Modern BERT-like"),
        ("kitchen", "phi3", "kitchen (Phi-3)"),
        ("Phi-3 of mine", "phi3", "Phi-3 of mine"),
    ],
)
def test_llama_cpp_takes_the_name_for_what_it_is(name, kind, shown, tmp_path):
    made = GgufPlan(tiny_families.make(tmp_path / "model", kind), tmp_path / "out", "f32", name)
    assert said(write(made).path, "general.name") == shown


def test_the_metadata_say_what_llama_cpp_needs(tmp_path):
    path = write(plan(tiny_families.make(tmp_path / "model", "mistral"), tmp_path / "out", "q8_0")).path
    assert said(path, "general.architecture") == "llama"
    assert said(path, "general.name") == "my model"
    assert said(path, "general.file_type") == 7
    assert said(path, "llama.attention.key_length") == 32
    assert said(path, "llama.attention.head_count_kv") == 2
    assert said(path, "tokenizer.ggml.model") == "llama"
    assert said(path, "tokenizer.ggml.add_bos_token") is True
    assert said(path, "tokenizer.ggml.add_space_prefix") is False  # its template begins with a special token
    assert said(path, "tokenizer.chat_template") == tiny_families.MISTRAL_CHAT
    tokens, kinds = said(path, "tokenizer.ggml.tokens"), said(path, "tokenizer.ggml.token_type")
    assert kinds[tokens.index("<unk>")] == 2
    assert kinds[tokens.index("[INST]")] == 3
    assert kinds[tokens.index("<0x0A>")] == 6
    assert kinds[-1] == 5
    assert len(tokens) == said(path, "llama.vocab_size")


@pytest.mark.parametrize(
    ("kind", "turn", "ends"),
    [
        ("llama", "<|eot_id|>", ["<|end_of_text|>", "<|eot_id|>"]),
        ("gemma3", "<end_of_turn>", ["<eos>", "<end_of_turn>"]),
        ("phi3", "<|end|>", ["<|endoftext|>", "<|end|>"]),
        ("qwen3", None, None),
    ],
)
def test_the_token_that_ends_a_turn_is_the_one_the_template_writes(kind, turn, ends, tmp_path):
    path = write(plan(tiny_families.make(tmp_path / "model", kind), tmp_path / "out")).path
    tokens = said(path, "tokenizer.ggml.tokens")
    assert said(path, "tokenizer.ggml.eot_token_id") == (turn and tokens.index(turn))
    assert said(path, "tokenizer.ggml.eos_token_ids") == (ends and sorted(map(tokens.index, ends)))


def test_a_family_that_is_not_known_is_refused_with_another_way(tmp_path, monkeypatch):
    monkeypatch.delitem(families.FAMILIES, "qwen2")
    folder = tiny_families.make(tmp_path / "model", "qwen2")
    with pytest.raises(ExportError, match="qwen2") as caught:
        contents_of(plan(folder, tmp_path / "out"))
    assert f"convert_hf_to_gguf.py {folder}" in caught.value.advice


@pytest.mark.parametrize(
    ("kind", "setting"),
    [
        ("smollm3", {"no_rope_layers": [1, 1, 1, 1, 1]}),
        ("llama", {"layer_types": ["full_attention", "sliding_attention", "full_attention"], "sliding_window": 8}),
        ("llama", {"rope_traditional": True}),
        ("gemma3", {"query_pre_attn_scalar": 24}),
        ("gemma3", {"sliding_window_pattern": 2}),
        ("qwen2-yarn", {"rope_scaling": {**tiny_families.YARN, "mscale": 0.5}}),
        ("qwen2", {"rope_scaling": {"type": "dynamic", "factor": 2.0}}),
    ],
)
def test_what_llama_cpp_would_compute_otherwise_is_refused(kind, setting, tmp_path):
    folder = tiny_families.make(tmp_path / "model", kind)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | setting))
    with pytest.raises(ExportError) as caught:
        contents_of(plan(folder, tmp_path / "out"))
    assert "convert_hf_to_gguf.py" in caught.value.advice


def test_a_number_too_large_for_f16_is_refused(tmp_path):
    import mlx.core as mx

    folder = tiny_families.make(tmp_path / "model", "qwen3")
    weights = dict(mx.load(str(folder / "model.safetensors")))
    weights["model.layers.0.mlp.up_proj.weight"][0, 0] = 1e6
    tuned_model.save(folder, weights)
    with pytest.raises(ExportError, match=r"blk\.0\.ffn_up\.weight has numbers too large for f16"):
        write(plan(folder, tmp_path / "out", "f16"))
    assert not (tmp_path / "out").exists()
    assert compared(plan(folder, tmp_path / "out"), write(plan(folder, tmp_path / "out")).path).passed


def test_a_disk_too_small_is_known_before_anything_is_written(tmp_path, monkeypatch):
    made = plan(tiny_families.make(tmp_path / "model", "qwen3"), tmp_path / "out")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=64_000_000))
    events = []
    with pytest.raises(StorageError, match="not enough disk space"):
        write_gguf(made, emit=events.append, stop=StopToken())
    assert events == []
    assert not made.target.exists()


def test_a_disk_that_fills_up_leaves_nothing(tmp_path, monkeypatch):
    import errno

    from gguf import GGUFWriter

    made = plan(tiny_families.make(tmp_path / "model", "qwen3"), tmp_path / "out")

    def full(_self, _tensor):
        raise OSError(errno.ENOSPC, "")

    monkeypatch.setattr(GGUFWriter, "write_tensor_data", full)
    with pytest.raises(StorageError, match="disk is full"):
        write(made)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_stopped_it_leaves_what_was_there(tmp_path):
    made = plan(tiny_families.make(tmp_path / "model", "qwen3"), tmp_path / "out")
    before = write(made).path.stat().st_mtime_ns
    stop = StopToken()

    def emit(event):
        if isinstance(event, StageProgress) and event.done:
            stop.request()

    with pytest.raises(Stopped):
        write_gguf(made, emit=emit, stop=stop)
    assert (made.target / "out.gguf").stat().st_mtime_ns == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "out"]


def test_what_a_killed_process_left_is_cleared_away(tmp_path):
    made = plan(tiny_families.make(tmp_path / "model", "qwen3"), tmp_path / "out")
    (tmp_path / ".out.abcd1234").mkdir()
    (tmp_path / ".out.abcd1234" / "out.gguf").write_bytes(b"GGUF half")
    write(made)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "out"]


def test_killed_half_way_nothing_looks_whole_and_the_next_start_clears_up(tmp_path):
    made = plan(tiny_families.make(tmp_path / "model", "qwen3"), tmp_path / "out")
    program = f"""
import os, signal
from pathlib import Path
from tui_tuner.export.gguf.write import GgufPlan, write_gguf
from tui_tuner.progress import StopToken

def emit(event):
    if getattr(event, "done", 0):
        os.kill(os.getpid(), signal.SIGKILL)

write_gguf(GgufPlan(Path({str(made.model)!r}), Path({str(made.target)!r}), "f32", "x"), emit=emit, stop=StopToken())
"""
    assert subprocess.run([sys.executable, "-c", program], timeout=120).returncode == -signal.SIGKILL
    (left,) = [path.name for path in tmp_path.iterdir() if path.name != "model"]
    assert left.startswith(".out.")
    write(made)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "out"]
