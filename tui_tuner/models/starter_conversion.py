"""From the starter model's GGUF file to a folder mlx-lm reads, and the proof that it speaks. Runs on the MLX thread."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from tui_tuner.errors import ModelError, storage_error
from tui_tuner.files import write_json
from tui_tuner.language import _
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Emit, Pace, StageProgress, StopToken

if TYPE_CHECKING:
    import mlx.core as mx

    from tui_tuner.models.prompts import Message

QUESTION, ANSWER = "What is the capital of France?", "Paris"
ANSWER_TOKENS = 24
# An empty system turn takes the place of the template's own: half the prompt, half the wait where the BLAS is slow.
CONVERSATION: list[Message] = [{"role": "system", "content": ""}, {"role": "user", "content": QUESTION}]


def convert(gguf: Path, folder: Path, *, emit: Emit, stop: StopToken) -> str:
    """Write the MLX model of `gguf` into `folder`; return the name of its weights' type.

    Raises:
        ModelError: not a GGUF file of a plain llama model.
        StorageError: disk full, or `folder` not writable.
        Stopped: asked to.
    """
    from tui_tuner.models.gguf_reading import llama_config, llama_weights, read_gguf
    from tui_tuner.models.gguf_tokenizer import write_tokenizer

    tensors, metadata = read_gguf(gguf)
    config = llama_config(metadata, tied="output.weight" not in tensors)
    dtype = weight_type()
    name = str(dtype).removeprefix("mlx.core.")
    pace = Pace(_("Convert the starter model"), sum(key.endswith(".weight") for key in tensors), _("tensors"), emit)

    def count(tensor: str) -> None:
        stop.check()
        pace.advance(detail=tensor)

    weights = llama_weights(tensors, config, dtype, each=count)
    _save_weights(folder / "model.safetensors", weights)
    write_json(folder / "config.json", {**config, "torch_dtype": name})
    ends = {key: config[key] for key in ("bos_token_id", "eos_token_id", "pad_token_id")}
    write_json(folder / "generation_config.json", ends)
    write_tokenizer(metadata, folder)
    pace.finish()
    return name


def weight_type() -> mx.Dtype:
    """Half precision on a GPU; single on a CPU, where half-precision products do not reach the BLAS."""
    import mlx.core as mx

    return mx.float16 if mx.is_available(mx.gpu) else mx.float32


def _save_weights(path: Path, weights: dict[str, mx.array]) -> None:
    import mlx.core as mx

    size = sum(weight.nbytes for weight in weights.values())
    try:
        mx.save_safetensors(str(path), weights, {"format": "mlx"})
    except RuntimeError as error:  # MLX does not say why it could not write; the disk does
        if shutil.disk_usage(path.parent).free < size:
            raise storage_error(OSError(errno.ENOSPC, ""), str(path.parent.parent)) from error
        raise


def check_answer(folder: Path, *, emit: Emit, stop: StopToken) -> str:
    """Load the model in `folder`, ask it the known question, and return its answer.

    Raises:
        ModelError: the answer is not the known one.
        Stopped: asked to.
    """
    import mlx.core as mx

    from tui_tuner.models.generation import stream_reply
    from tui_tuner.models.loading import load_model
    from tui_tuner.models.replies import Sampling

    stage, unit = _("Try the starter model"), _("tokens")
    emit(StageProgress(stage, 0, unit=unit))  # loading comes first; the rate counts from the prompt on
    loaded = load_model(folder)
    stop.check()
    pace = Pace(stage, None, unit, emit)
    answer = stream_reply(
        loaded, CONVERSATION, Sampling(max_tokens=ANSWER_TOKENS), lambda text: pace.advance(), stop
    ).text
    stop.check()  # a reply that was stopped is no answer
    del loaded
    mx.clear_cache()
    if ANSWER not in answer:
        raise ModelError(
            _("the converted model does not answer as it should: {answer}", answer=one_line(answer, 80)),
            where=QUESTION,
            advice=_("Start again; if it stays so, please report it with your machine and the version of MLX."),
        )
    pace.finish(one_line(answer, 60))
    return answer
