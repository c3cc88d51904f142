"""A text file line by line, with the numbers an editor shows, whatever it is encoded in and however long a line is."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

from tui_tuner.encodings import Encoding
from tui_tuner.importing.rows import LONGEST_ROW


class TextFile:
    """An open text file.

    Args:
        path: the file.
        encoding: of its letters; bytes that are none come out as `check_letters` finds them.

    Attributes:
        line: how many lines were read.
    """

    def __init__(self, path: Path, encoding: Encoding) -> None:
        self.encoding = encoding
        self.size = path.stat().st_size / 1e6
        self._bytes = path.open("rb")
        self._text = io.TextIOWrapper(self._bytes, encoding.name, encoding.errors, newline="")
        self.line = 0

    @property
    def position(self) -> float:
        """MB that were read."""
        return self._bytes.tell() / 1e6

    def read(self, letters: int) -> str:
        """The next letters; none at the end."""
        return self._text.read(letters)

    def next_line(self) -> str | None:
        """The next line with its end; empty where it is too long to hold, None behind the last one."""
        line = self._text.readline(LONGEST_ROW)
        if not line:
            return None
        self.line += 1
        if len(line) < LONGEST_ROW or line.endswith(("\n", "\r")):
            return line
        while (rest := self._text.readline(LONGEST_ROW)) and not rest.endswith(("\n", "\r")):
            pass
        return ""

    def lines(self) -> Iterator[str]:
        """The lines, one after the other."""
        while (line := self.next_line()) is not None:
            yield line

    def close(self) -> None:
        """Close the file."""
        self._text.close()
