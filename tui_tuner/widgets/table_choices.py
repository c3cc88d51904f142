"""Which table of a file is read, and which of its columns says what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Select, Static

from tui_tuner.language import _
from tui_tuner.plain_text import one_line
from tui_tuner.widgets.column_choices import ColumnChoices

LONGEST = 60  # letters of a table's name that are shown


class TableChoices(Widget):
    """A row for the table, where there are several, and the columns below it. Says `Chosen` when a person changes one.

    Attributes:
        table: the one a person chose; empty takes the likeliest.
        mapping: the columns a person chose for roles.
    """

    DEFAULT_CSS = """
    TableChoices {
        height: auto; display: none;
        &.shown { display: block; }
        #table-row { height: 1; display: none; }
        #table-row.shown { display: block; }
        #table-row > Static { width: 10; padding: 0 1; color: $foreground 80%; }
        #table { width: 1fr; height: 1; margin-right: 1; }
        #table > SelectCurrent { height: 1; padding: 0 1; background: $surface; }
        #table:focus > SelectCurrent { border: none; background: $accent 20%; background-tint: transparent; }
    }
    """

    class Chosen(Message):
        """Another table or column is to be read."""

    def __init__(self) -> None:
        super().__init__()
        self.forget()

    def compose(self) -> ComposeResult:
        """The table above, its columns below."""
        with Horizontal(id="table-row"):
            yield Static(_("table"), markup=False)
            yield Select[str]((), compact=True, id="table")
        yield ColumnChoices()

    def forget(self) -> None:
        """Take back what was chosen: it is another file."""
        self.table, self.mapping = "", dict[str, str]()

    def show(self, tables: Sequence[str], table: str, columns: Sequence[str], chosen: Mapping[str, str]) -> None:
        """Offer these tables and columns, and mark the chosen ones; nobody is told."""
        self.add_class("shown")
        self.query_one("#table-row").set_class(len(tables) > 1, "shown")
        self.query_one(ColumnChoices).show(columns, chosen)
        select = self.query_one("#table", Select)
        with self.prevent(Select.Changed):
            select.set_options([(one_line(name, LONGEST), name) for name in tables])
            if table in tables:
                select.value = table

    def hide(self) -> None:
        """Take them out of sight."""
        self.remove_class("shown")

    def on_column_choices_chosen(self, message: ColumnChoices.Chosen) -> None:
        """Take another column for a role."""
        message.stop()
        self.mapping[message.role] = message.column
        self.post_message(self.Chosen())

    @on(Select.Changed, "#table")
    def choose_table(self, event: Select.Changed) -> None:
        """Take another table."""
        event.stop()
        if not event.select.is_blank():
            self.table, self.mapping = str(event.value), {}
            self.post_message(self.Chosen())
