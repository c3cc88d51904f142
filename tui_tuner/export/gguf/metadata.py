"""What a GGUF file says of a model before its weights come."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tui_tuner.export.gguf.families import Family
from tui_tuner.export.gguf.rotary import head_width, rotated_width, scaling_metadata

Value = str | int | float | bool | list[str] | list[int] | list[float]
DEFAULT_CONTEXT = 4096  # where a model does not say how much it reads
# llama.cpp's numbers for what most of a file is stored as (its enum llama_ftype).
FILE_TYPES = {"f32": 0, "f16": 1, "q8_0": 7, "bf16": 32}
QUANTIZATION_VERSION = 2  # of ggml's formats


def shown_name(name: str, swallowing: bool) -> str:
    """The name that is written into the file.

    llama.cpp decides by the name whether the special tokens of a Phi-3 swallow the space and the line after them, and
    does not load another model that is called so.

    Args:
        name: as it was chosen.
        swallowing: whether the tokenizer's do.
    """
    if swallowing:
        return name if re.search("phi-?3", name, re.IGNORECASE) else f"{name} (Phi-3)"
    return re.sub("(phi)-?(3)|(modern)-(bert)", r"\1\3 \2\4", name, flags=re.IGNORECASE)


def general(name: str, family: Family, weight_type: str) -> dict[str, Value]:
    """The keys every file has; `general.architecture` is written by the `gguf` package."""
    keys: dict[str, Value] = {
        "general.type": "model",
        "general.name": name,
        "general.file_type": FILE_TYPES[weight_type],
    }
    if weight_type == "q8_0":
        keys["general.quantization_version"] = QUANTIZATION_VERSION
    return keys


def hyperparameters(args: Any, family: Family, folder: Path) -> dict[str, Value]:
    """The sizes of the model.

    Args:
        args: as MLX computes with them.
        family: the model's.
        folder: where it was read from, for the error.

    Raises:
        ExportError: positions scaled in a way llama.cpp does not know.
    """
    keys: dict[str, Value] = {
        "vocab_size": args.vocab_size,
        "context_length": getattr(args, "max_position_embeddings", None) or DEFAULT_CONTEXT,
        "embedding_length": args.hidden_size,
        "block_count": args.num_hidden_layers,
        "feed_forward_length": args.intermediate_size,
        "attention.head_count": args.num_attention_heads,
        "attention.head_count_kv": args.num_key_value_heads,
        "attention.key_length": head_width(args),
        "attention.value_length": head_width(args),
        "attention.layer_norm_rms_epsilon": float(args.rms_norm_eps),
        "rope.freq_base": float(args.rope_theta),
        "rope.dimension_count": rotated_width(args),
        **scaling_metadata(args, folder),
    }
    if family.architecture == "gemma3":
        keys["attention.sliding_window"] = args.sliding_window
    if family.architecture == "phi3":
        keys["attention.sliding_window"] = 0  # MLX looks at everything, and so was the model trained
    return {f"{family.architecture}.{key}": value for key, value in keys.items()}
