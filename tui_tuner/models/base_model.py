"""The base model as a person chose it: by name, quantized on arrival or not, its own code trusted or not."""

from __future__ import annotations

from pathlib import Path

from tui_tuner import figures
from tui_tuner.choices import ModelChoice
from tui_tuner.language import _
from tui_tuner.models.catalogue import REPOSITORY, STARTER, fetch_model, find_model, weights_in
from tui_tuner.models.quantizing import is_made_from, is_quantized, quantize, quantized_folder
from tui_tuner.progress import Emit, Notice, StopToken


def find_base(choice: ModelChoice) -> Path | None:
    """The folder of the base model, quantized where that was asked, if it is on this machine; asks no network."""
    source = find_model(choice.name, code=choice.trust_remote_code)
    if not choice.bits or (source is not None and is_quantized(source)):
        return source
    target = quantized_folder(choice.name, choice.bits)
    return target if is_made_from(target, source) else None


def find_tokenizer_folder(choice: ModelChoice) -> Path | None:
    """A folder with the base model's tokenizer, also where the model is here but not quantized yet."""
    return find_base(choice) or find_model(choice.name, code=choice.trust_remote_code)


def needs_engine(choice: ModelChoice) -> bool:
    """Whether fetching the base model uses MLX, rather than the network alone."""
    return bool(choice.bits) or choice.name == STARTER


def fetch_base(choice: ModelChoice, *, emit: Emit, stop: StopToken) -> Path:
    """Return the folder of the base model; downloads, makes or quantizes it first if need be.

    Runs on the MLX thread where `needs_engine` says so.

    Raises:
        ModelError: it cannot be had, or not be quantized.
        StorageError: the disk is full, or the cache not writable.
        Stopped: asked to; what has arrived is kept.
    """
    if (found := find_base(choice)) is not None:
        return found
    source = fetch_model(choice.name, code=choice.trust_remote_code, emit=emit, stop=stop)
    if not choice.bits or is_quantized(source):
        return source
    made = quantize(
        source,
        quantized_folder(choice.name, choice.bits),
        choice.bits,
        name=choice.name,
        trust_remote_code=choice.trust_remote_code,
        emit=emit,
        stop=stop,
    )
    if REPOSITORY.fullmatch(choice.name) and not Path(choice.name).is_dir():
        words = {"size": figures.size(weights_in(source)), "name": choice.name}
        text = _("The full model ({size}) is not needed any more; to delete it: hf cache rm model/{name}", **words)
        emit(Notice(text))
    return made
