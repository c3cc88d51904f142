"""From a llama-architecture GGUF file to the weights and configuration mlx-lm reads.

MLX reads the file itself: quantized tensors arrive as packed words with a scale and a bias per group of 32 weights.
What is left is to multiply them out, to give them Hugging Face's names, and to put back in order the rows of the query
and key projections, which llama.cpp's converter permutes for its own rotary embedding (`LlamaModel.permute` in
llama.cpp's `convert_hf_to_gguf.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui_tuner.errors import ModelError
from tui_tuner.language import _

if TYPE_CHECKING:
    import mlx.core as mx

GROUP_SIZE = 32  # weights that share one scale in every GGUF quantization MLX reads
BITS_PER_WORD = 32

LAYER_NAMES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
OUTER_NAMES = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}


def read_gguf(path: Path) -> tuple[dict[str, mx.array], dict[str, Any]]:
    """Read a GGUF file's tensors (as they are packed) and its metadata (as plain Python values).

    Raises:
        ModelError: the file is not GGUF, is cut off, or holds a quantization MLX cannot read.
    """
    import mlx.core as mx

    read: Any = mx.load  # its declared type does not know that metadata were asked for
    try:
        tensors, metadata = read(str(path), return_metadata=True)
    except (RuntimeError, ValueError) as error:
        raise ModelError(
            _("this GGUF file cannot be read: {error}", error=error), where=str(path), advice=_("Fetch the file again.")
        ) from error
    return tensors, {name: value.tolist() if isinstance(value, mx.array) else value for name, value in metadata.items()}


def llama_config(metadata: dict[str, Any], *, tied: bool) -> dict[str, Any]:
    """The `config.json` of a llama model, from GGUF metadata.

    Args:
        metadata: as `read_gguf` gives it.
        tied: whether the output layer is the token embedding.

    Raises:
        ModelError: another architecture, or a llama variant (scaled rotary embedding) that would need more than this.
    """
    architecture = metadata.get("general.architecture")
    if architecture != "llama" or "llama.rope.scaling.type" in metadata:
        raise ModelError(
            _("only plain llama models can be converted, this one is {name}", name=architecture),
            advice=_("Choose a model that mlx-lm reads as it is."),
        )
    tokenizer = "tokenizer.ggml"
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_act": "silu",
        "hidden_size": metadata["llama.embedding_length"],
        "intermediate_size": metadata["llama.feed_forward_length"],
        "num_hidden_layers": metadata["llama.block_count"],
        "num_attention_heads": metadata["llama.attention.head_count"],
        "num_key_value_heads": metadata["llama.attention.head_count_kv"],
        "head_dim": metadata["llama.rope.dimension_count"],
        "max_position_embeddings": metadata["llama.context_length"],
        # Stored in single precision: 1e-05 would otherwise read 9.999999747378752e-06.
        "rms_norm_eps": float(f"{metadata['llama.attention.layer_norm_rms_epsilon']:.6g}"),
        "rope_theta": metadata["llama.rope.freq_base"],
        "vocab_size": metadata["llama.vocab_size"],
        "attention_bias": False,
        "mlp_bias": False,
        "tie_word_embeddings": tied,
        "bos_token_id": metadata[f"{tokenizer}.bos_token_id"],
        "eos_token_id": metadata[f"{tokenizer}.eos_token_id"],
        "pad_token_id": metadata[f"{tokenizer}.padding_token_id"],
    }


def llama_weights(
    tensors: dict[str, mx.array],
    config: dict[str, Any],
    dtype: mx.Dtype,
    *,
    each: Callable[[str], None] = lambda name: None,
) -> dict[str, mx.array]:
    """The dense weights of a llama model under Hugging Face's names, evaluated one by one.

    Args:
        tensors: as `read_gguf` gives them; emptied on the way, so that the packed weights do not stay in memory.
        config: as `llama_config` gives it.
        dtype: of every weight returned.
        each: called with the name of every weight as it is ready.
    """
    import mlx.core as mx

    permuted_heads = {"attn_q": config["num_attention_heads"], "attn_k": config["num_key_value_heads"]}
    weights: dict[str, mx.array] = {}
    for name in sorted(name for name in tensors if name.endswith(".weight")):
        weight = _dense(tensors, name.removesuffix(".weight")).astype(dtype)
        part = name.split(".")[-2]
        if part in permuted_heads:
            weight = unpermute(weight, permuted_heads[part])
        mx.eval(weight)
        weights[hugging_face_name(name)] = weight
        each(name)
    return weights


def _dense(tensors: dict[str, mx.array], stem: str) -> mx.array:
    import mlx.core as mx

    packed = tensors.pop(f"{stem}.weight")
    if f"{stem}.scales" not in tensors:
        return packed
    # In single precision: scale times weight plus bias is then exact, in half precision it would be rounded twice.
    scales = tensors.pop(f"{stem}.scales").astype(mx.float32)
    biases = tensors.pop(f"{stem}.biases").astype(mx.float32)
    bits = packed.shape[-1] * BITS_PER_WORD // (scales.shape[-1] * GROUP_SIZE)
    return mx.dequantize(packed, scales, biases, group_size=GROUP_SIZE, bits=bits)


def unpermute(weight: mx.array, heads: int) -> mx.array:
    """Put the rows of a query or key projection back as Hugging Face has them.

    llama.cpp rotates neighbours (0, 1), (2, 3), ... of a head, Hugging Face the halves (0, n/2), (1, n/2 + 1), ...; its
    converter interleaves the two halves of every head, and this takes them apart again.

    Args:
        weight: (heads * head size, input size).
        heads: of queries or of keys, as the weight has them.
    """
    rows, columns = weight.shape
    return weight.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)


def hugging_face_name(name: str) -> str:
    """`blk.3.attn_q.weight` -> `model.layers.3.self_attn.q_proj.weight`.

    Raises:
        ModelError: a tensor no plain llama model has.
    """
    try:
        if name.startswith("blk."):
            _blk, layer, part, kind = name.split(".")
            return f"model.layers.{layer}.{LAYER_NAMES[part]}.{kind}"
        part, kind = name.split(".")
        return f"{OUTER_NAMES[part]}.{kind}"
    except (KeyError, ValueError) as error:
        raise ModelError(
            _("the tensor {name} belongs to no plain llama model", name=name),
            advice=_("Choose a model that mlx-lm reads as it is."),
        ) from error
