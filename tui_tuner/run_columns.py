"""Runs side by side as lines of text, in columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len, set_cell_size

from tui_tuner.language import _
from tui_tuner.plain_text import one_line
from tui_tuner.training.run_table import RunTable, TableRow

WIDEST = 28  # cells of one run


def table_lines(table: RunTable, *, everything: bool = False) -> Iterator[str]:
    """The table: results, then the settings that differ, marked with ≠; the best result of a row has a ★.

    `everything`: the settings in which all agree follow, marked with =.
    """
    shown = [*_shown(table), *(table.same if everything else ())]
    widths = [
        min(max(cell_len(text) for text in (name, *(row.values[place] for row in shown))) + 2, WIDEST)
        for place, name in enumerate(table.runs)
    ]
    label = max(cell_len(row.label) for row in shown)
    yield _line("", table.runs, label, widths)
    for row in table.results:
        yield _line(row.label, [_marked(row, place) for place in range(len(row.values))], label, widths)
    different = [row for row in table.settings if row.differs]
    if different:
        yield ""
        for row in different:
            yield _line(row.label, row.values, label, widths, sign="≠")
    elif len(table.runs) > 1:
        yield _("All settings are the same.")
    if everything:
        yield ""
        for row in table.same:
            yield _line(row.label, row.values, label, widths, sign="=")
    yield from (f"! {text}" for text in table.warnings)


def _shown(table: RunTable) -> list[TableRow]:
    return [*table.results, *(row for row in table.settings if row.differs)]


def _marked(row: TableRow, place: int) -> str:
    return f"{row.values[place]} ★" if row.best == place else row.values[place]


def _line(label: str, values: Sequence[str], room: int, widths: Sequence[int], sign: str = " ") -> str:
    cells = [set_cell_size(one_line(value, width), width) for value, width in zip(values, widths, strict=True)]
    return f"{sign} {set_cell_size(label, room)}  {'  '.join(cells)}".rstrip()
