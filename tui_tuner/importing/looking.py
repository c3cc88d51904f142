"""A look at a file before anything is imported: what it is, what its rows would become, and what is doubtful."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui_tuner.errors import UsageError
from tui_tuner.importing.guessing import forced_shape, guess_shape, mapped_shape
from tui_tuner.importing.opening import open_source, reading
from tui_tuner.importing.rows import BadRow, Kind, RawRow, RowProblem, Source
from tui_tuner.importing.shapes import FORMS, Form, Shape, as_record, column_name, columns_of
from tui_tuner.importing.turns import Conversation
from tui_tuner.language import _
from tui_tuner.plain_text import one_line

LOOKED_AT = 1000  # rows
RAW = 3  # rows that are shown as they are
LONGEST_CELL = 200  # characters
FIRST = 20  # conversations and bad rows that are shown


@dataclass(frozen=True)
class Sighting:
    """What a look at a file found.

    Attributes:
        path: the file.
        kind: "jsonl", "json", "csv", "lines", "sqlite", "parquet" or "xlsx".
        places: what the place of a row counts: "line", "item" or "row".
        table: of a database or workbook, the one that is read.
        tables: all there are.
        encoding: of text; empty for others.
        columns: all that occur.
        shape: how its rows are read; not `complete` where a person has to say more.
        first: the first conversations with their places.
        raw: the first rows as they are in the file, each column's text on one line.
        bad: the first rows that cannot be used.
        bad_rows: how many of those that were looked at.
        looked_at: how many rows were looked at.
        rows: how many there are in all, as far as that is known.
        exact: whether `rows` was counted rather than estimated.
        doubts: sentences about what was guessed.
    """

    path: Path
    kind: Kind
    places: str
    table: str
    tables: tuple[str, ...]
    encoding: str
    columns: tuple[str, ...]
    shape: Shape
    first: tuple[tuple[int, Conversation], ...]
    raw: tuple[Mapping[str, str], ...]
    bad: tuple[BadRow, ...]
    bad_rows: int
    looked_at: int
    rows: int
    exact: bool
    doubts: tuple[str, ...]


def look(
    path: Path, *, table: str = "", mapping: Mapping[str, str] | None = None, form: Form | None = None
) -> Sighting:
    """Look at the first rows of a file.

    Args:
        path: the file.
        table: of a database, the table; of a workbook, the sheet; empty takes the likeliest.
        mapping: columns of roles, going before what is guessed; an empty column takes a role away.
        form: how the rows are to be read; guessed where it is not named.

    Raises:
        DatasetError: nothing in it can be imported.
        UsageError: there is no such table, role, column or form.
        StorageError: the disk has a fault.
    """
    if form is not None and form not in FORMS:
        raise UsageError(_("there is no format {name}", name=repr(form)), advice=", ".join(FORMS))
    path = path.expanduser().absolute()
    with open_source(path, table) as source, reading(path):
        rows = list(itertools.islice(source.rows(), LOOKED_AT))
        records, bad = _records(rows)
        columns = source.columns or columns_of(records)
        shape = _shape(records, columns, mapping or {}, form)
        first: list[tuple[int, Conversation]] = []
        if shape.complete:
            first, bad = _conversations(rows, shape)
        number, exact = _how_many(source, len(rows))
        doubts = [*source.doubts, *_doubts(shape, columns, len(rows), len(bad))]
    return Sighting(
        path=path,
        kind=source.kind,
        places=source.places,
        table=source.table,
        tables=source.tables,
        encoding=source.encoding,
        columns=columns,
        shape=shape,
        first=tuple(first[:FIRST]),
        raw=tuple(_shown(record) for record in records[:RAW]),
        bad=tuple(bad[:FIRST]),
        bad_rows=len(bad),
        looked_at=len(rows),
        rows=number,
        exact=exact,
        doubts=tuple(doubts),
    )


def _shown(record: Mapping[str, Any]) -> Mapping[str, str]:
    return {str(name): one_line(str(cell)[: 2 * LONGEST_CELL], LONGEST_CELL) for name, cell in record.items()}


def _shape(
    records: list[Mapping[str, Any]], columns: tuple[str, ...], mapping: Mapping[str, str], form: Form | None
) -> Shape:
    known = records or [dict.fromkeys(columns)]
    guess = forced_shape(form, known) if form else guess_shape(known)
    return mapped_shape(guess, mapping, columns) if mapping else guess or Shape("columns", {})


def _records(rows: list[RawRow | BadRow]) -> tuple[list[Mapping[str, Any]], list[BadRow]]:
    records: list[Mapping[str, Any]] = []
    bad: list[BadRow] = []
    for row in rows:
        if isinstance(row, BadRow):
            bad.append(row)
            continue
        try:
            records.append(as_record(row.value))
        except RowProblem as problem:
            bad.append(BadRow(row.place, problem.reason, problem.detail))
    return records, bad


def _conversations(rows: list[RawRow | BadRow], shape: Shape) -> tuple[list[tuple[int, Conversation]], list[BadRow]]:
    good: list[tuple[int, Conversation]] = []
    bad: list[BadRow] = []
    for row in rows:
        read = converted(row, shape)
        if isinstance(read, BadRow):
            bad.append(read)
        else:
            good.append((row.place, read))
    return good, bad


def converted(row: RawRow | BadRow, shape: Shape) -> Conversation | BadRow:
    """The conversation that a row is, or why it is none."""
    if isinstance(row, BadRow):
        return row
    try:
        return shape.read(row.value)
    except RowProblem as problem:
        return BadRow(row.place, problem.reason, problem.detail)


def _how_many(source: Source, read: int) -> tuple[int, bool]:
    if source.unit == "rows" and source.size:
        return int(source.size), True
    if read < LOOKED_AT or not source.size or not source.position:
        return read, read < LOOKED_AT
    return max(read, round(read * source.size / source.position)), False


def _doubts(shape: Shape, columns: tuple[str, ...], read: int, bad: int) -> list[str]:
    doubts: list[str] = []
    if not shape.complete:
        doubts.append(_("nobody can tell which column is the question and which the answer"))
    elif any(column == column_name(place) for place, column in enumerate(columns)):
        doubts.append(_("the columns have no names: look whether question and answer are the right way round"))
    if shape.complete and read and bad * 2 > read:
        doubts.append(_("more than half of the rows cannot be used: look whether the columns are the right ones"))
    return doubts
