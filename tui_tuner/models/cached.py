"""Which models are on this machine already: in the hub's cache, and those this program has made."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui_tuner.models.catalogue import find_model, weights_in

# What a model that can be talked with calls itself; others, such as those that only find similar texts, do not speak.
SPEAKING = ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration")


@dataclass(frozen=True)
class CachedModel:
    """A model that is here.

    Attributes:
        name: its repository.
        folder: where it is.
        weights: bytes of its weights.
    """

    name: str
    folder: Path
    weights: int


def cached_models() -> list[CachedModel]:
    """The complete models that can speak in the hub's cache, the one used last first; asks no network."""
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        repositories = [one for one in scan_cache_dir().repos if one.repo_type == "model"]
    except CacheNotFound:
        return []
    found = []
    for repository in sorted(repositories, key=lambda one: -one.last_accessed):
        folder = find_model(repository.repo_id)
        if folder is not None and _speaks(folder):
            found.append(CachedModel(repository.repo_id, folder, weights_in(folder)))
    return found


def _speaks(folder: Path) -> bool:
    try:
        config: Any = json.loads((folder / "config.json").read_bytes())
        return any(str(name).endswith(SPEAKING) for name in config.get("architectures") or SPEAKING)
    except (OSError, ValueError, TypeError, AttributeError):
        return False
