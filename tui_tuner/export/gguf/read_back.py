"""What can be proved of a GGUF file without llama.cpp: it is read back and compared with the model it was made of.

Each number may differ by what rounding it once brings, and by no more. Runs on the engine's thread.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui_tuner import figures
from tui_tuner.export.gguf.families import Family, family_of, text_model
from tui_tuner.export.gguf.metadata import Value
from tui_tuner.export.gguf.tensors import BLOCK, PIECE, dense_weights, file_name
from tui_tuner.export.proof_rows import ProofRow
from tui_tuner.language import _
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Emit, Pace, StopToken

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

NAMED = 3  # of what differs, so many are named
# Half of the last bit, as a share of the number itself, and the smallest step there is.
ROUNDING = {"F32": (0.0, 0.0), "F16": (2.0**-11, 2.0**-25), "BF16": (2.0**-8, 0.0)}
BLOCK_ROUNDING = 0.5 / 127 + 2.0**-11  # q8_0: half a step of the largest number in the block, and its scale's rounding


@dataclass(frozen=True)
class ReadBack:
    """What was found.

    Attributes:
        tensors: how many were compared.
        largest: difference of two numbers.
        allowed: what rounding allows where that difference was found.
        wrong_tensors: names of those that differ by more, are missing, or are not known.
        keys: how many facts (sizes, vocabulary, special tokens, template) were compared.
        wrong_keys: those that differ.
    """

    tensors: int
    largest: float
    allowed: float
    wrong_tensors: tuple[str, ...]
    keys: int
    wrong_keys: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether everything is the same, but for the rounding."""
        return not self.wrong_tensors and not self.wrong_keys


def read_back(
    path: Path, model: Path, metadata: dict[str, Value], *, trust_remote_code: bool, emit: Emit, stop: StopToken
) -> ReadBack:
    """Compare the file at `path` with the model in the folder `model`.

    Args:
        path: the file.
        model: what it was made of; its weights are read again.
        metadata: what the file shall say of it, but for the weights.
        trust_remote_code: run Python code that comes with the model.
        emit: hears how far it is.
        stop: asked before each tensor.

    Raises:
        Stopped: asked to.
    """
    from gguf import GGUFReader

    from tui_tuner.models.loading import read_modules

    reader: Any = GGUFReader(path)
    module = text_model(read_modules(model, trust_remote_code=trust_remote_code)[0])
    family = family_of(module, model)
    weights = dense_weights(module)
    pace = Pace(_("Read the GGUF file back"), len(weights), _("tensors"), emit)
    found = {tensor.name: tensor for tensor in reader.tensors}
    largest, allowed, wrong = 0.0, 0.0, []
    for name in list(weights):
        stop.check()
        there, weight = found.pop(file_name(name, family) or "", None), weights.pop(name)
        difference, bound = _difference(there, weight, name, family, module.args) if there is not None else (1.0, 0.0)
        if not difference <= bound:  # a NaN too
            wrong.append(name)
        if not difference <= largest:
            largest, allowed = difference, bound
        pace.advance(detail=name)
    pace.finish()
    known = {"rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight"}
    wrong += [name for name in found if name not in known]
    keys = tuple(key for key, value in metadata.items() if not _says(reader, key, value))
    return ReadBack(len(reader.tensors), largest, allowed, tuple(wrong), len(metadata), keys)


def _says(reader: Any, key: str, wanted: Value) -> bool:
    field = reader.get_field(key)
    found = None if field is None else field.contents()
    return bool(_single(found) == _single(wanted))


def _single(value: Any) -> Any:
    """Broken numbers as float32 has them."""
    import numpy

    if isinstance(value, list):
        return [_single(item) for item in value]
    return float(numpy.float32(value)) if isinstance(value, float) else value


