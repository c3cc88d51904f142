"""Runs side by side: results, the settings in which they differ, and on demand those in which they agree."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import ScrollableContainer
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer, Static

from tui_tuner.actions import bindings_of
from tui_tuner.errors import TunerError
from tui_tuner.language import _
from tui_tuner.run_columns import table_lines
from tui_tuner.training.run_table import RunTable, compare_runs


class TableRead(Message):
    """The runs, side by side, or why they cannot be; posted from the thread that read them."""

    def __init__(self, table: RunTable | None, problem: TunerError | None) -> None:
        super().__init__()
        self.table, self.problem = table, problem


class RunCompareScreen(Screen[None]):
    """Scrolls through the table in both directions.

    Args:
        runs: folders, in the order of the columns.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("run_compare")]
    DEFAULT_CSS = """
    RunCompareScreen {
        #title { height: 1; padding: 0 1; color: $text-accent; text-style: bold; }
        #table { height: 1fr; padding: 0 1; scrollbar-size-vertical: 1; scrollbar-size-horizontal: 1; }
        #rows { width: auto; height: auto; text-wrap: nowrap; }
        #legend { height: 1; padding: 0 1; color: $text-muted; }
    }
    """

    def __init__(self, runs: Sequence[Path]) -> None:
        super().__init__()
        self._folders = list(runs)
        self._table: RunTable | None = None
        self._all = False

    def compose(self) -> ComposeResult:
        """The table, and what its signs mean."""
        yield Static(_("Runs side by side"), id="title", markup=False)
        with ScrollableContainer(id="table"):
            yield Static(_("reading the runs…"), id="rows", markup=False)
        yield Static(_("≠ the runs differ   ★ the best"), id="legend", markup=False)
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Read them; the arrow keys scroll."""
        self.query_one("#table").focus()
        self._read()

    @work(thread=True, exclusive=True, description="comparing runs")
    def _read(self) -> None:
        try:
            self.post_message(TableRead(compare_runs(self._folders), None))
        except TunerError as error:
            self.post_message(TableRead(None, error))

    def on_table_read(self, message: TableRead) -> None:
        """Show it."""
        self._table = message.table
        if message.problem is not None:
            self.query_one("#rows", Static).update(Content.styled(str(message.problem), "$text-error"))
        self._draw()

    def _draw(self) -> None:
        if self._table is None:
            return
        lines = list(table_lines(self._table, everything=self._all))
        drawn = [Content.styled(lines[0], "bold"), *(_toned(line) for line in lines[1:])]
        self.query_one("#rows", Static).update(Content("\n").join(drawn))

    def action_all(self) -> None:
        """Show also the settings in which all agree, or not."""
        self._all = not self._all
        self._draw()

    def action_leave(self) -> None:
        """Go back."""
        self.dismiss()


def _toned(line: str) -> Content:
    tones = {"≠": "bold", "!": "$text-warning", "=": "$foreground 65%"}
    return Content.styled(line, tones.get(line[:1], ""))
