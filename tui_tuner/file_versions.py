"""What is known of a file for as long as it has not changed: whether it is the same, its fingerprint, its lines.

Screens ask at every piece of news, and a file may be large: it is read again only where its size or its time of change
leave a doubt.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from tui_tuner.errors import StorageError
from tui_tuner.files import storage_errors

Found = TypeVar("Found")


def while_unchanged(read: Callable[[Path], Found]) -> Callable[[Path], Found]:
    """Let `read` be asked about a file once, and again only when the file has changed. Kept for the last few files.

    What comes back raises `OSError` where there is no file.
    """

    @functools.lru_cache(maxsize=8)
    def known(path: Path, *_version: int) -> Found:
        return read(path)

    @functools.wraps(read)
    def asked(path: Path) -> Found:
        state = path.stat()
        return known(path, state.st_mtime_ns, state.st_size, state.st_ino)

    return asked


@dataclass(frozen=True)
class FileVersion:
    """A file at one moment. One that is not there is as good as an empty one.

    Attributes:
        size: in bytes.
        modified: when it was last changed, in nanoseconds since 1970.
        sha256: of its content, in hex; empty where there is no file.
    """

    size: int = 0
    modified: int = 0
    sha256: str = ""

    def as_row(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)

    @classmethod
    def from_row(cls, row: Any) -> FileVersion | None:
        """Read what `as_row` made; None where it is none."""
        kinds: Mapping[str, type] = {"size": int, "modified": int, "sha256": str}
        if not isinstance(row, Mapping) or not all(isinstance(row.get(name), kind) for name, kind in kinds.items()):
            return None
        return cls(**{name: row[name] for name in kinds})


def version_of(path: Path) -> FileVersion:
    """The file at `path` as it is now; reads all of it.

    Raises:
        StorageError: it cannot be read.
    """
    with storage_errors(path):
        try:
            state = path.stat()
        except FileNotFoundError:
            return FileVersion()
        return FileVersion(state.st_size, state.st_mtime_ns, fingerprint(path))


def is_unchanged(path: Path, before: FileVersion) -> bool:
    """Whether `path` holds what it held `before`; not where it cannot be read.

    With the same size and time of change it does. With another time alone it may have been copied, or written anew with
    the same content: then it is read, once for each time.
    """
    try:
        state = path.stat()
    except FileNotFoundError:
        return before.size == 0
    except OSError:
        return False
    if state.st_size != before.size:
        return False
    if state.st_mtime_ns == before.modified or not state.st_size:
        return True
    with contextlib.suppress(OSError, StorageError):
        return _known_fingerprint(path) == before.sha256
    return False


def fingerprint(path: Path) -> str:
    """The SHA-256 of a file, in hex; empty where there is no file.

    Raises:
        StorageError: it cannot be read.
    """
    if not path.exists():
        return ""
    digest = hashlib.sha256()
    with storage_errors(path), path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


_known_fingerprint = while_unchanged(fingerprint)


def count_lines(path: Path) -> int:
    """How many whole lines `path` has; none where it cannot be read."""
    with contextlib.suppress(OSError):
        return _counted_lines(path)
    return 0


@while_unchanged
def _counted_lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
