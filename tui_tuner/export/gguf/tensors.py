"""The weights of a model as llama.cpp wants them: named, ordered, in their type. Runs on the engine's thread."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from tui_tuner.errors import ExportError
from tui_tuner.export.gguf.families import OUTER, Family, cannot_write
from tui_tuner.export.gguf.rotary import factor_tensors
from tui_tuner.export.weights import is_quantized
from tui_tuner.language import _
from tui_tuner.models.writing import flat_weights

if TYPE_CHECKING:
    import numpy

WeightType = Literal["f32", "f16", "bf16", "q8_0"]
BLOCK = 32  # weights that share a scale in q8_0
BLOCK_BYTES = 34
PIECE = 1 << 23  # numbers converted at a time
BYTES = {"f32": 4, "f16": 2, "bf16": 2}


def weight_type_of(name: str) -> WeightType:
    """The type that is called so, one of `choices.GGUF_TYPES`."""
    return cast(WeightType, name)


@dataclass
class Tensor:
    """One tensor of the file.

    Attributes:
        name: llama.cpp's.
        weight: its values, an array of MLX not computed yet.
        weight_type: as it is stored: matrices as was asked for, everything else as f32.
    """

    name: str
    weight: Any
    weight_type: WeightType

    @property
    def shape(self) -> tuple[int, ...]:
        """Its sizes, (outputs, inputs) for a matrix."""
        return tuple(self.weight.shape)

    @property
    def bytes(self) -> int:
        """How many bytes it takes in the file."""
        numbers = int(self.weight.size)
        return numbers // BLOCK * BLOCK_BYTES if self.weight_type == "q8_0" else numbers * BYTES[self.weight_type]


def tensors_of(model: Any, family: Family, weight_type: WeightType, folder: Path) -> list[Tensor]:
    """Every tensor of `model`, not computed yet.

    Args:
        model: the module, as `families.text_model` gives it.
        family: its own.
        weight_type: what matrices are stored as.
        folder: where it was read from, for the error.

    Raises:
        ExportError: a weight that models of this family do not have.
    """
    tensors = []
    for name, weight in dense_weights(model).items():
        stored = file_name(name, family)
        if stored is None:
            raise cannot_write(_("the weight {name} is not known in models of this kind", name=name), folder)
        tensors.append(_tensor(stored, _shaped(weight, stored, family, model.args), weight_type))
    tensors += [_tensor(name, weight, weight_type) for name, weight in factor_tensors(model, family).items()]
    return tensors


def dense_weights(model: Any) -> dict[str, Any]:
    """The weights of `model` by name, not computed yet.

    Quantized ones are multiplied out in float32, so that they are rounded once.
    """
    import mlx.core as mx

    weights = flat_weights(model)
    for name, module in model.named_modules():
        if is_quantized(module):
            scales, biases = weights.pop(f"{name}.scales"), weights.pop(f"{name}.biases", None)
            if mx.issubdtype(scales.dtype, mx.floating):
                scales = scales.astype(mx.float32)
                biases = None if biases is None else biases.astype(mx.float32)
            packed = weights[f"{name}.weight"]
            weights[f"{name}.weight"] = mx.dequantize(
                packed, scales, biases, group_size=module.group_size, bits=module.bits, mode=module.mode
            )
    return weights


def file_name(name: str, family: Family) -> str | None:
    """`model.layers.3.self_attn.q_proj.weight` -> `blk.3.attn_q.weight`; None for a part that is not known."""
    path, _dot, kind = name.rpartition(".")
    if path in OUTER:
        return f"{OUTER[path]}.{kind}"
    pieces = path.split(".", 3)
    if pieces[:2] != ["model", "layers"] or len(pieces) < 4 or pieces[3] not in family.parts:
        return None
    return f"blk.{pieces[2]}.{family.parts[pieces[3]]}.{kind}"


def _shaped(weight: Any, name: str, family: Family, args: Any) -> Any:
    part = name.split(".")[-2]
    if family.permuted and part in ("attn_q", "attn_k"):
        return interleave(weight, args.num_attention_heads if part == "attn_q" else args.num_key_value_heads)
    if family.norms_from_one and part.endswith("_norm"):
        import mlx.core as mx

        return weight.astype(mx.float32) + 1.0
    return weight


def interleave(weight: Any, heads: int) -> Any:
    """The rows of each head, its two halves shuffled into one another: 0, n/2, 1, n/2 + 1, ...

    Args:
        weight: (heads * head width, inputs), or (heads * head width,) for a bias.
        heads: of queries or of keys, as the weight has them.
    """
    shape = weight.shape
    return weight.reshape(heads, 2, shape[0] // heads // 2, *shape[1:]).swapaxes(1, 2).reshape(shape)


def _tensor(name: str, weight: Any, weight_type: WeightType) -> Tensor:
    if weight.ndim < 2:
        return Tensor(name, weight, "f32")
    if weight_type == "q8_0" and weight.shape[-1] % BLOCK:
        return Tensor(name, weight, "f16")  # too narrow for blocks; llama.cpp's own tools do the same
    return Tensor(name, weight, weight_type)


def encode(tensor: Tensor) -> numpy.ndarray[Any, Any]:
    """Compute `tensor` and convert it, a few rows at a time; returns its bytes, shape (bytes,).

    Raises:
        ExportError: a number too large for f16.
    """
    import mlx.core as mx
    import numpy

    mx.eval(tensor.weight)
    rows = tensor.weight.reshape(-1, tensor.shape[-1])
    step = max(1, PIECE // rows.shape[1])
    encoded = numpy.empty(tensor.bytes, numpy.uint8)
    place = 0
    for start in range(0, rows.shape[0], step):
        piece = _encode_rows(rows[start : start + step], tensor)
        encoded[place : place + piece.nbytes] = piece.reshape(-1).view(numpy.uint8)
        place += piece.nbytes
    return encoded


def _encode_rows(rows: Any, tensor: Tensor) -> numpy.ndarray[Any, Any]:
    import mlx.core as mx
    import numpy

    if tensor.weight_type == "bf16":  # numpy has no such type
        return numpy.array(rows.astype(mx.bfloat16).view(mx.uint16))
    single = numpy.array(rows.astype(mx.float32))
    if tensor.weight_type == "f32":
        return single
    if tensor.weight_type == "f16":
        with numpy.errstate(over="ignore"):
            half = single.astype(numpy.float16)
        if not numpy.isfinite(half).all() and numpy.isfinite(single).all():
            raise ExportError(
                _("{name} has numbers too large for f16", name=tensor.name),
                advice=_("Choose bf16, which has the range of f32."),
            )
        return half
    from gguf import GGMLQuantizationType
    from gguf.quants import quantize

    quantized: numpy.ndarray[Any, Any] = quantize(single, GGMLQuantizationType.Q8_0)
    return quantized
