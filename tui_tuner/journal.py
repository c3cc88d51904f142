"""A file that grows line by line, whose lines no crash, kill or full disk takes away."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from tui_tuner.files import storage_errors


class Journal:
    """A file of JSON lines that only grows; each line is on the disk before `append` returns.

    A torn last line (the process died while writing it) is cut off when the journal is opened; one that lacks nothing
    but its end gets that, because whoever has read the file has read it too.
    """

    def __init__(self, path: Path) -> None:
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self.path = path
            self.torn = self._cut_torn_line()
            # Unbuffered: after a failed write nothing may wait in a buffer to be written later.
            self._file = path.open("ab", buffering=0)

    def _cut_torn_line(self) -> bool:
        if not self.path.exists():
            return False
        content = self.path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole == len(content):
            return False
        with self.path.open("rb+") as file:
            if _is_whole(content[whole:]):
                file.seek(0, os.SEEK_END)
                file.write(b"\n")
                return False
            file.truncate(whole)
        return True

    def append(self, row: Any, *, flush_to_disk: bool = True) -> None:
        """Add one row; with `flush_to_disk` it survives a power cut, without it only a kill.

        Raises:
            StorageError: the disk is full; a half-written line is taken back.
        """
        with storage_errors(self.path):
            end = self._file.seek(0, os.SEEK_END)
            line = json.dumps(row, ensure_ascii=False).encode() + b"\n"
            try:
                while line:
                    line = line[self._file.write(line) :]
                if flush_to_disk:
                    os.fsync(self._file.fileno())
            except OSError:
                with contextlib.suppress(OSError):
                    self._file.truncate(end)
                raise

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_details: object) -> None:
        self.close()


def _is_whole(line: bytes) -> bool:
    """Whether nothing of an object is missing; half of a number or a word would look whole as well."""
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False
