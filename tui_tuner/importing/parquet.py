"""Parquet files, some rows at a time, through DuckDB: a third of the size of pyarrow, and damage is only an error."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tui_tuner.errors import DatasetError
from tui_tuner.importing.extra import needed
from tui_tuner.importing.rows import BadRow, RawRow, Source
from tui_tuner.language import _
from tui_tuner.plain_text import one_line

AT_ONCE = 500
# It reads one file on this machine; nothing is to be fetched for that.
_SETTINGS = {"threads": 2, "autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}


class ParquetFile(Source):
    """A Parquet file.

    Raises:
        DatasetError: it is damaged, or DuckDB is not installed.
    """

    kind = "parquet"
    places = "row"
    unit = "rows"

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._read = 0
        duckdb = needed("duckdb", path, "Parquet")
        self._error = duckdb.Error
        self._database: Any = duckdb.connect(":memory:", config=_SETTINGS)
        # In this language of queries * and ? in a name stand for other files.
        name = "".join(f"[{letter}]" if letter in "*?[" else letter for letter in str(path))
        try:
            counted = self._database.execute("SELECT num_rows FROM parquet_file_metadata(?)", [name]).fetchone()
            self._rows = self._database.execute("SELECT * FROM read_parquet(?)", [name])
        except duckdb.Error as error:
            self._database.close()
            raise DatasetError(
                _("the Parquet file cannot be read: {error}", error=one_line(str(error), 200)),
                where=str(path),
                advice=_("Write it again, or save it as JSON Lines."),
            ) from error
        self.size = counted[0]
        self.columns = tuple(column[0] for column in self._rows.description)

    @property
    def position(self) -> float:
        """Rows that were read."""
        return self._read

    def rows(self) -> Iterator[RawRow | BadRow]:
        """Every row."""
        while True:
            try:
                some = self._rows.fetchmany(AT_ONCE)
            except (self._error, UnicodeDecodeError) as error:
                yield BadRow(self._read + 1, _("the file is damaged from here on"), str(error))
                return
            if not some:
                return
            for cells in some:
                self._read += 1
                yield RawRow(self._read, dict(zip(self.columns, cells, strict=True)))

    def close(self) -> None:
        """Let the file go."""
        self._database.close()
