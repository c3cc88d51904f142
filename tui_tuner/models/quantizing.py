"""A model in fewer bits per weight, made here from a full one: it trains in a fraction of the memory (QLoRA).

Dettmers et al., "QLoRA: Efficient Finetuning of Quantized LLMs", 2023, arXiv 2305.14314: the base is frozen, so its
weights may be coarse; the adapter is not. What is written is what `mlx_lm.convert --quantize` writes.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import shutil
from pathlib import Path
from typing import Any

from tui_tuner.errors import ModelError
from tui_tuner.files import new_folder
from tui_tuner.language import _
from tui_tuner.models.catalogue import is_model_folder, model_cache, model_fingerprint
from tui_tuner.models.model_files import (
    QUANTIZATION_KEYS,
    copy_tokenizer,
    read_provenance,
    write_config,
    write_provenance,
)
from tui_tuner.models.only_one import only_one
from tui_tuner.progress import Emit, StopToken

GROUP_SIZE = 64  # weights that share a scale; mlx-lm's own default
TYPES = ("float16", "bfloat16", "float32")


def quantized_folder(name: str, bits: int) -> Path:
    """Where the model `name` (a repository, a folder, the starter) in `bits` bits is, or will be."""
    folder = Path(name).expanduser().absolute()
    if folder.is_dir():
        # Two folders of the same name are two models.
        name = f"{folder.name}-{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"
    return model_cache() / "quantized" / f"{name.replace('/', '--')}-{bits}bit"


def is_quantized(folder: Path) -> bool:
    """Whether the model in `folder` has its weights in fewer bits already."""
    try:
        config: Any = json.loads((folder / "config.json").read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and any(key in config for key in QUANTIZATION_KEYS)


def is_made_from(target: Path, source: Path | None) -> bool:
    """Whether `target` is a whole quantized model, made from what is in `source` now (or was, where that is gone)."""
    if not is_model_folder(target):
        return False
    return source is None or read_provenance(target).get("source_fingerprint") == model_fingerprint(source)


def quantize(
    source: Path, target: Path, bits: int, *, name: str, trust_remote_code: bool, emit: Emit, stop: StopToken
) -> Path:
    """Write the model in `source` with `bits` bits per weight into `target`. Runs on the engine's thread.

    Args:
        source: a model's folder, not quantized.
        target: the new one's, as `quantized_folder` names it; whole, or as it was.
        bits: 4 or 8.
        name: the source as it was chosen, kept for a reader.
        trust_remote_code: whether Python code that comes with the model may run.
        emit: hears how far it is.
        stop: asked before each weight.

    Raises:
        ModelError: the model cannot be loaded, or has nothing that could be quantized.
        StorageError: not enough disk space, known before anything is written.
        Stopped: asked to; nothing is left.
    """
    from tui_tuner.models.writing import require_room, write_weights

    with only_one(target, _("Another tuner quantizes this model; waiting for it."), emit=emit, stop=stop):
        if is_made_from(target, source):
            return target
        # The lock is ours, so whatever lies beside with our prefix was left by a process that died.
        for leftover in target.parent.glob(f".{target.name}.*"):
            shutil.rmtree(leftover, ignore_errors=True)
        weights, config = _quantized(source, bits, trust_remote_code)
        require_room(target, weights)
        with new_folder(target) as beside:
            write_config(beside, config, weights, quantized=True)
            copy_tokenizer(source, beside)
            write_weights(beside, weights, _("Quantize to {bits} bits", bits=bits), emit=emit, stop=stop)
            facts = {"model": name, "bits": bits, "source_fingerprint": model_fingerprint(source)}
            write_provenance(beside, facts)
    return target


def _quantized(source: Path, bits: int, trust_remote_code: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """The new weights by name, not computed yet, and the configuration that goes with them."""
    from mlx_lm.utils import quantize_model

    from tui_tuner.models.loading import model_errors, read_modules
    from tui_tuner.models.writing import flat_weights

    model, config = read_modules(source, trust_remote_code=trust_remote_code)
    with model_errors(source, _("the model cannot be quantized")), contextlib.redirect_stdout(io.StringIO()):
        _cast(model, config)
        before = len(flat_weights(model))
        model, config = quantize_model(model, config, GROUP_SIZE, bits)
        weights = flat_weights(model)
        if len(weights) == before:
            raise ModelError(
                _("none of its layers can be quantized (their width is no multiple of {group})", group=GROUP_SIZE),
                where=str(source),
                advice=_("Use it as it is: --set model.quantize=none"),
            )
    return weights, config


def _cast(model: Any, config: dict[str, Any]) -> None:
    """Bring the weights to the type the configuration names, as `mlx_lm.convert` does."""
    import mlx.core as mx
    from mlx.utils import tree_map_with_path

    named = config.get("torch_dtype") or (config.get("text_config") or {}).get("dtype")
    if named not in TYPES:
        return
    dtype, wanted = getattr(mx, named), getattr(model, "cast_predicate", lambda _path: True)
    model.update(
        tree_map_with_path(
            lambda path, weight: (
                weight.astype(dtype) if wanted(path) and mx.issubdtype(weight.dtype, mx.floating) else weight
            ),
            model.parameters(),
        )
    )
