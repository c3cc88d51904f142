"""JSON files: one object a line, one list of objects, an object that holds such a list, or objects one after another.

A list is split into its items before any of them is read, so that a file of any size fits into memory and one broken
item costs only itself.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from tui_tuner.importing.encodings import check_letters
from tui_tuner.importing.rows import LONGEST_DETAIL, LONGEST_ROW, BadRow, RawRow, RowProblem, Source
from tui_tuner.importing.shapes import TURN_NAMES, as_record, guess_shape
from tui_tuner.importing.text_file import TextFile
from tui_tuner.language import _

PIECE = 1 << 18  # characters read at once
MOST_RECOVERIES = 100
MOST_TRIES = 2000
MOST_KEYS = 50
# A whole text, a bracket, the beginning of a text that goes on, or a bare word such as a number.
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}"]|[^\s,:"\[\]{}]+', re.DOTALL)
_HOLDER = re.compile(r'"([^"\\]*)"\s*:\s*\[\s*(?=[{\[])')


def read_json_text(text: str, encoding: str) -> Any:
    """The value that `text` is.

    Raises:
        RowProblem: it is none, or its letters are damaged.
    """
    check_letters(text, encoding)
    try:
        return json.loads(text)
    except RecursionError:
        raise RowProblem(_("nested too deeply")) from None
    except ValueError as error:
        raise RowProblem(_("not valid JSON"), str(error)) from None


def find_rows(head: str, *, is_all: bool) -> tuple[int, bool]:
    """Where the rows begin in a file that is one JSON value or several, and whether they are the items of a list.

    Args:
        head: the beginning of the file.
        is_all: whether that is the whole file.
    """
    start = len(head) - len(head.lstrip())
    if head.startswith("[", start):
        return start + 1, True
    splitter = _Splitter(iter((head, "")).__next__, in_list=False)
    found = list(itertools.islice(splitter.items(), 2))
    if len(found) > 1 and found[0][1]:
        return start, False  # objects one after the other
    only = read_row(1, found[0][0], "") if found and is_all else None
    if isinstance(only, RawRow) and guess_shape([as_record(only.value)]):
        return start, False  # one conversation
    holder = next((match for match in _HOLDER.finditer(head) if match.group(1).casefold() not in TURN_NAMES), None)
    return (holder.end(), True) if holder else (start, False)


class JsonLines(Source):
    """A file with one JSON value a line."""

    kind = "jsonl"

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
                yield read_row(number, line, self.encoding)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_row(place: int, text: str, encoding: str) -> RawRow | BadRow:
    """The row that `text` holds."""
    try:
        return RawRow(place, read_json_text(text, encoding))
    except RowProblem as problem:
        return BadRow(place, problem.reason, problem.detail)


class JsonItems(Source):
    """A file with one JSON list, or objects one after the other.

    Args:
        file: at its beginning.
        skip: characters before the first item.
        in_list: whether a closing bracket ends the rows.
    """

    kind = "json"
    places = "item"

    def __init__(self, file: TextFile, skip: int, *, in_list: bool) -> None:
        super().__init__()
        self._file, self._in_list = file, in_list
        self.size, self.encoding = file.size, file.encoding.name
        file.read(skip)

    @property
    def position(self) -> float:
        """MB that were read."""
        return self._file.position

    def rows(self) -> Iterator[RawRow | BadRow]:
        """A row for each item."""
        splitter = _Splitter(lambda: self._file.read(PIECE), in_list=self._in_list)
        for number, (text, whole) in enumerate(splitter.items(), start=1):
            if whole:
                row = read_row(number, text, self.encoding)
                if isinstance(row, RawRow):
                    splitter.learn(row.value)
                yield row
            else:
                yield BadRow(number, _("broken off, or a bracket or quotation mark too few"), text[:LONGEST_DETAIL])

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class _Splitter:
    """Cuts JSON text into the items of a list.

    Args:
        more: gives the next piece of the text, an empty one at its end.
        in_list: whether a closing bracket ends it.
    """

    def __init__(self, more: Callable[[], str], *, in_list: bool) -> None:
        self._more, self._in_list = more, in_list
        self._buffer, self._place = "", 0
        self._recoveries = 0
        self._keys: set[frozenset[str]] = set()

    def learn(self, value: Any) -> None:
        """Remember what a good item looks like, to know the next one behind a broken one."""
        if isinstance(value, dict) and len(self._keys) < MOST_KEYS:
            self._keys.add(frozenset(value))

    def items(self) -> Iterator[tuple[str, bool]]:
        """The text of each item, and whether it is whole; one that is not ends where the next can be told."""
        while (found := self._next()) is not None:
            start, end, whole = found
            self._place = end
            yield self._buffer[start:end], whole
            if self._place > PIECE:
                self._buffer, self._place = self._buffer[self._place :], 0

    def _next(self) -> tuple[int, int, bool] | None:
        """Where the next item is in the buffer, and whether it is whole; None behind the last one."""
        depth, start, place = 0, self._place, self._place
        while True:
            match = _TOKEN.search(self._buffer, place)
            token = match.group() if match else ""
            if token in ("", '"') or (token[-1] not in '[]{}"' and match and match.end() == len(self._buffer)):
                if not token and not depth:  # nothing but commas and spaces
                    start = place = self._place = len(self._buffer)
                if len(self._buffer) - start > LONGEST_ROW:
                    return self._recovered(start)
                if self._read_on():
                    continue
            if match is None or token == '"':
                return self._recovered(start) if depth or match else None
            if not depth:
                start = match.start()
                if token == "]" and self._in_list:
                    return None
            place = match.end()
            depth += (token in "[{") - (token in "]}")
            if depth <= 0:
                return start, place, True

    def _read_on(self) -> bool:
        piece = self._more()
        self._buffer += piece
        return bool(piece)

    def _recovered(self, start: int) -> tuple[int, int, bool]:
        """A broken item: up to where an object begins that looks like the good ones before, or all there is."""
        self._recoveries += 1
        place, decoder = start, json.JSONDecoder()
        for _try in range(MOST_TRIES if self._recoveries <= MOST_RECOVERIES else 0):
            place = self._buffer.find("{", place + 1)
            if place < 0:
                break
            with contextlib.suppress(ValueError, RecursionError):
                value, _end = decoder.raw_decode(self._buffer, place)
                if frozenset(value) in self._keys:
                    return start, place, False
        return start, len(self._buffer), False
