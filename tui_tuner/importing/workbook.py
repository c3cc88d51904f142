"""Excel workbooks, one sheet of them, row by row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tui_tuner.errors import DatasetError
from tui_tuner.importing.database import chosen_table, other_tables
from tui_tuner.importing.extra import needed
from tui_tuner.importing.rows import BadRow, RawRow, Source
from tui_tuner.importing.shapes import column_name
from tui_tuner.language import _
from tui_tuner.plain_text import one_line

Cells = tuple[object, ...]


class Workbook(Source):
    """One sheet of a workbook; its first row names the columns.

    Args:
        path: the file.
        sheet: its name; where none is named, the one whose columns look most like conversations.

    Raises:
        DatasetError: it is damaged, or openpyxl is not installed.
        UsageError: there is no sheet of this name.
    """

    kind = "xlsx"
    places = "row"
    unit = "rows"

    def __init__(self, path: Path, sheet: str) -> None:
        super().__init__()
        self._path, self._read = path, 0
        module = needed("openpyxl", path, "XLSX")
        try:
            self._book = module.load_workbook(path, read_only=True, data_only=True)
            headings = {name: self._heading(name) for name in self._book.sheetnames}
        except Exception as error:  # a damaged archive, damaged XML, and whatever else it trips over
            raise DatasetError(
                _("the workbook cannot be read: {error}", error=one_line(str(error), 200)),
                where=str(path),
                advice=_("Open it in a spreadsheet and save it again, or save the sheet as CSV."),
            ) from error
        self.tables = tuple(headings)
        self.table = chosen_table(self.tables, sheet, headings.__getitem__)
        if len(self.tables) > 1 and not sheet:
            self.doubts.append(other_tables(self.table, self.tables))
        self.columns = headings[self.table]
        self.size = max((self._book[self.table].max_row or 1) - 1, 0)

    def _heading(self, name: str) -> tuple[str, ...]:
        first: Cells = next(self._book[name].iter_rows(max_row=1, values_only=True), ())
        return tuple(column_name(place) if cell is None else str(cell).strip() for place, cell in enumerate(first))

    @property
    def position(self) -> float:
        """Rows that were read."""
        return self._read

    def rows(self) -> Iterator[RawRow | BadRow]:
        """Every row below the names that is not blank, numbered as the spreadsheet does."""
        found = self._book[self.table].iter_rows(min_row=2, values_only=True)
        number = 1
        while True:
            try:
                cells: Cells | None = next(found, None)
            except Exception as error:
                yield BadRow(number + 1, _("the workbook is damaged from here on"), str(error))
                return
            if cells is None:
                return
            number += 1
            self._read += 1
            if any(cell is not None for cell in cells):
                yield RawRow(number, dict(zip(self.columns, cells, strict=False)))

    def close(self) -> None:
        """Close the file."""
        self._book.close()
