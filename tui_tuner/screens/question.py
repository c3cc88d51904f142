"""A question with two answers, before something is done that concerns more than what is under the cursor."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from tui_tuner.language import _


class Question(ModalScreen[bool]):
    """Returns True for yes.

    Args:
        text: what is asked.
        yes: the answer that does it, without its key.
        no: the other one.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        ("y", "answer(True)", _("yes")),
        ("n,escape", "answer(False)", _("no")),
        ("left,right", "app.focus_next", _("other button")),
    ]

    DEFAULT_CSS = """
    Question { align: center middle; }
    Question > Vertical {
        width: 60; max-width: 95%; height: auto; border: round $warning; background: $surface; padding: 1 2 0 2;
    }
    Question Horizontal { height: auto; margin-top: 1; align-horizontal: right; }
    Question Button { margin-left: 2; }
    """

    def __init__(self, text: str, *, yes: str, no: str) -> None:
        super().__init__()
        self._text, self._yes, self._no = text, yes, no

    def compose(self) -> ComposeResult:
        """The question and its two answers."""
        with Vertical():
            yield Static(self._text, markup=False)
            with Horizontal():
                yield Button(_("{answer} (n)", answer=self._no), id="no", variant="primary", compact=True)
                yield Button(_("{answer} (y)", answer=self._yes), id="yes", compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer with the pressed button."""
        self.dismiss(event.button.id == "yes")

    def action_answer(self, answer: bool) -> None:
        """Answer by key."""
        self.dismiss(answer)
