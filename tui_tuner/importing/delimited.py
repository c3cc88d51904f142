"""CSV, TSV and their relatives: cells between delimiters, some of them in quotation marks and over several lines."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from tui_tuner.importing.guessing import guess_shape
from tui_tuner.importing.rows import LONGEST_ROW, BadRow, RawRow, RowProblem, Source, check_letters
from tui_tuner.importing.shapes import column_name
from tui_tuner.importing.text_file import TextFile
from tui_tuner.language import _

MOST_LINES = 5000  # of one record: beyond it a quotation mark was never closed
SAMPLE_RECORDS = 200
LONGEST_HEADING = 60
DELIMITERS = ",;\t|"
_NAMED = re.compile(r"\ufeff?sep=(.)\r?\n")


@dataclass(frozen=True)
class Dialect:
    """How cells are told apart.

    Attributes:
        delimiter: between two cells.
        quoted: whether quotation marks may hold a delimiter or the end of a line.
        named: whether the first line only says so, as Excel writes it: `sep=;`.
    """

    delimiter: str
    quoted: bool = True
    named: bool = False


class _Feeder:
    """Gives the lines of a file to the reader of records, and takes back what a broken record took."""

    def __init__(self, file: TextFile | None, lines: Sequence[str] = ()) -> None:
        self._file, self._lines = file, iter(lines)
        self._back: deque[tuple[int, str]] = deque()
        self.taken: list[tuple[int, str]] = []
        self._letters = 0
        self._number = 0

    def begin(self) -> None:
        """A new record begins."""
        self.taken, self._letters = [], 0

    def give_back(self) -> tuple[int, str] | None:
        """Take back all lines of this record but the first, which is returned."""
        if not self.taken:
            return None
        self._back.extendleft(reversed(self.taken[1:]))
        return self.taken[0]

    def __iter__(self) -> _Feeder:
        return self

    def __next__(self) -> str:
        if len(self.taken) >= MOST_LINES or self._letters > LONGEST_ROW:
            raise StopIteration
        number, line = self._back.popleft() if self._back else self._read()
        self.taken.append((number, line))
        self._letters += len(line)
        # A line too long to hold comes as an empty one; a blank line would be no record at all.
        return line if line else "\0\n"

    def _read(self) -> tuple[int, str]:
        if self._file is not None:
            line = self._file.next_line()
            if line is None:
                raise StopIteration
            return self._file.line, line
        self._number += 1
        return self._number, next(self._lines)


@dataclass(frozen=True)
class _Broken:
    reason: str
    detail: str = ""


def _records(feeder: _Feeder, dialect: Dialect) -> Iterator[tuple[int, list[str] | _Broken]]:
    """Each record with the line it begins in; a broken one costs its first line, and what follows is read anew."""
    csv.field_size_limit(2 * LONGEST_ROW)
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if dialect.quoted else csv.QUOTE_NONE
    reader = csv.reader(feeder, delimiter=dialect.delimiter, quoting=quoting, strict=True)
    while True:
        feeder.begin()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            first = feeder.give_back()
            if first is None:
                return
            yield first[0], _broken(str(error))
            continue
        number, line = feeder.taken[0] if feeder.taken else (0, "x")
        if not line:
            yield number, _Broken(_("too long"))
        elif cells:
            yield number, cells


def _broken(error: str) -> _Broken:
    if "unexpected end" in error:
        return _Broken(_("a quotation mark is never closed"))
    if "expected after" in error:
        return _Broken(_("text behind a closing quotation mark"))
    return _Broken(_("not valid CSV"), error)


def find_dialect(text: str, *, is_all: bool = True) -> Dialect | None:
    """The dialect in which most records of `text` have the same number of cells, at least two.

    Args:
        text: the beginning of a file.
        is_all: whether that is all of it; otherwise its last record does not count.
    """
    if named := _NAMED.match(text):
        return Dialect(named.group(1), named=True)
    lines = io.StringIO(text, newline="").readlines()[: SAMPLE_RECORDS * 5]
    best, most = None, 0.0
    for dialect in [*map(Dialect, DELIMITERS), Dialect("\t", quoted=False)]:
        if dialect.delimiter not in text:
            continue
        records = [record for _line, record in _records(_Feeder(None, lines), dialect)][:SAMPLE_RECORDS]
        if not is_all and len(records) > 1:
            records.pop()
        widths = Counter(len(record) for record in records if not isinstance(record, _Broken))
        width, number = max(widths.items(), key=lambda pair: (pair[1], pair[0]), default=(0, 0))
        if width < 2:
            continue
        agreement = number / len(records) + (0.2 if _names_roles(records) else 0.0)
        if agreement > most:
            best, most = dialect, agreement
    return best if most > 0.5 else None


def _names_roles(records: Sequence[list[str] | _Broken]) -> bool:
    first = records[0]
    return (
        not isinstance(first, _Broken) and guess_shape([dict.fromkeys(_stripped(first))]) is not None and len(first) > 1
    )


class DelimitedFile(Source):
    """A file of records; the first one names the columns, if it looks like it."""

    kind = "csv"

    def __init__(self, file: TextFile, dialect: Dialect) -> None:
        super().__init__()
        self._file = file
        self.size, self.encoding = file.size, file.encoding.name
        self._records = _records(_Feeder(file), dialect)
        self._first: list[tuple[int, list[str] | _Broken]] = []
        self._read_heading()

    @property
    def position(self) -> float:
        """MB that were read."""
        return self._file.position

    def _read_heading(self) -> None:
        for number, cells in self._records:
            if isinstance(cells, _Broken):
                self._first.append((number, cells))
                continue
            names = _stripped(cells)
            if _is_heading(names):
                self.columns = tuple(names)
            else:
                self.columns = tuple(column_name(place) for place in range(len(cells)))
                self._first.append((number, cells))
                self.doubts.append(_("its first line does not look like names of columns: it is read as a row"))
            return

    def rows(self) -> Iterator[RawRow | BadRow]:
        """A row for each record behind the names."""
        width = len(self.columns)
        for source in (self._first, self._records):
            for number, cells in source:
                if isinstance(cells, _Broken):
                    yield BadRow(number, cells.reason, cells.detail)
                    continue
                while len(cells) > width and not cells[-1].strip():
                    cells.pop()
                try:
                    self._check(cells, width)
                except RowProblem as problem:
                    yield BadRow(number, problem.reason, problem.detail)
                else:
                    yield RawRow(number, dict(zip(self.columns, cells, strict=True)))

    def _check(self, cells: list[str], width: int) -> None:
        if len(cells) != width:
            reason = _("too few columns") if len(cells) < width else _("too many columns")
            raise RowProblem(reason, _("{number} instead of {width}", number=len(cells), width=width))
        for cell in cells:
            check_letters(cell, self.encoding)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _stripped(cells: Sequence[str]) -> list[str]:
    return [cell.strip() for cell in cells]


def _is_heading(names: Sequence[str]) -> bool:
    """Names are short, all there, all different, and no sentences."""
    whole = all(name and len(name) <= LONGEST_HEADING and "\n" not in name for name in names)
    sentences = any(name.endswith(("?", ".", "!", "？", "。")) for name in names)
    numbers = any(name.replace(".", "", 1).isdigit() for name in names)
    return whole and not sentences and not numbers and len(set(names)) == len(names)
