"""Models of the Hugging Face hub: found in its cache on this machine, or downloaded into it.

The download runs in a process of its own (`hub_download`), because the hub's library cannot be asked to stop; its
growth is seen in the cache, where every file that has arrived whole stays for the next start.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from tui_tuner.errors import ModelError, Stopped, TunerError, storage_error
from tui_tuner.files import storage_errors
from tui_tuner.language import _
from tui_tuner.models.hub_download import folder_size
from tui_tuner.models.watched_process import run_watched
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Emit, Pace, StopToken

MEGABYTE = 1_000_000
# The files mlx-lm asks for (`mlx_lm.utils.DEFAULT_ALLOW_PATTERNS`, which cannot be read without importing MLX).
WANTED = (
    *("*.json", "*.jsonl", "*.jinja", "*.txt", "*.py"),
    *("model*.safetensors", "tokenizer.model", "tiktoken.model", "*.tiktoken"),
)

RANDOM_PART = re.compile(r"\.[0-9a-f]{8}\.incomplete$")
PACKAGE_ROOT = Path(__file__).parents[2]
# Not `-m`: that would let a `random.py` in the person's folder stand in for Python's own.
CHILD = """
import sys
sys.path = [sys.argv[1], *filter(None, sys.path)]
from tui_tuner.models.hub_download import main
sys.exit(main(sys.argv[2], sys.argv[3:]))
"""


def cached_snapshot(repository: str) -> Path | None:
    """The newest snapshot of `repository` in the hub's cache; asks no network, and may be incomplete."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(repository, local_files_only=True, allow_patterns=list(WANTED)))
    except (LocalEntryNotFoundError, HFValidationError):
        return None


def download_snapshot(repository: str, *, emit: Emit, stop: StopToken) -> Path:
    """Download `repository` into the hub's cache and return the folder of its newest snapshot.

    Raises:
        ModelError: gated, missing, private or unreachable; says which and what to do.
        StorageError: disk full, or the cache not writable.
        Stopped: asked to; the files that arrived whole stay in the cache.
    """
    with storage_errors(tempfile.gettempdir()), tempfile.TemporaryDirectory(prefix="tuner-hub-") as place:
        log = Path(place) / "download.log"
        growth = _Growth(repository, log, emit)
        command = [sys.executable, "-c", CHILD, str(PACKAGE_ROOT), repository, *WANTED]
        try:
            run_watched(command, log=log, stop=stop, look=growth.look)
        except Stopped:
            growth.remove_parts()
            raise
        answer = _answer(log)
        if "folder" not in answer:
            raise _failure(repository, answer.get("failure", ""), answer.get("text") or log.read_text(errors="replace"))
        growth.end()
    return Path(answer["folder"])


class _Growth:
    """Turns the growth of the hub's cache into progress, once the child has said how much there is to fetch."""

    def __init__(self, repository: str, log: Path, emit: Emit) -> None:
        self._stage, self._log, self._emit = _("Fetch {model}", model=repository), log, emit
        self._pace: Pace | None = None
        self._total = self._before = self._cached = 0
        self._blobs: Path | None = None

    def look(self) -> None:
        if self._blobs is None:
            self._start(_answer(self._log))
        if self._blobs is not None and self._pace is not None:
            done = self._cached + folder_size(self._blobs) - self._before
            self._pace.reach(min(max(done / MEGABYTE, self._pace.done), self._total / MEGABYTE))

    def _start(self, plan: dict[str, Any]) -> None:
        if "total" not in plan:
            return
        self._total, self._cached, self._before = plan["total"], plan["cached"], plan["before"]
        self._blobs = Path(plan["blobs"])
        done = self._cached / MEGABYTE
        self._pace = Pace(self._stage, self._total / MEGABYTE, "MB", self._emit, done=done)

    def end(self) -> None:
        if self._pace is not None:
            self._pace.reach(self._total / MEGABYTE)
            self._pace.finish()

    def remove_parts(self) -> None:
        """Remove the parts a killed download leaves: the hub's library names them at random, so nobody can go on."""
        for part in self._blobs.glob("*.incomplete") if self._blobs else ():
            if RANDOM_PART.search(part.name):
                part.unlink(missing_ok=True)


def _answer(log: Path) -> dict[str, Any]:
    """What the child has said so far: its lines of JSON, later ones over earlier ones."""
    said: dict[str, Any] = {}
    with contextlib.suppress(OSError):
        for line in log.read_text(errors="replace").splitlines():
            if line.startswith("{"):
                with contextlib.suppress(ValueError):
                    said.update(json.loads(line))
    return said


def _failure(repository: str, kind: str, text: str) -> TunerError:
    address = f"{os.environ.get('HF_ENDPOINT', 'https://huggingface.co').rstrip('/')}/{repository}"
    if kind == "disk":
        return storage_error(OSError(errno.ENOSPC, ""), repository)
    if kind == "gated":
        what = _("this model is gated: its owner wants its terms accepted first")
        advice = _("Accept them at {address}, then log in with: hf auth login", address=address)
    elif kind == "missing":
        what = _("the hub has no such model, or it is private")
        advice = _("Check the name at {address}; for a private model log in with: hf auth login", address=address)
    elif kind == "offline":
        what = _("the Hugging Face hub cannot be reached")
        advice = _("Check the connection, HF_ENDPOINT and HF_HUB_OFFLINE, or choose a model already on this machine.")
    else:
        lines = [line for line in text.splitlines() if line.strip()]
        what = _("the download failed: {reason}", reason=one_line(lines[-1] if lines else "", 200))
        advice = _("Start it again: files that arrived whole are kept.")
    return ModelError(what, where=repository, advice=advice)
