"""The question before anything leaves this machine: every file, its size, where to, and who will see it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui_tuner.language import _


class UploadQuestion(ModalScreen[bool]):
    """Returns True for yes, which only one key says.

    Args:
        lines: what would be uploaded, as `HubPlan.in_words` tells it.
    """

    AUTO_FOCUS = "VerticalScroll"
    BINDINGS: ClassVar[list[BindingType]] = [
        ("y", "answer(True)", _("upload")),
        ("n,escape", "answer(False)", _("no")),
    ]
    DEFAULT_CSS = """
    UploadQuestion { align: center middle; }
    UploadQuestion > Vertical {
        width: 70; max-width: 95%; height: auto; max-height: 90%; border: round $warning; background: $surface;
        padding: 1 2;
    }
    UploadQuestion VerticalScroll { height: auto; max-height: 12; }
    UploadQuestion #answers { margin-top: 1; }
    """

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__()
        self._lines = list(lines)

    def compose(self) -> ComposeResult:
        """Where to, the files, and the keys."""
        with Vertical():
            yield Static(Content.styled(self._lines[0], "bold"), id="where")
            with VerticalScroll():
                yield Static(Content("\n".join(self._lines[1:])), id="files")
            keys = _("y uploads exactly this   n, esc: nothing leaves this machine")
            yield Static(Content.styled(keys, "$text-accent"), id="answers")

    def action_answer(self, answer: bool) -> None:
        """Answer by key."""
        self.dismiss(answer)
