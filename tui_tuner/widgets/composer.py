"""Where a question is typed."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea

from tui_tuner.language import _


class Composer(TextArea):
    """Enter sends what is typed, Shift+Enter or Ctrl+J begins a new line, Escape leaves."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", _("stop / leave"), show=False)]
    DEFAULT_CSS = """
    Composer { height: auto; min-height: 3; max-height: 8; border: round $panel; margin: 0; }
    Composer:focus { border: round $accent; }
    """

    class Sent(Message):
        """A question."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Left(Message):
        """The person wants to leave, or to stop what goes on."""

    def __init__(self) -> None:
        super().__init__(
            tab_behavior="focus",
            show_line_numbers=False,
            placeholder=_("Ask. ctrl+t model · f4 a second one · ctrl+s settings · f5 to data"),
        )
        self.cursor_blink = False

    async def _on_key(self, event: events.Key) -> None:
        # Not a binding with priority: that would overtake letters still waiting in this widget's queue, and a question
        # typed fast on a busy machine would be sent without its end.
        if event.key not in ("enter", "shift+enter", "ctrl+j"):
            await super()._on_key(event)
            return
        event.stop()
        event.prevent_default()
        if event.key != "enter":
            self.insert("\n")
        elif text := self.text.strip():
            self.post_message(self.Sent(text))

    def action_leave(self) -> None:
        """Say so."""
        self.post_message(self.Left())
