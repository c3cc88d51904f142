"""Which models can be written as GGUF, and what llama.cpp calls their parts.

What a model is, is asked of the module MLX computes with, not of `config.json`: two names there may be one model
(mistral is llama), and values that are left out have their defaults in it.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui_tuner.errors import ExportError
from tui_tuner.language import _
from tui_tuner.plain_text import one_line

OUTER = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
SELF_ATTENTION = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
}
FEED_FORWARD = {"mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}
NORMS = {"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm"}
HEAD_NORMS = {"self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm"}
PLAIN = {**SELF_ATTENTION, **FEED_FORWARD, **NORMS}


@dataclass(frozen=True)
class Family:
    """One architecture of llama.cpp.

    Attributes:
        architecture: its name there.
        parts: of a layer: mlx-lm's name -> llama.cpp's.
        permuted: whether the rows of the query and key projections are interleaved, because llama.cpp rotates
            neighbours of a head where MLX rotates its halves.
        norms_from_one: whether MLX adds 1 to the weight of a norm, and llama.cpp expects it added.
    """

    architecture: str
    parts: dict[str, str]
    permuted: bool = False
    norms_from_one: bool = False


GEMMA_NORMS = {
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "post_attention_norm",
    "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm",
}
PHI_PARTS = {
    "self_attn.qkv_proj": "attn_qkv",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    **NORMS,
}
# By the name of mlx-lm's module. Llama is Llama 1 to 3, Mistral and SmolLM 1 and 2 as well.
FAMILIES = {
    "llama": Family("llama", PLAIN, permuted=True),
    "smollm3": Family("smollm3", PLAIN, permuted=True),
    "qwen2": Family("qwen2", PLAIN),
    "qwen3": Family("qwen3", {**PLAIN, **HEAD_NORMS}),
    "gemma3_text": Family(
        "gemma3", {**SELF_ATTENTION, **FEED_FORWARD, **GEMMA_NORMS, **HEAD_NORMS}, norms_from_one=True
    ),
    "phi3": Family("phi3", PHI_PARTS),
}
KNOWN = "Llama, Mistral, SmolLM, Qwen 2, Qwen 3, Gemma 3, Phi-3"


def text_model(model: Any) -> Any:
    """The part of `model` that reads and writes text: itself, or what stands beside the eyes of a model that sees."""
    return model.get("language_model", model)


def family_of(model: Any, folder: Path) -> Family:
    """The family of `model`, a module of mlx-lm's as `text_model` gives it.

    Args:
        model: the module.
        folder: where it was read from, for the error.

    Raises:
        ExportError: a family that is not known, or a member of one that differs from what llama.cpp computes.
    """
    package, _dot, name = type(model).__module__.rpartition(".")
    family = FAMILIES.get(name) if package == "mlx_lm.models" else None
    if family is None:
        what = _(
            "models of the kind {kind} cannot be written as GGUF here; these can: {known}",
            kind=one_line(name, 40),
            known=KNOWN,
        )
        raise cannot_write(what, folder)
    if reason := _difference(family, model.args):
        raise cannot_write(reason, folder)
    return family


def _difference(family: Family, args: Any) -> str:
    """Why llama.cpp would compute something else than MLX; empty where it does not."""
    if getattr(args, "rope_traditional", False):
        return _("this model rotates its heads in another way than llama.cpp's of this kind")
    if family.architecture == "llama" and "sliding_attention" in (args.layer_types or []):
        return _("layers that look at a window alone are not known to llama.cpp in models of this kind")
    if family.architecture == "smollm3":
        wanted = [int((number + 1) % 4 != 0) for number in range(args.num_hidden_layers)]
        if list(args.no_rope_layers) != wanted:
            return _("llama.cpp rotates other layers of this kind of model than this one does")
    if family.architecture == "gemma3":
        return _difference_of_gemma(args)
    return ""


def _difference_of_gemma(args: Any) -> str:
    # llama.cpp knows these by heart: the scale of the attention from the number of layers, 62 being the 27B model.
    scaled = args.hidden_size // args.num_attention_heads if args.num_hidden_layers == 62 else args.head_dim
    if scaled != args.query_pre_attn_scalar or args.sliding_window_pattern != 6 or args.rope_local_base_freq != 10000:
        return _("this model differs from the Gemma 3 models that llama.cpp knows")
    return ""


def cannot_write(what: str, folder: Path) -> ExportError:
    """The error that says `what`, and shows the way that is left: llama.cpp's own converter."""
    return ExportError(what, where=str(folder), advice=_("Try llama.cpp's own: {command}", command=converter(folder)))


def converter(folder: Path) -> str:
    """The command of llama.cpp's converter for the model in `folder`, to be copied into a shell."""
    return f"python convert_hf_to_gguf.py {shlex.quote(str(folder))} --outtype f16"
