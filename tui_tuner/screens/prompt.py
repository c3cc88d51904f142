"""The prompt for questions: read it as it is sent, change it, and try it once before the run."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer, Static, TextArea

from tui_tuner.choices import DatasetChoice
from tui_tuner.configuration import parse_value
from tui_tuner.dataset.plan import plan_dataset
from tui_tuner.dataset.question_prompts import built_in, prompt_of
from tui_tuner.dataset.trying import PromptTried, prompt_sent
from tui_tuner.errors import TunerError
from tui_tuner.language import _
from tui_tuner.plain_text import one_line, printable
from tui_tuner.project import Project
from tui_tuner.step_work import dataset_needs_engine, prompt_trying_work
from tui_tuner.widgets.job_line import JobLine

if TYPE_CHECKING:
    from tui_tuner.app import TunerApp

LONGEST_SHOWN = 300  # characters of what was dropped


class SentKnown(Message):
    """The prompt as it would be sent, or why there is none; posted from the thread that made it."""

    def __init__(self, text: str, problem: bool) -> None:
        super().__init__()
        self.text, self.problem = text, problem


class PromptScreen(Screen[None]):
    """The prompt above, and below it what the teacher gets or, after a try, what came back.

    Every change that is a good prompt is kept at once; a try writes nothing to the data.

    Args:
        project: whose prompt.
        tuner: keeps the changed project, and has the MLX thread.
    """

    AUTO_FOCUS = "#prompt"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+t", "try", _("try once"), priority=True, key_display="ctrl+t"),
        Binding("ctrl+r", "built_in", _("built-in words"), priority=True, key_display="ctrl+r"),
        Binding("f2", "sent", _("as it is sent"), priority=True),
        Binding("escape", "leave", _("back"), priority=True, key_display="esc"),
    ]
    DEFAULT_CSS = """
    PromptScreen {
        .heading { height: auto; padding: 0 1; color: $text-accent; text-style: bold; }
        #about { height: auto; padding: 0 1; color: $text-muted; }
        #prompt { height: 2fr; min-height: 5; border: none; padding: 0 1; background: $surface; }
        #below { height: 3fr; padding: 0 1; scrollbar-size-vertical: 1; }
    }
    """

    def __init__(self, project: Project, tuner: TunerApp) -> None:
        super().__init__()
        self._project, self._tuner = project, tuner
        self._continues = dataset_needs_engine(project)
        self._setting = "one_question_prompt" if self._continues else "question_prompt"
        self._line = JobLine(id="state")
        self._tries = 0
        self._tried: PromptTried | None = None
        self._problem = ""

    @property
    def _choice(self) -> DatasetChoice:
        return self._project.choices.dataset

    def compose(self) -> ComposeResult:
        """What it is, the prompt, what comes of it, and a line for what happened."""
        known = next(field for field in dataclasses.fields(DatasetChoice) if field.name == self._setting)
        names = " ".join(f"{{{name}}}" for name in known.metadata["placeholders"])
        yield Static(_("What the teacher is told when it is asked for questions"), classes="heading", markup=False)
        yield Static(_("filled in for you: {names}", names=names), id="about", markup=False)
        yield TextArea(prompt_of(self._choice, continues=self._continues), id="prompt", tab_behavior="focus")
        yield Static(id="title", classes="heading", markup=False)
        with VerticalScroll(id="below"):
            yield Static(id="text", markup=False)
        yield self._line
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Show what would be sent."""
        self._make_sent()

    # -- the prompt ----------------------------------------------------------------------------------------------------

    def on_text_area_changed(self) -> None:
        """Keep a good prompt; say what is wrong with another one."""
        text = self.query_one("#prompt", TextArea).text.strip()
        own = "" if text == built_in(self._choice, continues=self._continues) else text
        try:
            value = parse_value(DatasetChoice, self._setting, own)
        except TunerError as error:
            self._problem = f"{error.what}. {error.advice}"
            self._line.say(self._problem, "$text-error")
            return
        self._problem = ""
        if own == getattr(self._choice, self._setting):
            return
        self._line.say("")
        project = self._project.with_choice("dataset", dataclasses.replace(self._choice, **{self._setting: value}))
        if self._tuner.change_project(project):
            self._project = project
            self._tried = None
            self._make_sent()

    def action_built_in(self) -> None:
        """Go back to the built-in words."""
        self.query_one("#prompt", TextArea).text = built_in(self._choice, continues=self._continues)
        self._line.say(_("These are the built-in words."))

    def action_sent(self) -> None:
        """Show what is sent, also after a try."""
        self._tried = None
        self._make_sent()

    @work(thread=True, exclusive=True, group="sent", description="filling the prompt in")
    def _make_sent(self) -> None:
        try:
            self.post_message(SentKnown(prompt_sent(plan_dataset(self._project), continues=self._continues), False))
        except TunerError as error:
            self.post_message(SentKnown(f"{error.what}. {error.advice}", True))

    def on_sent_known(self, message: SentKnown) -> None:
        """Show it, unless what came back is on the screen."""
        if self._tried is None:
            self._show(_("As it is sent"), Content.styled(printable(message.text), "$text-error" * message.problem))
            if self._continues:  # what is asked stands last there, after questions about other things
                self.query_one("#below", VerticalScroll).scroll_end(animate=False)

    # -- a try ---------------------------------------------------------------------------------------------------------

    def action_try(self) -> None:
        """Ask the chosen teacher once."""
        if self._line.running:
            self._line.say(_("The last try is not over yet; esc leaves it."))
            return
        if self._problem:
            self._line.say(self._problem, "$text-error")
            return
        self._tries += 1
        engine = self._tuner.board.engine if self._continues else None
        self._line.start(_("trying the prompt"), prompt_trying_work(self._project, tries=self._tries - 1), engine)

    def on_job_line_news(self, message: JobLine.News) -> None:
        """Show what came back."""
        event = message.event
        if isinstance(event, PromptTried):
            self._tried = event
            counts = {"kept": len(event.questions), "dropped": len(event.dropped), "teacher": event.teacher}
            self._show(
                _("{kept} would be kept, {dropped} dropped · {teacher}", **counts),
                Content("\n").join(_lines(event)),
            )
            self._line.say(_("Nothing was written. ctrl+t asks again with another seed; F2 shows what is sent."))

    def action_leave(self) -> None:
        """Go back to the Dataset step."""
        self.dismiss()

    # -- what is seen --------------------------------------------------------------------------------------------------

    def _show(self, title: str, text: Content) -> None:
        self.query_one("#title", Static).update(Content(one_line(title, 200)))
        self.query_one("#text", Static).update(text)
        self.query_one("#below", VerticalScroll).scroll_home(animate=False)


def _lines(tried: PromptTried) -> list[Content]:
    kept = [Content.assemble(("✓ ", "$text-success"), one_line(question)) for question in tried.questions]
    return kept + [
        Content.assemble(
            ("✗ ", "$text-warning"),
            one_line(text, LONGEST_SHOWN),
            (f" ({one_line(why, LONGEST_SHOWN)})", "$foreground 65%"),
        )
        for text, why in tried.dropped
    ]
