"""Parquet files, a batch of rows at a time, through arro3: a tenth of pyarrow's size."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tui_tuner.errors import DatasetError
from tui_tuner.importing.extra import needed
from tui_tuner.importing.rows import BadRow, RawRow, Source
from tui_tuner.language import _
from tui_tuner.plain_text import one_line


class ParquetFile(Source):
    """A Parquet file.

    Raises:
        DatasetError: it is damaged, or arro3 is not installed.
    """

    kind = "parquet"
    places = "row"
    unit = "rows"

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path, self._read = path, 0
        module = needed("arro3.io", path, "Parquet")
        try:
            self._batches = iter(module.read_parquet(str(path)))
            self._batch = next(self._batches, None)
        except Exception as error:  # its own errors, of no common kind
            raise DatasetError(
                _("the Parquet file cannot be read: {error}", error=one_line(str(error), 200)),
                where=str(path),
                advice=_("Write it again, or save it as JSON Lines."),
            ) from error
        self.columns = tuple(self._batch.schema.names) if self._batch is not None else ()

    @property
    def position(self) -> float:
        """Rows that were read."""
        return self._read

    def rows(self) -> Iterator[RawRow | BadRow]:
        """Every row."""
        while self._batch is not None:
            for row in _plain_rows(self._batch, self.columns):
                self._read += 1
                yield RawRow(self._read, row)
            try:
                self._batch = next(self._batches, None)
            except Exception as error:
                yield BadRow(self._read + 1, _("the file is damaged from here on"), str(error))
                return

    def close(self) -> None:
        """Let the file go."""
        self._batch, self._batches = None, iter(())


def _plain_rows(batch: Any, names: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    columns = [batch.column(place) for place in range(len(names))]
    for place in range(batch.num_rows):
        yield {name: column[place].as_py() for name, column in zip(names, columns, strict=True)}
