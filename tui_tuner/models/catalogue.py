"""Base models by name: the starter model, a folder, or a repository of the Hugging Face hub."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from tui_tuner.errors import ModelError
from tui_tuner.files import storage_errors
from tui_tuner.language import _
from tui_tuner.models import starter
from tui_tuner.models.hub import cached_snapshot, download_snapshot
from tui_tuner.models.starter import model_cache
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Emit, StopToken

__all__ = [
    "STARTER",
    "fetch_model",
    "find_model",
    "is_model_folder",
    "model_cache",
    "model_fingerprint",
    "require_name",
    "weights_in",
]

STARTER = starter.NAME
REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")


def is_model_folder(folder: Path) -> bool:
    """Whether mlx-lm could read `folder`: a `config.json` and every file of weights its index names."""
    if not (folder / "config.json").is_file():
        return False
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return any(folder.glob("*.safetensors"))
    try:
        names = set(json.loads(index.read_bytes())["weight_map"].values())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
    return bool(names) and all((folder / name).is_file() for name in names)


def weights_in(folder: Path) -> int:
    """Bytes of the weights in a model's folder."""
    return sum(file.stat().st_size for file in folder.glob("*.safetensors"))


def model_fingerprint(folder: Path) -> str:
    """The SHA-256 of a model's configuration and the sizes of its weights, in hex.

    Hashing gigabytes of weights would cost more than it protects from: another model has another shape or size.

    Raises:
        StorageError: it cannot be read.
    """
    with storage_errors(folder):
        weights = sorted((path.name, path.stat().st_size) for path in folder.glob("*.safetensors"))
        config = (folder / "config.json").read_bytes() if (folder / "config.json").exists() else b""
    return hashlib.sha256(config + repr(weights).encode()).hexdigest()


def find_model(name: str, *, code: bool = False) -> Path | None:
    """The folder of the model `name` if it is on this machine, complete; asks no network.

    Args:
        name: `starter`, a path, or a repository such as `mlx-community/Llama-3.2-1B-Instruct-4bit`.
        code: whether a repository's Python files are wanted too.
    """
    if name == STARTER:
        folder = starter.starter_folder()
        return folder if starter.is_made(folder) else None
    folder = Path(name).expanduser().absolute()
    if is_model_folder(folder):
        return folder
    if not REPOSITORY.fullmatch(name):
        return None
    snapshot = cached_snapshot(name, code=code)
    return snapshot if snapshot is not None and is_model_folder(snapshot) else None


def require_name(name: str) -> None:
    """Check that `name` can be a model's: the starter, a folder that holds one, or a repository.

    Raises:
        ModelError: it is none of these.
    """
    if name != STARTER and not REPOSITORY.fullmatch(name) and not is_model_folder(Path(name).expanduser().absolute()):
        raise ModelError(
            _("there is no model here: a model folder has a config.json and *.safetensors"),
            where=one_line(name, 80),
            advice=_("Give such a folder, a repository of the Hugging Face hub, or {starter}.", starter=STARTER),
        )


def fetch_model(name: str, *, code: bool = False, emit: Emit, stop: StopToken) -> Path:
    """Return the folder of the model `name`, making or downloading it first if need be. Runs on the MLX thread.

    Raises:
        ModelError: no such model, gated, unreachable, or not in a form mlx-lm reads.
        StorageError: disk full, or the cache not writable.
        Stopped: asked to; files that arrived whole are kept.
    """
    if name == STARTER:
        return starter.make_starter(emit=emit, stop=stop)
    if (found := find_model(name, code=code)) is not None:
        return found
    require_name(name)
    folder = download_snapshot(name, code=code, emit=emit, stop=stop)
    if not is_model_folder(folder):
        raise ModelError(
            _("this repository has no weights that mlx-lm reads (config.json and model*.safetensors)"),
            where=name,
            advice=_("Choose the same model from mlx-community, or one with safetensors weights."),
        )
    return folder
