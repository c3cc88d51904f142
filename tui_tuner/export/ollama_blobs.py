"""Files into an Ollama server: each once, under its own SHA-256, with progress, and stopped at once where asked.

What has arrived stays in the server's store until it is used or the server starts again, so that an import that was
stopped or killed goes on where it was. What an import leaves behind there is taken away where that can be done: the
server has no call for it, but on this machine its store is a folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tui_tuner.files import storage_errors
from tui_tuner.language import _
from tui_tuner.progress import Emit, Pace, StopToken

if TYPE_CHECKING:
    from tui_tuner.export.ollama_store import OllamaStore

MEGABYTE = 1_000_000
BLOCK = 1 << 20
STORES = ("~/.ollama/models", "/usr/share/ollama/.ollama/models", "/var/lib/ollama/models")


@dataclass(frozen=True)
class Blob:
    """A file for the server.

    Attributes:
        name: its path in the model's folder.
        path: where it is here.
        size: bytes.
        digest: "sha256:" and 64 hexadecimal digits.
        content: what is sent in place of the file; None sends the file.
    """

    name: str
    path: Path
    size: int
    digest: str
    content: bytes | None = None

    def instead(self, content: bytes) -> Blob:
        """The same file with other content."""
        return Blob(self.name, self.path, len(content), f"sha256:{hashlib.sha256(content).hexdigest()}", content)


def read_blobs(folder: Path, names: Iterable[str], *, emit: Emit, stop: StopToken) -> list[Blob]:
    """The files `names` in `folder` with their digests; reads them once.

    Raises:
        StorageError: one cannot be read.
        Stopped: asked to.
    """
    with storage_errors(folder):
        sizes = {name: (folder / name).stat().st_size for name in names}
    pace = Pace(_("Read the files"), sum(sizes.values()) / MEGABYTE, "MB", emit)
    blobs = []
    for name, size in sizes.items():
        digest = hashlib.sha256()
        for block in _blocks(folder / name, stop):
            digest.update(block)
            pace.advance(len(block) / MEGABYTE, detail=name)
        blobs.append(Blob(name, folder / name, size, f"sha256:{digest.hexdigest()}"))
    pace.finish()
    return blobs


def _blocks(path: Path, stop: StopToken) -> Iterator[bytes]:
    with storage_errors(path), path.open("rb") as file:
        while block := file.read(BLOCK):
            stop.check()
            yield block


def upload(server: OllamaStore, blobs: Iterable[Blob], *, emit: Emit, stop: StopToken) -> list[Blob]:
    """Bring `blobs` to the server; those it has already are left out.

    Returns:
        Those that were not there before.

    Raises:
        TeacherUnavailable: the connection broke, or the server is busy; the next time goes on with the rest.
        TeacherRefused: its disk is full, or what arrived is not what was sent.
        StorageError: a file cannot be read.
        Stopped: asked to.
    """
    wanted = list(blobs)
    pace = Pace(_("Upload"), sum(blob.size for blob in wanted) / MEGABYTE, "MB", emit)
    missing = []
    for blob in wanted:
        stop.check()
        if server.has_blob(blob.digest):
            pace.done += blob.size / MEGABYTE
            continue
        missing.append(blob)
    pace = Pace(_("Upload"), pace.total, "MB", emit, done=pace.done)
    for blob in missing:
        server.put_blob(blob.digest, blob.size, _counted(blob, pace, stop))
    pace.finish()
    return missing


def _counted(blob: Blob, pace: Pace, stop: StopToken) -> Iterator[bytes]:
    for block in _blocks(blob.path, stop) if blob.content is None else [blob.content]:
        yield block
        pace.advance(len(block) / MEGABYTE, detail=blob.name)


def sweep(server: OllamaStore, blobs: Iterable[Blob], *, environment: Mapping[str, str] = os.environ) -> int:
    """Take `blobs` out of the server's store, as far as no model there is made of them.

    Only a store on this machine can be swept, and only one that may be written to.

    Returns:
        Bytes that stay behind until the server starts again; 0 where nothing does.
    """
    left = [blob for blob in blobs if server.has_blob(blob.digest)]
    stores = _stores(environment) if left and server.address.loopback else []
    in_use: set[str] = set()
    for store in stores:
        used = _used(store)
        if used is None:
            continue
        in_use |= used
        for blob in left:
            if blob.digest not in used:
                with contextlib.suppress(OSError):
                    (store / "blobs" / blob.digest.replace(":", "-")).unlink()
    # The server's word counts: the folder may have been another one's.
    return sum(blob.size for blob in left if blob.digest not in in_use and server.has_blob(blob.digest))


def _stores(environment: Mapping[str, str]) -> list[Path]:
    named = environment.get("OLLAMA_MODELS", "").strip()
    places = [named] if named else list(STORES)
    found = [Path(place).expanduser() for place in places]
    return [place for place in found if (place / "blobs").is_dir()]


def _used(store: Path) -> set[str] | None:
    """The digests that models in the store are made of; None where that cannot be known, and nothing may be removed."""
    used: set[str] = set()
    try:
        for path in (store / "manifests").rglob("*"):
            if path.is_file():
                manifest = json.loads(path.read_bytes())
                layers = [manifest.get("config"), *(manifest.get("layers") or [])]
                used |= {str(layer["digest"]) for layer in layers if isinstance(layer, dict) and layer.get("digest")}
    except (OSError, ValueError, AttributeError, TypeError):
        return None
    return used
