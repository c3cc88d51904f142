"""A line of settings whose value is chosen from a list on a screen of its own; Enter asks for that list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from tui_tuner.language import _
from tui_tuner.plain_text import one_line

QUIET = "$foreground 65%"


class ChosenLine(Static, can_focus=True):
    """Says what is chosen; `Wanted` asks for the list.

    Args:
        label: what it is.
        names: what is chosen now.
        id: tells one line from another.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "choose", _("choose"), key_display="enter"),
        Binding("escape", "leave", _("leave it")),
    ]
    DEFAULT_CSS = """
    ChosenLine { height: 1; padding: 0 1; }
    ChosenLine:focus { background: $accent 25%; }
    """

    class Wanted(Message):
        """A person wants to choose."""

        def __init__(self, line: ChosenLine) -> None:
            super().__init__()
            self.line = line

        @property
        def control(self) -> ChosenLine:
            """The line."""
            return self.line

    def __init__(self, label: str, names: Sequence[str], *, id: str) -> None:
        super().__init__(markup=False, id=id)
        self._label = label
        self.show_names(names)

    def show_names(self, names: Sequence[str]) -> None:
        """Say what is chosen."""
        shown = ", ".join(one_line(name, 40) for name in names)
        label = Content.styled(f"{self._label:16}", QUIET)
        self.update(label + Content(f" {shown}") + Content.styled("   " + _("enter chooses"), QUIET))

    def action_choose(self) -> None:
        """Ask for the list."""
        self.post_message(self.Wanted(self))

    def action_leave(self) -> None:
        """Give the keys back to the screen."""
        self.screen.set_focus(None)
