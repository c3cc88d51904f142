"""The files of which Ollama makes the model: one GGUF where we can write it, otherwise the fused folder itself.

Ollama takes every kind of model as GGUF, also Mistral and Qwen 3, which it does not take as safetensors, and a GGUF
becomes the model as it is and leaves nothing behind.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tui_tuner.errors import ExportError
from tui_tuner.export.ollama_blobs import Blob, read_blobs
from tui_tuner.files import new_folder, read_json
from tui_tuner.language import _
from tui_tuner.models.model_files import TOKENIZER_CONFIG
from tui_tuner.models.writing import require_bytes
from tui_tuner.progress import Emit, Notice, StopToken

if TYPE_CHECKING:
    from tui_tuner.export.gguf.tensors import WeightType
    from tui_tuner.export.ollama_export import OllamaPlan

# The architectures whose safetensors Ollama converts.
CONVERTED = frozenset(
    (
        *("LlamaForCausalLM", "MixtralForCausalLM", "Qwen2ForCausalLM", "Phi3ForCausalLM", "CohereForCausalLM"),
        *("GemmaForCausalLM", "Gemma2ForCausalLM", "Gemma3ForCausalLM", "Gemma3ForConditionalGeneration"),
    )
)


def files_for_ollama(plan: OllamaPlan, bos: str, emit: Emit, stop: StopToken) -> list[Blob]:
    """The files, read and ready to be uploaded.

    Args:
        plan: of the export.
        bos: the token that has to be in front of every text; empty for none.
        emit: hears how far it is.
        stop: asked between pieces.

    Raises:
        ExportError: neither we nor Ollama can turn this kind of model into what it runs.
        StorageError: a file cannot be read or written.
        Stopped: asked to.
    """
    try:
        return _as_gguf(plan, bos, emit, stop)
    except ExportError as error:
        if plan.fused.architecture not in CONVERTED:
            raise
        emit(Notice(_("Ollama converts the model itself: {why}.", why=error.what)))
    blobs = read_blobs(plan.fused.path, plan.fused.parts, emit=emit, stop=stop)
    return [_outspoken(blob, bos) for blob in blobs]


def _as_gguf(plan: OllamaPlan, bos: str, emit: Emit, stop: StopToken) -> list[Blob]:
    from tui_tuner.export.gguf.write import GgufPlan, contents_of, write_contents

    name, trust = plan.fused.path.name, plan.trust_remote_code
    contents = contents_of(GgufPlan(plan.fused.path, plan.beside, weight_type(plan), name, trust))
    # Other programs take this token off what the model's own template writes; Ollama's template is ours.
    contents.metadata["tokenizer.ggml.add_bos_token"] = bool(bos)
    require_bytes(plan.beside, contents.bytes)
    file = f"{name}.gguf"
    with new_folder(plan.beside) as folder:
        write_contents(folder / file, contents, emit=emit, stop=stop)
    return read_blobs(plan.beside, [file], emit=emit, stop=stop)


def weight_type(plan: OllamaPlan) -> WeightType:
    """As the fused model stores its weights, in 16 bits at most; what is to be squeezed has to be float16."""
    stored = plan.fused.config.get("torch_dtype") or plan.fused.config.get("dtype")
    return "bf16" if stored == "bfloat16" and plan.choice.ollama_quantize == "none" else "f16"


def _outspoken(blob: Blob, bos: str) -> Blob:
    """The tokenizer's settings with what they leave unsaid: silent, they would have Ollama add a first token."""
    if blob.name != TOKENIZER_CONFIG:
        return blob
    table = read_json(blob.path)
    return blob.instead(json.dumps({**table, "add_bos_token": bool(bos)}, ensure_ascii=False).encode())
