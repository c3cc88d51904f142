"""What safetensors files say of their weights: names, types and shapes, read from their first kilobytes alone.

The format: eight bytes, little-endian, give the length of a JSON object that follows, in which each weight has its
`dtype`, `shape` and `data_offsets`; the data come after it.
"""

from __future__ import annotations

import json
import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui_tuner.errors import ModelError
from tui_tuner.files import storage_errors
from tui_tuner.language import _

LARGEST_HEADER = 100_000_000  # bytes; the format's own limit
BYTES = {
    **dict.fromkeys(("F64", "I64", "U64"), 8),
    **dict.fromkeys(("F32", "I32", "U32"), 4),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 2),
    **dict.fromkeys(("I8", "U8", "BOOL", "F8_E4M3", "F8_E5M2", "F8_E8M0"), 1),
}


@dataclass(frozen=True)
class Weight:
    """One weight as it is stored.

    Attributes:
        dtype: its type in the format's words, such as BF16.
        shape: its sizes.
    """

    dtype: str
    shape: tuple[int, ...]

    @property
    def numbers(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """How many bytes they take as they are stored."""
        return self.numbers * BYTES.get(self.dtype, 4)

    @property
    def floating(self) -> bool:
        """Whether they are floating-point numbers."""
        return self.dtype.startswith(("F", "BF"))


def read_headers(folder: Path) -> dict[str, Weight]:
    """Every weight of the model in `folder` by name; of the files mlx-lm reads.

    Raises:
        ModelError: a file is damaged, or there are none.
        StorageError: a file cannot be read.
    """
    weights: dict[str, Weight] = {}
    for path in sorted(folder.glob("model*.safetensors")):
        for name, facts in _header(path).items():
            if name != "__metadata__":
                weights[name] = Weight(str(facts["dtype"]), tuple(map(int, facts["shape"])))
    if not weights:
        raise ModelError(
            _("there are no weights here (model*.safetensors)"),
            where=str(folder),
            advice=_("Fetch the base model in the Environment step, or with: tuner check --fix base_model"),
        )
    return weights


def _header(path: Path) -> dict[str, Any]:
    with storage_errors(path), path.open("rb") as file:
        start = file.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        content = file.read(length) if length <= LARGEST_HEADER else b""
    try:
        header = json.loads(content)
        # A weight without them, or with other ones, is as damaged as no JSON at all.
        complete = all({"dtype", "shape"} <= facts.keys() for name, facts in header.items() if name != "__metadata__")
    except (ValueError, AttributeError):
        complete = False
    if not complete:
        raise ModelError(
            _("this is no safetensors file, or a damaged one"),
            where=str(path),
            advice=_("Fetch the model again, or choose another one."),
        )
    return dict(header)