def _difference(tensor: Any, weight: Any, name: str, family: Family, args: Any) -> tuple[float, float]:
    """The largest difference of a tensor in the file from the model's weight, and what is allowed there.

    Returns:
        Infinity and 0 for another shape.
    """
    if tuple(int(size) for size in reversed(tensor.shape)) != tuple(weight.shape):
        return float("inf"), 0.0
    heads = 0
    if family.permuted and ".q_proj" in name:
        heads = args.num_attention_heads
    if family.permuted and ".k_proj" in name:
        heads = args.num_key_value_heads
    one = 1.0 if family.norms_from_one and "norm" in name else 0.0
    worst, allowed = 0.0, 0.0
    for wanted, found in _pieces(weight, tensor, heads):
        difference = abs(found - (wanted + one))
        excess = difference - _rounding(wanted + one, tensor.tensor_type.name)
        place = int(excess.argmax())
        if not float(excess.flat[place]) <= 0:
            return float(difference.flat[place]), 0.0
        place = int(difference.argmax())
        if float(difference.flat[place]) >= worst:
            worst = float(difference.flat[place])
            allowed = float(_rounding(wanted + one, tensor.tensor_type.name).flat[place])
    return worst, allowed


def _pieces(weight: Any, tensor: Any, heads: int) -> Iterator[tuple[Array, Array]]:
    """Rows of the model and of the file, a few at a time, in the order of the model; float32.

    Args:
        weight: of the model.
        tensor: of the file.
        heads: of those a permuted projection has; 0 for one that is not.
    """
    import mlx.core as mx
    import numpy
    from gguf.quants import dequantize

    rows = weight.reshape(weight.shape[0], -1) if weight.ndim > 1 or heads else weight.reshape(1, -1)
    stored = tensor.data.reshape(rows.shape[0], -1)
    order = numpy.arange(rows.shape[0])
    if heads:
        # Undone another way than it was done: even rows of a head are its first half, odd ones its second.
        order = numpy.concatenate([numpy.r_[head[0::2], head[1::2]] for head in numpy.split(order, heads)])
    mx.eval(rows)
    step = max(1, PIECE // rows.shape[1])
    for start in range(0, rows.shape[0], step):
        found = dequantize(stored[order[start : start + step]], tensor.tensor_type)
        yield numpy.array(rows[start : start + step].astype(mx.float32)), found.astype(numpy.float32)


def _rounding(wanted: Array, kind: str) -> Array:
    """How far each number may be off."""
    import numpy

    if kind == "Q8_0":
        largest = abs(wanted).reshape(wanted.shape[0], -1, BLOCK).max(axis=-1)
        return numpy.repeat(largest * BLOCK_ROUNDING + 2.0**-24, BLOCK, axis=-1)
    share, step = ROUNDING[kind]
    return abs(wanted) * share + step


def read_back_rows(found: ReadBack, metadata: dict[str, Value], weight_type: str) -> Iterator[ProofRow]:
    """What reading back has shown."""
    if found.wrong_tensors:
        finding = _("{names} are not the model's", names=_named(found.wrong_tensors))
    else:
        finding = _("{count} tensors, {difference}", count=figures.count(found.tensors), difference=_largest(found))
    meaning = _("The file is damaged, or was written wrongly.")
    name = _("weights in {type}", type=weight_type)
    yield ProofRow.of(name, not found.wrong_tensors, finding, meaning)
    tokens = metadata.get("tokenizer.ggml.tokens")
    count = figures.count(len(tokens) if isinstance(tokens, list) else 0)
    finding = _("{keys} entries, {count} tokens among them, all the same", keys=found.keys, count=count)
    if found.wrong_keys:
        finding = _("{names} are not as they were written", names=_named(found.wrong_keys))
    yield ProofRow.of(_("words, template"), not found.wrong_keys, finding, meaning)


def _largest(found: ReadBack) -> str:
    if found.largest == 0:
        return _("all the same")
    numbers = {"largest": f"{found.largest:.2g}", "allowed": f"{found.allowed:.2g}"}
    return _("off by {largest} at most; rounding allows {allowed}", **numbers)


def _named(names: tuple[str, ...]) -> str:
    shown = ", ".join(one_line(name, 60) for name in names[:NAMED])
    return shown + _(" and {number} more", number=len(names) - NAMED) if len(names) > NAMED else shown
