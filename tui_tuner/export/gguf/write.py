"""A model as one GGUF file: written tensor by tensor, proved, put in place. Runs on the engine's thread.

In memory there is never more than one tensor of it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui_tuner import figures
from tui_tuner.errors import ExportError, StorageError
from tui_tuner.export.gguf.families import converter, family_of, text_model
from tui_tuner.export.gguf.llama_proof import llama_rows
from tui_tuner.export.gguf.llama_reading import Written
from tui_tuner.export.gguf.metadata import Value, general, hyperparameters, shown_name
from tui_tuner.export.gguf.read_back import read_back, read_back_rows
from tui_tuner.export.gguf.special_tokens import special_metadata
from tui_tuner.export.gguf.tensors import Tensor, WeightType, encode, tensors_of
from tui_tuner.export.gguf.vocabulary import read_vocabulary
from tui_tuner.export.proof_rows import Proof, ProofRow, keep_proof
from tui_tuner.files import free_space, new_folder, remove_leftovers, storage_errors
from tui_tuner.language import _
from tui_tuner.models.model_files import read_provenance, write_provenance
from tui_tuner.progress import Emit, Pace, StopToken

MEGABYTE = 1_000_000
ROOM = 64 * MEGABYTE  # for the vocabulary, and so that the disk is not left without a byte


@dataclass(frozen=True)
class GgufPlan:
    """Everything a GGUF export depends on.

    Attributes:
        model: the folder of the model to be written, a fused one.
        target: the folder to be made, with the file in it; an earlier one is replaced when the new one is proved.
        weight_type: what the matrices are stored as.
        name: the model's, as other programs show it.
        trust_remote_code: run Python code that comes with the model.
    """

    model: Path
    target: Path
    weight_type: WeightType
    name: str
    trust_remote_code: bool = False


@dataclass(frozen=True)
class GgufModel:
    """The file that was made.

    Attributes:
        path: of the file.
        size: in bytes.
        architecture: llama.cpp's name for the kind of model.
        proof: that it is the model it was made of.
    """

    path: Path
    size: int
    architecture: str
    proof: Proof


@dataclass(frozen=True)
class Contents:
    """What goes into a file.

    Attributes:
        architecture: llama.cpp's name for the kind of model.
        metadata: by key.
        tensors: in their order, not computed yet.
    """

    architecture: str
    metadata: dict[str, Value]
    tensors: list[Tensor]

    @property
    def bytes(self) -> int:
        """How many bytes the tensors take."""
        return sum(tensor.bytes for tensor in self.tensors)


def write_gguf(plan: GgufPlan, *, emit: Emit, stop: StopToken) -> GgufModel:
    """Make the file and put it in place.

    Raises:
        StorageError: not enough disk space, known before anything is written, or the folder is not writable.
        ModelError: the model cannot be loaded.
        ExportError: a kind of model or tokenizer that cannot be written, or the file is not the model.
        Stopped: asked to; an earlier file in the same place is as it was.
    """
    remove_leftovers(plan.target)
    stop.check()
    contents = contents_of(plan)
    _require_room(plan.target, contents.bytes)
    with new_folder(plan.target) as folder:
        path = folder / f"{plan.target.name}.gguf"
        write_contents(path, contents, emit=emit, stop=stop)
        proof = Proof.of(f"GGUF {plan.target.name}", _rows(plan, path, contents.metadata, emit, stop))
        emit(proof)
        if read_provenance(plan.model):  # its proofs lie with the fused model as well, where all of them are shown
            keep_proof(plan.model, proof)
        if not proof.passed:
            raise ExportError(
                _("the GGUF file is not the model it was made of: {detail}", detail=proof.detail),
                where=str(plan.model),
                advice=_("Nothing was kept. llama.cpp's own way: {command}", command=converter(plan.model)),
            )
        size = path.stat().st_size
        write_provenance(folder, {"model": plan.name, "made_of": str(plan.model), "weight_type": plan.weight_type})
        keep_proof(folder, proof)
    return GgufModel(plan.target / path.name, size, contents.architecture, proof)


def _rows(plan: GgufPlan, path: Path, metadata: dict[str, Value], emit: Emit, stop: StopToken) -> list[ProofRow]:
    """Everything that can be proved here of the file at `path`."""
    trust = plan.trust_remote_code
    found = read_back(path, plan.model, metadata, trust_remote_code=trust, emit=emit, stop=stop)
    rows = list(read_back_rows(found, metadata, plan.weight_type))
    if found.passed:
        work = path.parent / ".proof"
        work.mkdir()
        rows += llama_rows(Written(path, plan.model, plan.weight_type, work, trust), emit=emit, stop=stop)
        shutil.rmtree(work)
    return rows


def contents_of(plan: GgufPlan) -> Contents:
    """What the file will hold; the weights are not read yet.

    Raises:
        ModelError: the model cannot be loaded.
        ExportError: a kind of model or tokenizer that cannot be written.
    """
    from tui_tuner.models.loading import read_modules, read_tokenizer

    module, config = read_modules(plan.model, trust_remote_code=plan.trust_remote_code)
    model = text_model(module)
    family = family_of(model, plan.model)
    tokenizer = read_tokenizer(plan.model, config, plan.trust_remote_code)
    vocabulary = read_vocabulary(tokenizer, model.args.vocab_size, plan.model)
    metadata = {
        **general(shown_name(plan.name, vocabulary.swallowing), family, plan.weight_type),
        **hyperparameters(model.args, family, plan.model),
        **vocabulary.metadata(),
        **special_metadata(tokenizer, vocabulary),
    }
    return Contents(family.architecture, metadata, tensors_of(model, family, plan.weight_type, plan.model))


def _require_room(target: Path, size: int) -> None:
    free, place = free_space(target)
    missing = size + ROOM - free
    if missing > 0:
        raise StorageError(
            _(
                "not enough disk space: the GGUF file takes {size}, and {missing} more are needed",
                size=figures.size(size),
                missing=figures.size(missing),
            ),
            where=str(place),
            advice=_("Free some space, or choose a smaller type: q8_0 takes half of f16."),
        )


def write_contents(path: Path, contents: Contents, *, emit: Emit, stop: StopToken) -> None:
    """Write `contents` to `path`, tensor by tensor; `contents.tensors` is empty afterwards, to free the memory.

    Raises:
        StorageError: the disk is full.
        ExportError: a number too large for the type of the weights.
        Stopped: asked to.
    """
    import numpy
    from gguf import GGMLQuantizationType, GGUFWriter

    size = contents.bytes / MEGABYTE
    pace = Pace(_("Write the GGUF file"), size, "MB", emit)
    writer = GGUFWriter(path, contents.architecture)
    _add_metadata(writer, contents.metadata)
    for tensor in contents.tensors:
        kind = GGMLQuantizationType[tensor.weight_type.upper()]
        writer.add_tensor_info(tensor.name, tensor.shape, numpy.dtype(numpy.float32), tensor.bytes, kind)
    with storage_errors(path):
        try:
            writer.write_header_to_file()
            writer.write_kv_data_to_file()
            writer.write_ti_data_to_file()
            while contents.tensors:
                stop.check()
                tensor = contents.tensors.pop(0)
                writer.write_tensor_data(encode(tensor))
                pace.advance(tensor.bytes / MEGABYTE, detail=tensor.name)
        finally:
            writer.close()
    pace.reach(size)
    pace.finish()


def _add_metadata(writer: Any, metadata: dict[str, Value]) -> None:
    """Add every key under the type its value has: whole numbers as uint32, broken ones as float32."""
    adders: dict[type, Callable[[str, Any], None]] = {
        str: writer.add_string,
        bool: writer.add_bool,
        int: writer.add_uint32,
        float: writer.add_float32,
        list: writer.add_array,
    }
    for key, value in metadata.items():
        adders[type(value)](key, value)
