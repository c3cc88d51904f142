"""Text files with one row a line: what a row is, each kind of file says itself."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

from tui_tuner.importing.rows import BadRow, RawRow, RowProblem, Source, check_letters
from tui_tuner.importing.text_file import TextFile
from tui_tuner.language import _


class LineFile(Source):
    """A file with a row for each line that is not blank."""

    def __init__(self, file: TextFile) -> None:
        super().__init__()
        self._file = file
        self.size, self.encoding = file.size, file.encoding.name

    @property
    def position(self) -> float:
        """MB that were read."""
        return self._file.position

    def rows(self) -> Iterator[RawRow | BadRow]:
        """A row for each line that is not blank."""
        for line in self._file.lines():
            number = self._file.line
            if not line:
                yield BadRow(number, _("too long"))
            elif line.strip():
                try:
                    yield RawRow(number, self._value(line))
                except RowProblem as problem:
                    yield BadRow(number, problem.reason, problem.detail)

    @abstractmethod
    def _value(self, line: str) -> Any:
        """What a line holds.

        Raises:
            RowProblem: nothing that could be used.
        """

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class TextLines(LineFile):
    """A file with one conversation a line, the turns told apart by marks: the guide's own format."""

    kind = "lines"

    def __init__(self, file: TextFile) -> None:
        super().__init__(file)
        self.columns = ("text",)

    def _value(self, line: str) -> dict[str, str]:
        check_letters(line, self.encoding)
        return {"text": line.rstrip("\r\n")}
