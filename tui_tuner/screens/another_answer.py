"""Asking the teacher once more for one answer: the one there is above, the new one below."""

from __future__ import annotations

import contextlib
import secrets
import threading
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer, Static

from tui_tuner.dataset.another_answer import AnotherAnswer, AnotherAnswers
from tui_tuner.dataset.examples import Example
from tui_tuner.dataset.plan import plan_dataset
from tui_tuner.errors import TunerError
from tui_tuner.job_board import JobBoard
from tui_tuner.jobs import JobEnded
from tui_tuner.language import _
from tui_tuner.plain_text import one_line, printable
from tui_tuner.progress import Emit, StopToken
from tui_tuner.project import Project
from tui_tuner.step_work import dataset_needs_engine, open_chosen_teacher
from tui_tuner.widgets.job_line import JobLine


class AnotherAnswerScreen(ModalScreen[Example | None]):
    """Returns the example with the new answer where the person takes it, None otherwise.

    Args:
        project: who is asked, and how.
        board: where work on the MLX thread goes.
        example: whose last answer is asked for anew.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "take", _("take the new one")),
        Binding("r", "again", _("ask again")),
        Binding("escape,q", "leave", _("keep the old one"), key_display="esc"),
    ]
    DEFAULT_CSS = """
    AnotherAnswerScreen { background: $background; }
    AnotherAnswerScreen VerticalScroll { height: 1fr; padding: 0 1; }
    """

    def __init__(self, project: Project, board: JobBoard, example: Example) -> None:
        super().__init__()
        self._board, self._example = board, example
        self._on_engine = dataset_needs_engine(project)
        self._answers = AnotherAnswers(
            lambda stop: (plan_dataset(project), open_chosen_teacher(project, self._line.tell, stop))
        )
        self._line = JobLine(id="state")
        self._found: AnotherAnswer | None = None
        # Not how often it was asked: whoever comes back tomorrow wants something new, too.
        self._tries = secrets.randbelow(2**31)

    def compose(self) -> ComposeResult:
        """The conversation with both answers, and how the asking goes."""
        with VerticalScroll():
            yield Static(id="answers", markup=False)
        yield self._line
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Ask at once: that is what one came for."""
        self.query_one(VerticalScroll).focus()
        self._show()
        self.action_again()

    def on_unmount(self) -> None:
        """Give back the teacher where it was opened: on its own thread. The line has stopped what was being written."""
        if self._on_engine:
            with contextlib.suppress(TunerError):  # the program is closing, and the thread ends anyway
                self._board.engine.submit(self._answers.close)
        else:
            threading.Thread(target=self._close_when_done, name="closing a teacher", daemon=True).start()

    def _close_when_done(self) -> None:
        if self._line.job is not None:
            self._line.job.wait()
        self._answers.close()

    # -- asking --------------------------------------------------------------------------------------------------------

    def action_again(self) -> None:
        """Ask once more, with another seed."""
        if self._line.running:
            self._line.say(_("The answer is still being written; esc keeps the old one."))
            return
        self._tries += 1
        tries = self._tries

        def work(_emit: Emit, stop: StopToken) -> AnotherAnswer:
            return self._answers.ask(self._example, tries, stop)

        self._line.start(_("asking for another answer"), work, self._board.engine if self._on_engine else None)

    def on_job_line_news(self, message: JobLine.News) -> None:
        """Show the new answer."""
        event, job = message.event, self._line.job
        if isinstance(event, JobEnded) and event.outcome == "done" and job is not None:
            found: AnotherAnswer = job.result
            self._found = found
            self._line.say(self._verdict(found), "$text-warning" if found.objection else "")
            self._show()
            self.query_one(VerticalScroll).scroll_end(animate=False)

    def _verdict(self, found: AnotherAnswer) -> str:
        if found.objection is not None:
            return _("The checks would refuse the new one: {reason}.", reason=found.objection.text)
        if found.example.messages == self._example.messages:
            return _("It is the same again, word for word: with a temperature of 0 there is no other.")
        return _("Enter puts the new answer in the old one's place; u takes that back.")

    # -- taking --------------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There has to be a new answer before it can be taken."""
        return self._found is not None if action == "take" else True

    def action_take(self) -> None:
        """Take the new answer."""
        if self._found is not None and not self._line.running:
            self.dismiss(self._found.example)

    def action_leave(self) -> None:
        """Keep the old one."""
        self.dismiss(None)

    # -- what is seen --------------------------------------------------------------------------------------------------

    def _show(self) -> None:
        parts: list[Content] = []
        for message in self._example.messages[:-1]:
            parts += _turn(one_line(message["role"], 20), message["content"], "bold $text-accent")
        parts += _turn(_("the answer there is"), self._example.messages[-1]["content"], "bold $text-accent")
        if self._found is not None:
            who = _("the new one, by {name}", name=one_line(self._found.example.source, 80))
            parts += _turn(who, self._found.example.messages[-1]["content"], "bold $text-success")
        self.query_one("#answers", Static).update(Content("\n").join(parts))
        self.refresh_bindings()


def _turn(heading: str, text: str, style: str) -> list[Content]:
    return [Content.styled(heading, style), Content(printable(text))]
