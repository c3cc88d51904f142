"""How the weights of a new model get onto the disk. Runs on the engine's thread.

They are computed and written piece by piece: in memory there is never more than one file of the new model.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path
from typing import Any

from tui_tuner import figures
from tui_tuner.errors import StorageError
from tui_tuner.files import free_space, storage_errors, write_text
from tui_tuner.language import _
from tui_tuner.progress import Emit, Pace, StopToken

MEGABYTE = 1_000_000
FILE_GIGABYTES = 5  # Hugging Face's usual size of one weight file
ROOM = 64 * MEGABYTE  # for the tokenizer and the rest, and so that the disk is not left without a byte


def flat_weights(model: Any) -> dict[str, Any]:
    """The weights of `model` by name, not computed yet."""
    from mlx.utils import tree_flatten

    return dict(tree_flatten(model.parameters()))


def require_room(target: Path, weights: dict[str, Any]) -> int:
    """Check that `weights`, a new model's, fit on the disk of `target`; return their size in bytes.

    Raises:
        StorageError: they do not; says how much is missing.
    """
    size: int = sum(weight.nbytes for weight in weights.values())
    require_bytes(target, size)
    return size


def require_bytes(target: Path, size: int) -> None:
    """Check that a model of `size` bytes fits on the disk of `target`.

    Raises:
        StorageError: it does not; says how much is missing.
    """
    free, place = free_space(target)
    missing = size + ROOM - free
    if missing > 0:
        raise StorageError(
            _(
                "not enough disk space: the new model takes {size}, and {missing} more are needed",
                size=figures.size(size),
                missing=figures.size(missing),
            ),
            where=str(place),
            advice=_("Free some space, then start again."),
        )


def write_weights(folder: Path, weights: dict[str, Any], stage: str, *, emit: Emit, stop: StopToken) -> None:
    """Compute `weights` and write them under the usual names; `weights` is empty afterwards, to free the memory.

    One `model.safetensors`; a large model as `model-00001-of-00002.safetensors` and so on, with an index.

    Args:
        folder: the new model's.
        weights: by name, not computed yet.
        stage: what this is called while it runs.
        emit: hears how far it is.
        stop: asked before each weight.

    Raises:
        StorageError: the disk is full.
        Stopped: asked to.
    """
    import mlx.core as mx
    from mlx_lm.utils import make_shards

    total = sum(weight.nbytes for weight in weights.values())
    count = sum(weight.size for weight in weights.values())
    pace = Pace(stage, total / MEGABYTE, "MB", emit)
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
