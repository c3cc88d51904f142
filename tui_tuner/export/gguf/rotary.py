"""How positions get into the attention (rotary embedding), in llama.cpp's words. Runs on the engine's thread.

Su et al., RoFormer, 2021; scaled to longer contexts linearly, as Llama 3.1 does, by YaRN (Peng et al., 2023) or by
LongRoPE (Ding et al., 2024).
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from tui_tuner.export.gguf.families import Family, cannot_write
from tui_tuner.language import _
from tui_tuner.plain_text import one_line


def rotated_width(args: Any) -> int:
    """How many numbers of a head are rotated."""
    share = getattr(args, "partial_rotary_factor", None) or 1.0
    return int(head_width(args) * share)


def head_width(args: Any) -> int:
    """How many numbers a head has."""
    return int(getattr(args, "head_dim", None) or args.hidden_size // args.num_attention_heads)


def scaling_metadata(args: Any, folder: Path) -> dict[str, int | float | str]:
    """What llama.cpp has to know of a scaled embedding, by key without the architecture; empty for a plain one.

    Raises:
        ExportError: llama.cpp computes this one in another way.
    """
    scaling = getattr(args, "rope_scaling", None) or {}
    kind = scaling_kind(args)
    if kind in ("default", "llama3"):  # the latter is a tensor of factors
        return {}
    if kind == "linear":
        return {"rope.scaling.type": "linear", "rope.scaling.factor": float(scaling["factor"])}
    if kind == "longrope":
        return {
            "rope.scaling.original_context_length": _original_length(args),
            "rope.scaling.attn_factor": _longrope_strength(args),
        }
    if kind == "yarn" and scaling.get("mscale", 1) == 1 and not scaling.get("mscale_all_dim", 0):
        return {
            "rope.scaling.type": "yarn",
            "rope.scaling.factor": float(scaling["factor"]),
            "rope.scaling.original_context_length": int(scaling.get("original_max_position_embeddings", 4096)),
            "rope.scaling.yarn_beta_fast": float(scaling.get("beta_fast", 32)),
            "rope.scaling.yarn_beta_slow": float(scaling.get("beta_slow", 1)),
        }
    what = _("a model whose positions are scaled like this ({kind}) cannot be written as GGUF", kind=one_line(kind, 40))
    raise cannot_write(what, folder)


def scaling_kind(args: Any) -> str:
    """The kind of scaling MLX uses."""
    scaling = getattr(args, "rope_scaling", None) or {}
    kind = scaling.get("type") or scaling.get("rope_type", "default")
    return "longrope" if kind == "su" else str(kind)


def factor_tensors(model: Any, family: Family) -> dict[str, Any]:
    """Tensors of what the wave lengths are multiplied by, float32, shape (rotated numbers / 2,); by name.

    They are taken from the frequencies MLX computes with. MLX uses the long factors of LongRoPE for texts of every
    length, and so has the tuned model been trained: they are written for short texts too.
    """
    import mlx.core as mx

    kind = scaling_kind(model.args)
    names = {"llama3": ("rope_freqs.weight",), "longrope": ("rope_factors_long.weight", "rope_factors_short.weight")}
    if kind not in names:
        return {}
    layer = next(layer for layer in model.layers if hasattr(layer.self_attn.rope, "_freqs"))
    width = rotated_width(model.args)
    plain = model.args.rope_theta ** (mx.arange(0, width, 2, dtype=mx.float32) / width)
    factors = layer.self_attn.rope._freqs.astype(mx.float32) / plain
    return dict.fromkeys(names[kind], factors)


def _original_length(args: Any) -> int:
    """How long texts were before they were stretched; mlx-lm's Phi-3 takes it from outside the scaling."""
    outside = getattr(args, "original_max_position_embeddings", None)
    return int(outside or args.rope_scaling["original_max_position_embeddings"])


def _longrope_strength(args: Any) -> float:
    """What LongRoPE multiplies queries and keys by."""
    original = _original_length(args)
    stretch = args.max_position_embeddings / original
    return math.sqrt(1 + math.log(stretch) / math.log(original)) if stretch > 1 else 1.0
