"""What is known of a model from its configuration and the headers of its weights."""

from __future__ import annotations

import json
import struct

import pytest
import tiny_model
import tuned_model

from tui_tuner.choices import ModelChoice
from tui_tuner.errors import ModelError
from tui_tuner.models.anatomy import Linear, read_anatomy
from tui_tuner.models.base_model import fetch_base
from tui_tuner.models.weight_headers import Weight, read_headers
from tui_tuner.progress import StopToken, ignore_event


def test_headers_say_what_the_weights_are(tmp_path):
    folder = tiny_model.make(tmp_path / "m", layers=2, hidden=64)
    headers = read_headers(folder)
    assert headers["model.layers.1.mlp.up_proj.weight"] == Weight("F32", (128, 64))
    assert headers["model.layers.1.mlp.up_proj.weight"].bytes == 4 * 128 * 64
    assert "__metadata__" not in headers
    assert len(headers) == 2 * 9 + 2


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"12345678",
        struct.pack("<Q", 1 << 60) + b"{}",
        struct.pack("<Q", 4) + b"nope",
        struct.pack("<Q", 9) + b'{"a": {}}',
        struct.pack("<Q", 2) + b"[]",
    ],
)
def test_what_is_no_safetensors_file_is_refused(tmp_path, content):
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(ModelError, match="no safetensors file") as caught:
        read_headers(tmp_path)
    assert caught.value.where == str(tmp_path / "model.safetensors")


def test_a_folder_without_weights_is_refused(tmp_path):
    with pytest.raises(ModelError, match="no weights here"):
        read_headers(tmp_path)


def test_a_full_model(tmp_path):
    anatomy = read_anatomy(tiny_model.make(tmp_path / "m", layers=3, hidden=64))
    assert (anatomy.hidden, anatomy.inner, anatomy.heads, anatomy.key_heads, anatomy.head_width) == (64, 128, 4, 2, 16)
    assert len(anatomy.layers) == 3 and len(anatomy.trained(2)) == 2 and len(anatomy.trained(-1)) == 3
    assert Linear("mlp.up_proj", 64, 128) in anatomy.layers[0]
    assert not anatomy.half and anatomy.in_memory(single=True) == anatomy.stored


def test_half_precision_doubles_where_a_cpu_computes(tmp_path):
    full = tiny_model.make(tmp_path / "m")
    half = tuned_model.in_type(full, tmp_path / "half", "bfloat16")
    anatomy = read_anatomy(half)
    assert anatomy.half and anatomy.in_memory(single=False) == anatomy.stored
    assert anatomy.in_memory(single=True) == read_anatomy(full).stored


@pytest.mark.parametrize("bits", [4, 8])
def test_a_quantized_model_has_the_same_parts(tmp_path, bits):
    full = tiny_model.make(tmp_path / "m", hidden=64)
    small = read_anatomy(tuned_model.quantized(full, tmp_path / "q", bits))
    large = read_anatomy(full)
    assert small.parameters == large.parameters
    assert small.stored < large.stored / 2
    assert [(one.path, one.inputs, one.outputs) for one in small.layers[0]] == [
        (one.path, one.inputs, one.outputs) for one in large.layers[0]
    ]
    assert all(one.quantized for one in small.layers[0])


def test_experts_count_as_those_a_token_visits(tmp_path):
    folder = tiny_model.make(tmp_path / "m", layers=1, hidden=64)
    config = json.loads((folder / "config.json").read_text())
    config |= {"num_experts_per_tok": 2, "moe_intermediate_size": 32, "shared_expert_intermediate_size": 16}
    (folder / "config.json").write_text(json.dumps(config))
    assert read_anatomy(folder).inner == 2 * 32 + 16


def test_a_model_of_an_unknown_kind_says_so(tmp_path):
    import numpy
    from safetensors.numpy import save_file

    (tmp_path / "config.json").write_text("{}")
    save_file({"strange.weight": numpy.ones((2, 2))}, str(tmp_path / "model.safetensors"))
    with pytest.raises(ModelError, match="layers cannot be told"):
        read_anatomy(tmp_path)
    (tmp_path / "config.json").write_text("[")
    with pytest.raises(ModelError, match="damaged"):
        read_anatomy(tmp_path)


@pytest.mark.starter
def test_the_starter(starter):
    anatomy = read_anatomy(starter)
    assert anatomy.parameters == 134_515_008 and len(anatomy.layers) == 30
    assert (anatomy.hidden, anatomy.inner, anatomy.vocabulary) == (576, 1536, 49152)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("bits", [4, 8])
def test_what_a_model_will_be_in_few_bits_is_known_before_it_is_made(tmp_path, dtype, bits):
    full = tiny_model.make(tmp_path / "m", layers=3, hidden=128)
    full = tuned_model.in_type(full, tmp_path / "typed", dtype)
    made = fetch_base(ModelChoice(str(full), quantize=str(bits)), emit=ignore_event, stop=StopToken())
    foretold, found = read_anatomy(full).squeezed(bits), read_anatomy(made)
    assert foretold.quantized and not read_anatomy(full).quantized
    assert foretold.layers == found.layers and foretold.half == found.half
    assert foretold.parameters == found.parameters
    norms = 7 * 128 * 4  # bytes of what stays whole beside the layers
    assert foretold.stored == pytest.approx(found.stored, abs=norms)
    assert foretold.floating == pytest.approx(found.floating, abs=norms)
    assert found.squeezed(4) is found, "it has few already"
    assert read_anatomy(full).squeezed(0) == read_anatomy(full)
