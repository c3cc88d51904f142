"""Who reads the answers of a comparison blindly and says which is better: one of the teachers there are, or nobody."""

from __future__ import annotations

from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer, OptionList, Static
from textual.widgets.option_list import Option

from tui_tuner.evaluation.judges import Judge, judges
from tui_tuner.language import _
from tui_tuner.plain_text import one_line
from tui_tuner.project import Project
from tui_tuner.widgets.teacher_list import teacher_lines


class WhoJudges(ModalScreen[str | None]):
    """Returns the setting `judge`, empty for nobody; None where it stays as it is.

    Args:
        project: whose teachers they are.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,j", "leave", _("back"), key_display="esc")]
    DEFAULT_CSS = """
    WhoJudges { background: $background; }
    WhoJudges .heading { height: auto; padding: 0 1; color: $text-accent; text-style: bold; }
    WhoJudges OptionList { height: 1fr; border: none; padding: 0; }
    WhoJudges #said { height: auto; padding: 0 1; color: $text-muted; }
    """

    def __init__(self, project: Project) -> None:
        super().__init__()
        self._project, self._chosen = project, project.choices.compare.judge.strip()
        self._found: list[Judge] = []

    def compose(self) -> ComposeResult:
        """The question, who there is, and what a judge does."""
        with Vertical():
            yield Static(_("Who says which answer is better?"), classes="heading", markup=False)
            yield OptionList(Option(_("looking who is there…"), disabled=True), compact=True)
            about = _(
                "It reads both answers without knowing whose they are, in both orders; what changes with the order is "
                "not counted. A larger model judges better. Answers that are there are not asked for again."
            )
            yield Static(about, id="said", markup=False)
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Look who is there."""
        self.query_one(OptionList).focus()
        self._look()

    @work(thread=True, group="looking", description="looking who can judge")
    def _look(self) -> None:
        self.app.call_from_thread(self._show, judges(self._project))

    def _show(self, found: list[Judge]) -> None:
        self._found = found
        listed = self.query_one(OptionList)
        listed.clear_options()
        teachers = [judge.teacher for judge in found]
        chosen = [judge.teacher for judge in found if judge.setting == self._chosen]
        nobody = Content.assemble(" ", ("○ " if self._chosen else "● "), _("nobody"))
        listed.add_options([nobody, *teacher_lines(teachers, chosen, listed.content_size.width)])
        if self._chosen and not chosen:
            text = _("{name} is chosen, but not there now.", name=one_line(self._chosen, 60))
            listed.add_option(Option(Content(f" {text}"), disabled=True))
        listed.highlighted = next((place for place, one in enumerate(found, 1) if one.setting == self._chosen), 0)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take that one."""
        place = event.option_index
        self.dismiss(self._found[place - 1].setting if place else "")

    def action_leave(self) -> None:
        """Leave it as it is."""
        self.dismiss(None)
