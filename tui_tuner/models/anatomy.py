"""A model's parts and their sizes, known from its configuration and the headers of its weights, before it is loaded."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui_tuner.errors import ModelError
from tui_tuner.files import storage_errors
from tui_tuner.language import _
from tui_tuner.models.quantizing import GROUP_SIZE
from tui_tuner.models.weight_headers import Weight, read_headers

# `model.layers.7.self_attn.q_proj`: some models say `h` or `blocks`.
IN_LAYER = re.compile(r"(?:^|\.)(?:layers|h|blocks)\.(\d+)\.(.+)$")
# What mlx-lm leaves out of models that also see.
LEFT_OUT = re.compile(r"(?:^|\.)(?:vision_tower|vision_model|visual|multi_modal_projector|audio_tower)\.")
EMBEDDINGS = ("embed_tokens", "wte", "tok_embeddings", "embed_in", "word_embeddings")
WORD = 32  # bits of the numbers that quantized weights are packed into
DEFAULT_BITS = 4
HALF, SINGLE = 2, 4  # bytes of a floating-point number


@dataclass(frozen=True)
class Linear:
    """A matrix of a layer.

    Attributes:
        path: its place in the layer, such as `self_attn.q_proj`.
        inputs: how many numbers go in.
        outputs: how many come out.
        experts: how many of them there are side by side; 1 where it is an ordinary one.
        quantized: whether its weight is stored in few bits.
    """

    path: str
    inputs: int
    outputs: int
    experts: int = 1
    quantized: bool = False

    @property
    def numbers(self) -> int:
        """How many numbers its weight stands for."""
        return self.inputs * self.outputs * self.experts


@dataclass(frozen=True)
class Anatomy:
    """What a model is made of.

    Attributes:
        stored: bytes of its weights on the disk.
        floating: of these, those of floating-point numbers in half precision.
        parameters: numbers, quantized ones counted as what they stand for.
        hidden: width of the hidden states.
        inner: width inside a layer's feed-forward part, of all experts that a token visits.
        heads: of attention.
        key_heads: of them with keys and values of their own.
        head_width: numbers of a head.
        vocabulary: how many tokens it knows.
        half: whether its floating-point numbers are stored in half precision.
        layers: the matrices of each layer.
    """

    stored: int
    floating: int
    parameters: int
    hidden: int
    inner: int
    heads: int
    key_heads: int
    head_width: int
    vocabulary: int
    half: bool
    layers: tuple[tuple[Linear, ...], ...]

    @property
    def quantized(self) -> bool:
        """Whether any of its matrices is stored in few bits."""
        return any(linear.quantized for layer in self.layers for linear in layer)

    def squeezed(self, bits: int) -> Anatomy:
        """The model with `bits` bits per weight, as `models.quantizing` makes it; as it is where it has few already.

        What is beside the layers is counted as embeddings, which are squeezed too; the rest is too little to count.
        """
        if not bits or self.quantized:
            return self
        layers = tuple(
            tuple(dataclasses.replace(one, quantized=one.inputs % GROUP_SIZE == 0) for one in layer)
            for layer in self.layers
        )
        whole = sum(one.numbers for layer in layers for one in layer if not one.quantized)
        squeezed = self.parameters - whole
        scales = 2 * squeezed // GROUP_SIZE * (HALF if self.half else SINGLE)
        kept = whole * (HALF if self.half else SINGLE) + scales
        stored = squeezed * bits // 8 + kept
        return dataclasses.replace(self, stored=stored, floating=kept if self.half else 0, layers=layers)

    def trained(self, num_layers: int) -> tuple[tuple[Linear, ...], ...]:
        """The last `num_layers` layers; all of them where it is not positive or more than there are."""
        return self.layers[-num_layers:] if 0 < num_layers < len(self.layers) else self.layers

    def in_memory(self, *, single: bool) -> int:
        """Bytes of its weights once loaded; `single` says whether half precision becomes single, as on a CPU."""
        return self.stored + (self.floating if single else 0)


def read_anatomy(folder: Path) -> Anatomy:
    """The anatomy of the model in `folder`.

    Raises:
        ModelError: no model is there, a file is damaged, or it is of a kind whose layers cannot be told.
        StorageError: a file cannot be read.
    """
    config = _read_config(folder)
    weights = {name: weight for name, weight in read_headers(folder).items() if not LEFT_OUT.search(name)}
    nested = config.get("text_config")
    text: Mapping[str, Any] = nested if isinstance(nested, dict) else config
    layers = _layers(weights, config)
    if not layers:
        raise _unknown(folder)
    widest = max(linear.inputs for linear in layers[-1])
    hidden = _whole(text, "hidden_size", "n_embd", "d_model", "dim") or widest
    heads = _whole(text, "num_attention_heads", "n_head", "n_heads") or max(hidden // 64, 1)
    floating = [weight for weight in weights.values() if weight.dtype in ("F16", "BF16")]
    embedding = next((name for name in weights if _is_named(name, EMBEDDINGS)), None)
    return Anatomy(
        stored=sum(weight.bytes for weight in weights.values()),
        floating=sum(weight.bytes for weight in floating),
        parameters=_parameters(weights, config),
        hidden=hidden,
        inner=_inner(text, layers[-1], hidden),
        heads=heads,
        key_heads=_whole(text, "num_key_value_heads") or heads,
        head_width=_whole(text, "head_dim") or hidden // heads,
        vocabulary=_whole(text, "vocab_size") or (weights[embedding].shape[0] if embedding else 0),
        half=bool(floating),
        layers=layers,
    )


def _read_config(folder: Path) -> dict[str, Any]:
    with storage_errors(folder):
        content = (folder / "config.json").read_bytes()
    try:
        config = json.loads(content)
    except ValueError:
        config = None
    if not isinstance(config, dict):
        raise ModelError(
            _("its config.json is damaged"),
            where=str(folder),
            advice=_("Fetch the model again, or choose another one."),
        )
    return config


def _layers(weights: Mapping[str, Weight], config: Mapping[str, Any]) -> tuple[tuple[Linear, ...], ...]:
    found: dict[int, list[Linear]] = {}
    for name, weight in weights.items():
        if not name.endswith(".weight") or len(weight.shape) not in (2, 3):
            continue
        inside = IN_LAYER.search(name.removesuffix(".weight"))
        if inside is None:
            continue
        quantized = f"{name.removesuffix('.weight')}.scales" in weights
        inputs = (
            weight.shape[-1] * WORD // _bits(config, name.removesuffix(".weight")) if quantized else weight.shape[-1]
        )
        experts = weight.shape[0] if len(weight.shape) == 3 else 1
        linear = Linear(inside[2], inputs, weight.shape[-2], experts, quantized)
        found.setdefault(int(inside[1]), []).append(linear)
    return tuple(tuple(found[number]) for number in sorted(found))


def _bits(config: Mapping[str, Any], path: str) -> int:
    """Bits per weight of the module at `path`."""
    quantization = config.get("quantization") or config.get("quantization_config") or {}
    own = quantization.get(path)
    bits = (own if isinstance(own, dict) else quantization).get("bits")
    return bits if isinstance(bits, int) and bits > 0 else DEFAULT_BITS


def _parameters(weights: Mapping[str, Weight], config: Mapping[str, Any]) -> int:
    total = 0
    for name, weight in weights.items():
        base, _dot, kind = name.rpartition(".")
        if f"{base}.scales" not in weights:
            total += weight.numbers
        elif kind == "weight":
            total += weight.numbers * WORD // _bits(config, base)
    return total


def _inner(config: Mapping[str, Any], layer: Iterable[Linear], hidden: int) -> int:
    per_expert = _whole(config, "moe_intermediate_size")
    visited = _whole(config, "num_experts_per_tok")
    plain = _whole(config, "intermediate_size", "n_inner", "ffn_dim", "hidden_dim")
    if per_expert and visited:
        shared = _whole(config, "shared_expert_intermediate_size")
        return per_expert * visited + shared
    if plain and visited and any(linear.experts > 1 or ".experts." in linear.path for linear in layer):
        return plain * visited
    return plain or max((linear.outputs for linear in layer), default=4 * hidden)


def _is_named(name: str, names: tuple[str, ...]) -> bool:
    return name.endswith(".weight") and name.removesuffix(".weight").rpartition(".")[2] in names


def _whole(config: Mapping[str, Any], *names: str) -> int:
    """The first of `names` that is a whole number; 0 where none is."""
    values = (config.get(name) for name in names)
    return next((value for value in values if isinstance(value, int) and not isinstance(value, bool)), 0)


def _unknown(folder: Path) -> ModelError:
    return ModelError(
        _("its layers cannot be told from the names of its weights"),
        where=str(folder),
        advice=_("Its memory cannot be estimated; training may work all the same."),
    )
