"""A text file with one conversation a line, the turns told apart by marks: the guide's own format."""

from __future__ import annotations

from collections.abc import Iterator

from tui_tuner.importing.encodings import check_letters
from tui_tuner.importing.rows import BadRow, RawRow, RowProblem, Source
from tui_tuner.importing.text_file import TextFile
from tui_tuner.language import _


class TextLines(Source):
    """A file whose lines are texts."""

    kind = "lines"

    def __init__(self, file: TextFile) -> None:
        super().__init__()
        self._file = file
        self.size, self.encoding, self.columns = file.size, file.encoding.name, ("text",)

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
                    check_letters(line, self.encoding)
                except RowProblem as problem:
                    yield BadRow(number, problem.reason, problem.detail)
                else:
                    yield RawRow(number, {"text": line.rstrip("\r\n")})

    def close(self) -> None:
        """Close the file."""
        self._file.close()
