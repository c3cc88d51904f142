"""A complete chat model with random weights, small enough to train in a test: llama, byte-level tokenizer, ChatML."""

from __future__ import annotations

import json
from pathlib import Path

import numpy
from safetensors.numpy import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def make(
    folder: Path,
    *,
    layers: int = 4,
    hidden: int = 64,
    tied: bool = True,
    seed: int = 0,
    template: str | None = TEMPLATE,
    poison: str = "",
) -> Path:
    """Write the model folder and return it.

    Args:
        folder: made if it is not there.
        layers: transformer blocks.
        hidden: width; a multiple of 16.
        tied: whether the embedding is the head as well.
        seed: of the weights.
        template: the chat template; None for a model without one.
        poison: characters whose embedding is NaN, so that every row with one of them has a loss that is not finite.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tied = tied and not poison  # as a head the poison would reach every row
    vocabulary = _write_tokenizer(folder, template)
    weights = _weights(len(vocabulary), layers, hidden, tied, numpy.random.default_rng(seed))
    for character in poison:
        weights["model.embed_tokens.weight"][vocabulary[character]] = numpy.nan
    save_file(weights, str(folder / "model.safetensors"), metadata={"format": "mlx"})
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": hidden,
        "intermediate_size": 2 * hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "max_position_embeddings": 4096,
        "vocab_size": len(vocabulary),
        "tie_word_embeddings": tied,
        "bos_token_id": vocabulary["<|im_start|>"],
        "eos_token_id": vocabulary["<|im_end|>"],
        "torch_dtype": "float32",
    }
    (folder / "config.json").write_text(json.dumps(config, indent=1))
    return folder


def _write_tokenizer(folder: Path, template: str | None) -> dict[str, int]:
    symbols = [*SPECIAL, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    vocabulary = {symbol: number for number, symbol in enumerate(symbols)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(list(SPECIAL))
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False,
        "model_max_length": 4096,
        "bos_token": "<|im_start|>",
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
    }
    if template is not None:
        config["chat_template"] = template
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=1))
    return vocabulary


def _weights(
    vocabulary: int, layers: int, hidden: int, tied: bool, dice: numpy.random.Generator
) -> dict[str, numpy.ndarray]:
    def matrix(rows: int, columns: int) -> numpy.ndarray:
        return (dice.standard_normal((rows, columns)) * columns**-0.5).astype(numpy.float32)

    weights = {"model.embed_tokens.weight": matrix(vocabulary, hidden), "model.norm.weight": numpy.ones(hidden, "f")}
    if not tied:
        weights["lm_head.weight"] = matrix(vocabulary, hidden)
    for layer in range(layers):
        at = f"model.layers.{layer}"
        weights |= {
            f"{at}.self_attn.q_proj.weight": matrix(hidden, hidden),
            f"{at}.self_attn.k_proj.weight": matrix(hidden // 2, hidden),
            f"{at}.self_attn.v_proj.weight": matrix(hidden // 2, hidden),
            f"{at}.self_attn.o_proj.weight": matrix(hidden, hidden),
            f"{at}.mlp.gate_proj.weight": matrix(2 * hidden, hidden),
            f"{at}.mlp.up_proj.weight": matrix(2 * hidden, hidden),
            f"{at}.mlp.down_proj.weight": matrix(hidden, 2 * hidden),
            f"{at}.input_layernorm.weight": numpy.ones(hidden, "f"),
            f"{at}.post_attention_layernorm.weight": numpy.ones(hidden, "f"),
        }
    return weights
