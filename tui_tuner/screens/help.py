"""What a step is for and its keys, drawn from the table of actions."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui_tuner.actions import EVERYWHERE, Action, actions_of, key_display
from tui_tuner.journey import step
from tui_tuner.language import _


class HelpScreen(ModalScreen[None]):
    """Help for one step, or for a screen that opens from one; any of the usual keys closes it.

    Args:
        where: whose keys, as in the table of actions.
        about: what it is for.
        title: what it is called; a step has its own name. Other screens have no keys that are everywhere.
    """

    BINDINGS: ClassVar[list[BindingType]] = [("escape,question_mark,f1,q,enter", "dismiss", _("close"))]

    DEFAULT_CSS = """
    HelpScreen { align: center middle; }
    HelpScreen VerticalScroll {
        width: 76; max-width: 95%; height: auto; max-height: 90%;
        border: round $accent; background: $surface; padding: 0 1;
        border-title-color: $accent; border-subtitle-color: $text-muted;
    }
    """

    def __init__(self, where: str, about: str, title: str = "") -> None:
        super().__init__()
        self._where, self._about, self._title = where, about, title

    def compose(self) -> ComposeResult:
        """One text, scrolled where it is long."""
        with VerticalScroll() as box:
            box.border_title = self._title or step(self._where).name
            box.border_subtitle = _("esc closes")
            yield Static(self._text())

    def _text(self) -> Content:
        rows = [Content(self._about), Content("")]
        rows += [_row(action) for action in actions_of(self._where)]
        if self._title:
            return Content("\n").join(rows)
        rows += [Content(""), Content.styled(_("1–6  go to a step, when no text is being typed"), "$foreground 65%")]
        rows += [_row(action) for action in actions_of(EVERYWHERE) if not action.name.startswith("go_to")]
        rows += [Content.assemble((f"{'ctrl+p':<8}", "bold $accent"), _("Find any command by name."))]
        return Content("\n").join(rows)


def _row(action: Action) -> Content:
    return Content.assemble((f"{key_display(action.key):<8}", "bold $accent"), action.help)
