from __future__ import annotations

import pytest

from tui_tuner.errors import ModelError
from tui_tuner.models.blas import load_fast_blas

load_fast_blas()

import mlx.core as mx  # noqa: E402

from tui_tuner.models.gguf_reading import (  # noqa: E402
    hugging_face_name,
    llama_config,
    llama_weights,
    read_gguf,
    unpermute,
)


def test_unpermute_takes_the_halves_of_every_head_apart():
    # Two heads of four rows. Hugging Face's order is 0 1 2 3 | 4 5 6 7; llama.cpp's converter interleaves the halves.
    permuted = mx.array([[0, 0], [2, 2], [1, 1], [3, 3], [4, 4], [6, 6], [5, 5], [7, 7]])
    assert unpermute(permuted, heads=2)[:, 0].tolist() == [0, 1, 2, 3, 4, 5, 6, 7]


def test_a_rotated_query_is_the_same_before_and_after():
    """What the permutation is for: neighbours rotated in llama.cpp's order are halves rotated in Hugging Face's."""
    size = 8
    weight, token = mx.random.normal((size, size)), mx.random.normal((1, size))
    as_halves = mx.fast.rope(
        (token @ unpermute(weight, heads=1).T)[None], size, traditional=False, base=100.0, scale=1.0, offset=5
    )
    as_neighbours = mx.fast.rope((token @ weight.T)[None], size, traditional=True, base=100.0, scale=1.0, offset=5)
    assert mx.allclose(unpermute(as_neighbours[0].T, heads=1).T, as_halves[0], atol=1e-5).item()


def test_reads_what_was_written_and_names_it(tiny, tmp_path):
    path = tmp_path / "tiny.gguf"
    tiny.write_gguf(path)
    tensors, metadata = read_gguf(path)
    assert metadata["tokenizer.ggml.tokens"] == tiny.tokens()
    assert metadata["llama.block_count"] == tiny.layers  # a number, no longer an array of MLX
    query = tensors["blk.1.attn_q.weight"]
    config = llama_config(metadata, tied=True)
    heard = []
    weights = llama_weights(tensors, config, mx.float16, each=heard.append)
    assert len(heard) == len(weights) == 2 + 9 * tiny.layers
    assert {weight.dtype for weight in weights.values()} == {mx.float16}
    assert tensors == {}  # let go on the way
    expected = unpermute(query, tiny.heads).astype(mx.float16)
    assert mx.array_equal(weights["model.layers.1.self_attn.q_proj.weight"], expected).item()


@pytest.mark.parametrize("bits", [4, 8])
def test_packed_weights_are_multiplied_out_exactly(bits):
    weight = mx.random.normal((6, 64))
    packed, scales, biases = mx.quantize(weight, group_size=32, bits=bits)
    scales, biases = scales.astype(mx.float16), biases.astype(mx.float16)
    tensors = {
        "blk.0.ffn_up.weight": packed,
        "blk.0.ffn_up.scales": scales,
        "blk.0.ffn_up.biases": biases,
    }
    config = {"num_attention_heads": 2, "num_key_value_heads": 2}
    dense = llama_weights(tensors, config, mx.float32)["model.layers.0.mlp.up_proj.weight"]
    # By hand: every word holds 32 / bits weights, the lowest bits first.
    shifts = mx.arange(0, 32, bits, dtype=mx.uint32)
    levels = ((packed[..., None] >> shifts) & (2**bits - 1)).reshape(6, 2, 32).astype(mx.float32)
    expected = levels * scales[..., None].astype(mx.float32) + biases[..., None].astype(mx.float32)
    assert mx.array_equal(dense, expected.reshape(6, 64)).item()


def test_configuration_is_what_the_metadata_say(tiny):
    config = llama_config(tiny.metadata(), tied=True)
    assert config["model_type"] == "llama"
    assert config["rms_norm_eps"] == 1e-05
    assert (config["num_attention_heads"], config["num_key_value_heads"]) == (4, 2)
    assert config["tie_word_embeddings"] is True
    assert config["eos_token_id"] == 2


@pytest.mark.parametrize("change", [{"general.architecture": "gemma3"}, {"llama.rope.scaling.type": "yarn"}])
def test_other_architectures_are_refused(tiny, change):
    with pytest.raises(ModelError, match="only plain llama models"):
        llama_config({**tiny.metadata(), **change}, tied=True)


def test_a_tensor_nobody_knows_is_refused():
    assert hugging_face_name("blk.12.ffn_norm.weight") == "model.layers.12.post_attention_layernorm.weight"
    assert hugging_face_name("output.weight") == "lm_head.weight"
    with pytest.raises(ModelError, match=r"rope_freqs\.weight"):
        hugging_face_name("rope_freqs.weight")


def test_a_file_that_is_no_gguf_is_refused(tmp_path):
    path = tmp_path / "broken.gguf"
    path.write_bytes(b"not a model")
    with pytest.raises(ModelError) as caught:
        read_gguf(path)
    assert caught.value.where == str(path) and caught.value.advice
