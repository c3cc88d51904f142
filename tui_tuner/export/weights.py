"""The weights of one model out of base and adapter, and how they get onto the disk. Runs on the engine's thread.

Everything is computed in float32 and then brought to the type the base has on disk: each weight is rounded once.
Weights are read, fused and written piece by piece: in memory there is never more than one file of the new model.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path
from typing import Any

from tui_tuner import figures
from tui_tuner.errors import ExportError, StorageError
from tui_tuner.files import storage_errors, write_text
from tui_tuner.language import _
from tui_tuner.progress import Emit, Pace, StopToken

MEGABYTE = 1_000_000
FILE_GIGABYTES = 5  # Hugging Face's usual size of one weight file
ROOM = 64 * MEGABYTE  # for the tokenizer and the rest, and so that the disk is not left without a byte


def is_quantized(module: Any) -> bool:
    """Whether `module` holds its weight squeezed into fewer bits, with a scale per group."""
    return "scales" in module and "weight" in module


def fuse_layers(model: Any, *, dequantize: bool) -> bool:
    """Replace every layer of `model` that has an adapter by a plain one that computes the same; lazily.

    Args:
        model: as `models.loading.read_modules` gives it, with the adapter applied.
        dequantize: write quantized layers in full precision, those without an adapter too; otherwise the fused ones are
            squeezed again as the base had them.

    Returns:
        Whether weights of a quantized base have been squeezed again, and lost precision.

    Raises:
        ExportError: the model has a kind of adapter nobody knows how to fuse.
    """
    from mlx.utils import tree_flatten, tree_unflatten
    from mlx_lm.utils import dequantize_model

    adapted = [(name, module) for name, module in model.named_modules() if hasattr(module, "fuse")]
    squeezed = [_quantization(_base_of(module)) for _name, module in adapted]
    plain = [(name, _fused(module)) for name, module in adapted]
    if not dequantize:
        plain = [
            (name, module.to_quantized(**how) if how else module)
            for (name, module), how in zip(plain, squeezed, strict=True)
        ]
    model.update_modules(tree_unflatten(plain))
    if dequantize:
        stored = {name: _raise(module) for name, module in model.named_modules() if is_quantized(module)}
        dequantize_model(model)
        for name, module in model.named_modules():
            if name in stored:
                module.weight = module.weight.astype(stored[name])
    left = [name for name, _weight in tree_flatten(model.parameters()) if name.endswith((".lora_a", ".lora_b"))]
    if left:
        raise ExportError(
            _("this kind of layer cannot be fused: {name}", name=left[0]),
            advice=_("Use the adapter as it is: mlx_lm.generate --adapter-path."),
        )
    return not dequantize and any(squeezed)


def _base_of(module: Any) -> Any:
    """The layer of the base inside a layer with an adapter."""
    return module["linear"] if "linear" in module else module["embedding"]


def _quantization(module: Any) -> dict[str, Any]:
    if not is_quantized(module):
        return {}
    return {"group_size": module.group_size, "bits": module.bits, "mode": module.mode}


def _fused(module: Any) -> Any:
    """A plain layer, in the type the base's layer has on disk."""
    stored = _raise(_base_of(module))
    plain = module.fuse(dequantize=True)
    for name in ("weight", "bias"):
        if name in plain:
            plain[name] = plain[name].astype(stored)
    return plain


def _raise(module: Any) -> Any:
    """Bring the numbers of `module` to float32; return the type they had."""
    import mlx.core as mx

    def is_floating(name: str) -> bool:
        return module.get(name) is not None and mx.issubdtype(module[name].dtype, mx.floating)

    names = [name for name in ("scales", "biases", "weight", "bias") if is_floating(name)]
    # The scales of the mxfp4 and mxfp8 formats are bytes; mlx gives their weights as bfloat16.
    stored = module[names[0]].dtype if names and names[0] != "bias" else mx.bfloat16
    for name in names:
        module[name] = module[name].astype(mx.float32)
    return stored


def flat_weights(model: Any) -> dict[str, Any]:
    """The weights of `model` by name, not computed yet."""
    from mlx.utils import tree_flatten

    return dict(tree_flatten(model.parameters()))


def require_room(target: Path, weights: dict[str, Any]) -> int:
    """Check that `weights` fit on the disk of `target`; return their size in bytes.

    Raises:
        StorageError: they do not; says how much is missing.
    """
    size: int = sum(weight.nbytes for weight in weights.values())
    place = next(folder for folder in (target, *target.parents) if folder.exists())
    with storage_errors(place):
        free = shutil.disk_usage(place).free
    missing = size + ROOM - free
    if missing > 0:
        raise StorageError(
            _(
                "not enough disk space: the fused model takes {size}, and {missing} more are needed",
                size=figures.size(size),
                missing=figures.size(missing),
            ),
            where=str(place),
            advice=_("Free some space, then start again."),
        )
    return size


def write_weights(folder: Path, weights: dict[str, Any], *, emit: Emit, stop: StopToken) -> None:
    """Compute `weights` and write them under the usual names; `weights` is empty afterwards, to free the memory.

    One `model.safetensors`; a large model as `model-00001-of-00002.safetensors` and so on, with an index.

    Raises:
        StorageError: the disk is full.
        Stopped: asked to.
    """
    import mlx.core as mx
    from mlx_lm.utils import make_shards

    total = sum(weight.nbytes for weight in weights.values())
    count = sum(weight.size for weight in weights.values())
    pace = Pace(_("Write the fused model"), total / MEGABYTE, "MB", emit)
    shards = make_shards(weights, FILE_GIGABYTES)
    weights.clear()
    places: dict[str, str] = {}
    for number in range(len(shards)):
        shard, shards[number] = shards[number], {}
        name = f"model-{number + 1:05d}-of-{len(shards):05d}.safetensors" if len(shards) > 1 else "model.safetensors"
        for key, weight in shard.items():
            stop.check()
            mx.eval(weight)
            pace.advance(weight.nbytes / MEGABYTE, detail=key)
        _save(folder / name, shard)
        places |= dict.fromkeys(shard, name)
    if len(shards) > 1:
        index = {
            "metadata": {"total_size": total, "total_parameters": count},
            "weight_map": dict(sorted(places.items())),
        }
        write_text(folder / "model.safetensors.index.json", json.dumps(index, indent=2) + "\n")
    pace.finish()


def _save(path: Path, weights: dict[str, Any]) -> None:
    import mlx.core as mx

    size = sum(weight.nbytes for weight in weights.values())
    with storage_errors(path):
        try:
            mx.save_safetensors(str(path), weights, {"format": "mlx"})
        except RuntimeError as error:
            # MLX does not say why it could not write; the disk does.
            full = shutil.disk_usage(path.parent).free < size
            code = errno.ENOSPC if full else errno.EIO
            raise OSError(code, os.strerror(code)) from error
        if path.stat().st_size < size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
