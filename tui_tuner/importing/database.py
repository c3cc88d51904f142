"""Tables of an SQLite database, opened so that nothing in it can change."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

from tui_tuner.encodings import UTF8
from tui_tuner.errors import DatasetError, UsageError
from tui_tuner.importing.guessing import guess_shape
from tui_tuner.importing.rows import BadRow, RawRow, RowProblem, Source, check_letters
from tui_tuner.language import _
from tui_tuner.plain_text import one_line


class Database(Source):
    """One table or view of a database.

    Args:
        path: the file.
        table: its name; where none is named, the one whose columns look most like conversations.

    Raises:
        DatasetError: it is damaged, or has no table.
        UsageError: there is no table of this name.
    """

    kind = "sqlite"
    places = "row"
    unit = "rows"

    def __init__(self, path: Path, table: str) -> None:
        super().__init__()
        self._read = 0
        self._path = path
        try:
            self._database = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, check_same_thread=False)
            self._database.text_factory = lambda content: content.decode("utf-8", "surrogateescape")
            try:
                self._choose(table)
            except BaseException:
                self._database.close()
                raise
        except sqlite3.Error as error:
            raise DatasetError(
                _("the database cannot be read: {error}", error=one_line(str(error), 200)),
                where=str(path),
                advice=_advice(str(error)),
            ) from error

    def _choose(self, table: str) -> None:
        query = (
            "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        )
        self.tables = tuple(str(row[0]) for row in self._database.execute(query))
        if not self.tables:
            raise DatasetError(_("the database has no table"), where=str(self._path), advice=_("Choose another file."))
        self.table = chosen_table(self.tables, table, self._columns)
        if len(self.tables) > 1 and not table:
            self.doubts.append(other_tables(self.table, self.tables))
        self.columns = self._columns(self.table)
        self.size = self._database.execute(f"SELECT count(*) FROM {_name(self.table)}").fetchone()[0]

    def _columns(self, table: str) -> tuple[str, ...]:
        found = self._database.execute(f"SELECT * FROM {_name(table)} LIMIT 0").description
        return tuple(str(column[0]) for column in found)

    @property
    def position(self) -> float:
        """Rows that were read."""
        return self._read

    def rows(self) -> Iterator[RawRow | BadRow]:
        """Every row of the table, with its rowid where it has one."""
        name, place = _name(self.table), 0
        found: sqlite3.Cursor | None = None
        while True:
            try:
                if found is None:
                    found = self._database.execute(f"SELECT {self._rowid()}, * FROM {name}")
                row = found.fetchone()
            except sqlite3.Error as error:
                yield BadRow(place + 1, _("the database is damaged from here on"), str(error))
                return
            if row is None:
                return
            self._read += 1
            place = row[0] if isinstance(row[0], int) else self._read
            try:
                for cell in row[1:]:
                    if isinstance(cell, str):
                        check_letters(cell, UTF8)
            except RowProblem as problem:
                yield BadRow(place, problem.reason, problem.detail)
            else:
                yield RawRow(place, dict(zip(self.columns, row[1:], strict=True)))

    def _rowid(self) -> str:
        """The rowid, or nothing for a view or a table WITHOUT ROWID."""
        try:
            self._database.execute(f"SELECT rowid FROM {_name(self.table)} LIMIT 0")
        except sqlite3.OperationalError:
            return "NULL"
        return "rowid"

    def close(self) -> None:
        """Close the database."""
        self._database.close()


def _advice(error: str) -> str:
    if "readonly" in error:  # a journal lies beside it, and whoever reads would first have to undo what is in it
        return _(
            "Another program was killed while it wrote: open it once with that program, or with: sqlite3 FILE .tables"
        )
    if "locked" in error:
        return _("Close the program that writes to it, then try again.")
    return _("Mend it with: sqlite3 FILE .recover")


def _name(table: str) -> str:
    return '"' + table.replace('"', '""') + '"'


def chosen_table(tables: tuple[str, ...], wanted: str, columns_of_table: Callable[[str], tuple[str, ...]]) -> str:
    """The wanted table, or the first whose columns look like conversations.

    Raises:
        UsageError: there is no table of this name.
    """
    if wanted and wanted not in tables:
        raise UsageError(
            _("there is no table {name}", name=repr(wanted)), advice=_("There is: {names}.", names=", ".join(tables))
        )
    if wanted:
        return wanted
    shapes = {table: guess_shape([dict.fromkeys(columns_of_table(table))]) for table in tables}
    # A table with a single column could hold anything.
    pairs = (table for table, shape in shapes.items() if shape and shape.form != "text")
    return next(pairs, next((table for table, shape in shapes.items() if shape), tables[0]))


def other_tables(table: str, tables: tuple[str, ...]) -> str:
    """That there are other tables than the one that is read."""
    others = ", ".join(name for name in tables if name != table)
    return _("{table} is read; there is also: {others}", table=table, others=one_line(others, 200))
