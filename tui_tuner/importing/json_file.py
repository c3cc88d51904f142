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

from tui_tuner.importing.guessing import TURN_NAMES, guess_shape
from tui_tuner.importing.rows import LONGEST_DETAIL, LONGEST_ROW, BadRow, RawRow, RowProblem, Source, check_letters
from tui_tuner.importing.shapes import as_record
from tui_tuner.importing.text_file import TextFile
from tui_tuner.importing.text_lines import LineFile
from tui_tuner.language import _
from tui_tuner.plain_text import one_line

PIECE = 1 << 18  # characters read at once, at least
MOST_RECOVERIES = 100
MOST_TRIES = 2000
MOST_KEYS = 50
# A whole text, a bracket, the beginning of a text that goes on, or a bare word such as a number.
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}"]|[^\s,:"\[\]{}]+', re.DOTALL)
_ENDED = re.compile(r"\s*(?:[,\]]|\Z)")
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
    pieces = iter([head])
    found = list(itertools.islice(_Splitter(lambda _size: next(pieces, ""), "", in_list=False).rows(), 2))
    if len(found) > 1 and isinstance(found[0], RawRow):
        return start, False  # objects one after the other
    if is_all and found and isinstance(found[0], RawRow) and guess_shape([as_record(found[0].value)]):
        return start, False  # one conversation
    holder = next((match for match in _HOLDER.finditer(head) if match.group(1).casefold() not in TURN_NAMES), None)
    return (holder.end(), True) if holder else (start, False)


class JsonLines(LineFile):
    """A file with one JSON value a line."""

    kind = "jsonl"

    def _value(self, line: str) -> Any:
        return read_json_text(line, self.encoding)


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
        return _Splitter(self._file.read, self.encoding, in_list=self._in_list).rows()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class _Splitter:
    """Cuts JSON text into the items of a list.

    Args:
        more: gives the next piece of the text, so many characters or fewer, and none at its end.
        encoding: of the file the text is from.
        in_list: whether a closing bracket ends it.
    """

    def __init__(self, more: Callable[[int], str], encoding: str, *, in_list: bool) -> None:
        self._more, self._encoding, self._in_list = more, encoding, in_list
        self._buffer, self._place = "", 0
        self._recoveries = 0
        self._keys: set[frozenset[str]] = set()

    def rows(self) -> Iterator[RawRow | BadRow]:
        """Each item; a broken one ends where the next can be told."""
        for number in itertools.count(1):
            found = self._next()
            if found is None:
                return
            start, self._place, whole = found
            row: RawRow | BadRow
            if whole:
                row = read_row(number, self._buffer[start : self._place], self._encoding)
            else:
                detail = self._buffer[start : start + LONGEST_DETAIL]
                row = BadRow(number, _("broken off, or a bracket or quotation mark too few"), one_line(detail))
            if isinstance(row, RawRow):
                self._learn(row.value)
            else:
                self._place = self._next_good(start, self._place)
            yield row
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
                    return start, len(self._buffer), False
                if self._read_on():
                    continue
            if match is None or token == '"':
                if not depth and match is None:
                    return None
                return (start if depth or match is None else match.start()), len(self._buffer), False
            if not depth:
                start = match.start()
                if token == "]" and self._in_list:
                    return None
            place = match.end()
            depth += (token in "[{") - (token in "]}")
            if depth <= 0:
                alone = token not in "]}" and self._in_list
                return start, place, not alone or _ENDED.match(self._buffer, place) is not None

    def _read_on(self) -> bool:
        # The more an item has already, the more: a long text is looked at anew after each piece.
        piece = self._more(max(PIECE, len(self._buffer) - self._place))
        self._buffer += piece
        return bool(piece)

    def _learn(self, value: Any) -> None:
        """Remember what a good item looks like, to know the next one behind a broken one."""
        if isinstance(value, dict) and len(self._keys) < MOST_KEYS:
            self._keys.add(frozenset(value))

    def _next_good(self, start: int, end: int) -> int:
        """Where, inside a broken item, an object begins that looks like the good ones before; `end` where none does."""
        self._recoveries += 1
        place, decoder = start, json.JSONDecoder()
        for _try in range(MOST_TRIES if self._recoveries <= MOST_RECOVERIES else 0):
            place = self._buffer.find("{", place + 1, end)
            if place < 0:
                break
            with contextlib.suppress(ValueError, RecursionError):
                value, _end = decoder.raw_decode(self._buffer, place)
                if frozenset(value) in self._keys:
                    return place
        return end
