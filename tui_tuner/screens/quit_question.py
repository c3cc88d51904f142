"""Asked before quitting while work runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from tui_tuner.language import _


class QuitQuestion(ModalScreen[bool]):
    """Says what runs; returns True to stop it with everything kept and quit.

    Args:
        running: the jobs, as a person reads them.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        ("y,q,ctrl+q", "leave", _("stop and quit")),
        ("n,escape", "stay", _("go on")),
        ("left,right", "app.focus_next", _("other button")),
    ]

    DEFAULT_CSS = """
    QuitQuestion { align: center middle; }
    QuitQuestion > Vertical {
        width: 60; max-width: 95%; height: auto; border: round $warning; background: $surface; padding: 1 2 0 2;
    }
    QuitQuestion Horizontal { height: auto; margin-top: 1; align-horizontal: right; }
    QuitQuestion Button { margin-left: 2; }
    """

    def __init__(self, running: Sequence[str]) -> None:
        super().__init__()
        self._jobs = ", ".join(running)

    def compose(self) -> ComposeResult:
        """The question and its two answers."""
        with Vertical():
            yield Static(
                _(
                    "Still running: {names}.\nQuitting stops it; everything done so far is kept and can be resumed.",
                    names=self._jobs,
                ),
                markup=False,
            )
            with Horizontal():
                yield Button(_("Go on (n)"), id="stay", variant="primary", compact=True)
                yield Button(_("Stop and quit (y)"), id="leave", compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer with the pressed button."""
        self.dismiss(event.button.id == "leave")

    def action_leave(self) -> None:
        """Stop the work and quit."""
        self.dismiss(True)

    def action_stay(self) -> None:
        """Go on."""
        self.dismiss(False)
