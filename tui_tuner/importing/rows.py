"""What a file holds before anybody knows what it means: rows, each with its place in the file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, ClassVar, Literal

from tui_tuner.encodings import Encoding
from tui_tuner.language import _
from tui_tuner.plain_text import one_line

Kind = Literal["jsonl", "json", "csv", "lines", "sqlite", "parquet", "xlsx", "document", "folder"]
LONGEST_ROW = 4_000_000  # characters; a longer row is no example anybody could train on
LONGEST_DETAIL = 200


class RowProblem(ValueError):
    """A row that cannot be used.

    Args:
        reason: what is wrong, the same words for the same mistake, so that they can be counted.
        detail: what is special about this one; may be empty.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason, self.detail = reason, one_line(detail, LONGEST_DETAIL)


def check_letters(text: str, encoding: str) -> None:
    """Refuse a text with bytes that are no letters in its encoding, as `Encoding.errors` has them read.

    Raises:
        RowProblem: there are some.
    """
    if text.isascii():
        return
    wide = Encoding(encoding).is_wide
    damaged = "\ufffd" in text if wide else any("\udc80" <= letter <= "\udcff" for letter in text)
    if damaged:
        raise RowProblem(_("not valid {encoding} text", encoding=encoding.upper().removesuffix("-SIG")))


@dataclass(frozen=True)
class RawRow:
    """A row as it is in the file.

    Attributes:
        place: the number a person finds it by: the line, the item of a JSON list, the rowid of a table.
        value: an object of JSON or a table's row by column, or a list or a text.
    """

    place: int
    value: Any


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be used: where, and why."""

    place: int
    reason: str
    detail: str = ""


class Source(ABC):
    """A file that is open for reading, one row after the other. Holds one row at a time.

    Attributes:
        kind: what the file is: "csv", "sqlite", …
        places: what a row's place counts: "line", "item", "row".
        encoding: of text; empty for others.
        columns: known before the first row is read; empty where each row names its own.
        tables: of a database or a workbook.
        table: the one that is read.
        doubts: sentences about what was guessed.
        size: how much there is in all, in `unit`; 0 where nobody knows.
        unit: of `size` and `position`.
    """

    kind: ClassVar[Kind]
    places: ClassVar[str] = "line"
    unit: ClassVar[str] = "MB"

    def __init__(self) -> None:
        self.encoding = ""
        self.columns: tuple[str, ...] = ()
        self.tables: tuple[str, ...] = ()
        self.table = ""
        self.doubts: list[str] = []
        self.size = 0.0

    @property
    @abstractmethod
    def position(self) -> float:
        """How much was read, in `unit`."""

    @abstractmethod
    def rows(self) -> Iterator[RawRow | BadRow]:
        """Every row in the order of the file; to be called once."""

    @abstractmethod
    def close(self) -> None:
        """Close the file."""

    def __enter__(self) -> Source:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
