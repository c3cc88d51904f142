"""Which column of a table says what: one choice for each role, two side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Select, Static

from tui_tuner.language import _
from tui_tuner.plain_text import one_line

NAMES = {
    "user": _("question"),
    "assistant": _("answer"),
    "system": _("system"),
    "input": _("about"),
    "messages": _("turns"),
    "text": _("text"),
}
BESIDE = (("user", "assistant"), ("system", "input"), ("messages", "text"))
LONGEST = 30  # letters of a column's name that are shown


class ColumnChoices(Widget):
    """A row for each pair of roles. Says `Chosen` when a person changes one."""

    DEFAULT_CSS = """
    ColumnChoices {
        height: auto;
        & Horizontal { height: 1; }
        & .role { width: 10; padding: 0 1; color: $foreground 80%; }
        & Select { width: 1fr; height: 1; margin-right: 1; }
        & Select.-textual-compact > SelectCurrent { height: 1; padding: 0 1; background: $surface; }
        & Select.-textual-compact:focus > SelectCurrent {
            border: none; background: $accent 20%; background-tint: transparent;
        }
    }
    """

    class Chosen(Message):
        """A role has another column now, or none."""

        def __init__(self, role: str, column: str) -> None:
            super().__init__()
            self.role, self.column = role, column

    def compose(self) -> ComposeResult:
        """Name and choice of every role."""
        for pair in BESIDE:
            with Horizontal():
                for role in pair:
                    yield Static(NAMES[role], classes="role", markup=False)
                    yield Select[str]((), prompt="–", compact=True, id=role)

    def show(self, columns: Sequence[str], chosen: Mapping[str, str]) -> None:
        """Offer these columns and mark the chosen ones; nobody is told."""
        options = [(one_line(column, LONGEST) or "–", column) for column in columns]
        with self.prevent(Select.Changed):
            for select in self.query(Select).results(Select):
                select.set_options(options)
                column = chosen.get(select.id or "", "")
                if column in columns:
                    select.value = column
                else:
                    select.clear()

    def on_select_changed(self, event: Select.Changed) -> None:
        """Say what a person chose."""
        event.stop()
        self.post_message(self.Chosen(event.select.id or "", "" if event.select.is_blank() else str(event.value)))
