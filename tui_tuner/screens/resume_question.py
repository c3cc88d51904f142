"""Asked before a run goes on that began with other settings or data than there are now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from tui_tuner.language import _
from tui_tuner.plain_text import one_line
from tui_tuner.training.changes import Change
from tui_tuner.training.run_config import TRAIN_FILE, VALID_FILE

Answer = Literal["as it began", "as it is now"]


class ResumeQuestion(ModalScreen[Answer | None]):
    """Says what has changed; returns how to go on, None for not at all.

    Only what can be done is offered: as it began, unless the data have changed or a finished run would have nothing
    left to do; as it is now, unless something has changed that cannot within a run.

    Args:
        run: the run's name.
        changes: at least one.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        ("b", "answer('as it began')", _("as it began")),
        ("y", "answer('as it is now')", _("as it is now")),
        ("n,escape", "dismiss(None)", _("not at all")),
        ("left", "app.focus_previous", _("other button")),
        ("right", "app.focus_next", _("other button")),
    ]

    DEFAULT_CSS = """
    ResumeQuestion { align: center middle; }
    ResumeQuestion > Vertical {
        width: 76; max-width: 95%; height: auto; max-height: 90%; border: round $warning; background: $surface;
        padding: 1 2 0 2;
    }
    ResumeQuestion VerticalScroll { height: auto; max-height: 12; margin: 1 0; }
    ResumeQuestion Horizontal { height: auto; margin-top: 1; align-horizontal: right; }
    ResumeQuestion Button { margin-left: 2; }
    """

    def __init__(self, run: str, changes: Sequence[Change]) -> None:
        super().__init__()
        self._run, self._changes = run, changes
        self._possible: dict[Answer, bool] = {
            "as it began": not any(change.name in (TRAIN_FILE, VALID_FILE, "model", "iters") for change in changes),
            "as it is now": not any(change.fixed for change in changes),
        }

    def compose(self) -> ComposeResult:
        """What has changed, and the answers."""
        with Vertical():
            yield Static(_("{run} began otherwise:", run=self._run), markup=False)
            with VerticalScroll(can_focus=False):
                yield Static("\n".join(map(_line, self._changes)), markup=False)
            yield Static(self._outlook(), markup=False)
            with Horizontal():
                yield Button(_("Not at all (n)"), id="no", compact=True)
                if self._possible["as it began"]:
                    yield Button(_("As it began (b)"), id="began", variant="primary", compact=True)
                if self._possible["as it is now"]:
                    yield Button(_("As it is now (y)"), id="now", compact=True)

    def on_mount(self) -> None:
        """The harmless answer is the one under Enter."""
        self.query("#began, #no").last(Button).focus()

    def _outlook(self) -> str:
        if self._possible["as it is now"]:
            return _("As it is now it goes on from its last checkpoint; the change is written into its story.")
        if self._possible["as it began"]:
            return _("What cannot change within a run needs a new one: g starts it.")
        return _("Set it back to go on, or start a new run with g.")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer with the pressed button."""
        answers: dict[str, Answer | None] = {"began": "as it began", "now": "as it is now"}
        self.dismiss(answers.get(event.button.id or ""))

    def action_answer(self, answer: Answer) -> None:
        """Answer by key, where this answer is offered."""
        if self._possible[answer]:
            self.dismiss(answer)


def _line(change: Change) -> str:
    text = "  " + one_line(change.text, 200)
    return _("{text} (cannot change within a run)", text=text) if change.fixed else text
