"""How large a fused model will be, known from the headers of the base's weights before anything is loaded."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui_tuner import figures
from tui_tuner.choices import ExportChoice
from tui_tuner.files import storage_errors
from tui_tuner.language import _
from tui_tuner.models.quantizing import GROUP_SIZE, is_quantized
from tui_tuner.models.weight_headers import BYTES, Weight, read_headers

HALF = 2  # bytes; mlx gives weights whose scales are bytes (mxfp4) as bfloat16


@dataclass(frozen=True)
class FusedSize:
    """What a fused model will take.

    Attributes:
        size: bytes of its weights; a few too many where it is squeezed, for not every layer can be.
        base: bytes of the base's weights.
        free: bytes free where it goes.
        raised: whether a quantized base is written in full precision.
    """

    size: int
    base: int
    free: int
    raised: bool

    def in_words(self) -> str:
        """For a person, before it is begun."""
        words = {"size": figures.size(self.size), "free": figures.size(self.free), "base": figures.size(self.base)}
        if self.raised:
            return _("{size} in full precision (the base has {base}); {free} are free", **words)
        return _("{size}; {free} are free", **words)


def fused_size(model: Path, target: Path, choice: ExportChoice) -> FusedSize:
    """The size of the model in `model`, fused into `target` as chosen.

    Raises:
        ModelError: the base's files are damaged.
        StorageError: they cannot be read.
    """
    weights = read_headers(model)
    stored = sum(weight.bytes for weight in weights.values())
    raised = is_quantized(model) and (choice.dequantize or choice.bits > 0)
    plain = _raised(weights, _group_size(model)) if raised else weights
    size = sum(_squeezed(weight, choice.bits) if choice.bits else weight.bytes for weight in plain.values())
    place = next(folder for folder in (target, *target.parents) if folder.exists())
    with storage_errors(place):
        free = shutil.disk_usage(place).free
    return FusedSize(size, stored, free, raised and not choice.bits)


def _group_size(model: Path) -> int:
    with storage_errors(model):
        config: Any = json.loads((model / "config.json").read_bytes())
    table = config.get("quantization") or config.get("quantization_config") or {}
    return int(table.get("group_size", GROUP_SIZE))


def _raised(weights: dict[str, Weight], group_size: int) -> dict[str, Weight]:
    """The weights with every quantized one in the type of its scales."""
    plain = {}
    for name, weight in weights.items():
        stem, _dot, kind = name.rpartition(".")
        scales = weights.get(f"{stem}.scales")
        if scales is None:
            plain[name] = weight
        elif kind == "weight":
            dtype = scales.dtype if scales.floating else "BF16"
            plain[name] = Weight(dtype, (*scales.shape[:-1], scales.shape[-1] * group_size))
    return plain


def _squeezed(weight: Weight, bits: int) -> int:
    """Bytes of a weight after squeezing, with a scale and an offset for each group; vectors stay as they are."""
    if len(weight.shape) < 2 or not weight.floating or weight.shape[-1] % GROUP_SIZE:
        return weight.bytes
    return weight.numbers * bits // 8 + 2 * (weight.numbers // GROUP_SIZE) * BYTES.get(weight.dtype, HALF)
