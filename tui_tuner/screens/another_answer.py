"""Asking the teacher once more for one answer: the one there is above, the new one below."""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Footer, Static

from tui_tuner.dataset.another_answer import AnotherAnswer, AnotherAnswers
from tui_tuner.dataset.examples import Example
from tui_tuner.dataset.plan import plan_dataset
from tui_tuner.errors import TunerError
from tui_tuner.job_board import JobBoard
from tui_tuner.jobs import Job, JobEnded
from tui_tuner.journey import dataset_needs_engine, open_chosen_teacher
from tui_tuner.language import _
from tui_tuner.plain_text import one_line, printable
from tui_tuner.progress import Emit, Event, Notice, StopToken
from tui_tuner.project import Project


class Heard(Message):
    """What the job said, posted from its thread."""

    def __init__(self, event: Event) -> None:
        super().__init__()
        self.event = event


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
    AnotherAnswerScreen #state { height: auto; max-height: 3; padding: 0 1; }
    """

    def __init__(self, project: Project, board: JobBoard, example: Example) -> None:
        super().__init__()
        self._board, self._example = board, example
        self._on_engine = dataset_needs_engine(project)
        self._answers = AnotherAnswers(
            lambda stop: (plan_dataset(project), open_chosen_teacher(project, self._hear, stop))
        )
        self._job: Job | None = None
        self._asking, self._began = False, 0.0
        self._found: AnotherAnswer | None = None
        # Not how often it was asked: whoever comes back tomorrow wants something new, too.
        self._tries = secrets.randbelow(2**31)

    def compose(self) -> ComposeResult:
        """The conversation with both answers, and how the asking goes."""
        with VerticalScroll():
            yield Static(id="answers", markup=False)
        yield Static(id="state", markup=False)
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Ask at once: that is what one came for."""
        self.query_one(VerticalScroll).focus()
        self._show()
        self.set_interval(1, self._say_how_long)
        self.action_again()

    def on_unmount(self) -> None:
        """Stop what is still being written, and give back the teacher where it was opened: on its own thread."""
        if self._job is not None:
            self._job.stop()
        if self._on_engine:
            with contextlib.suppress(TunerError):  # the program is closing, and the thread ends anyway
                self._board.engine.submit(self._answers.close)
        else:
            threading.Thread(target=self._close_when_done, name="closing a teacher", daemon=True).start()

    def _close_when_done(self) -> None:
        if self._job is not None:
            self._job.wait()
        self._answers.close()

    # -- asking --------------------------------------------------------------------------------------------------------

    def action_again(self) -> None:
        """Ask once more, with another seed."""
        if self._asking:
            self._say(_("The answer is still being written; esc keeps the old one."))
            return
        self._tries += 1
        tries = self._tries

        def work(_emit: Emit, stop: StopToken) -> AnotherAnswer:
            return self._answers.ask(self._example, tries, stop)

        job = Job(_("asking for another answer"), work, self._hear, self._board.engine if self._on_engine else None)
        try:
            job.start()
        except TunerError as error:
            self._say(f"{error.what}. {error.advice}", "$text-error")
            return
        self._job, self._asking, self._began = job, True, time.monotonic()
        self._say_how_long()

    def _hear(self, event: Event) -> None:
        self.post_message(Heard(event))

    def _say_how_long(self) -> None:
        if self._asking:
            self._say(_("asking for another answer… {seconds} s", seconds=int(time.monotonic() - self._began)))

    def on_heard(self, message: Heard) -> None:
        """Show the new answer, or say why there is none."""
        event = message.event
        if isinstance(event, Notice):
            self._say(event.text, "$text-warning")
        elif isinstance(event, JobEnded) and self._job is not None:
            self._asking = False
            if event.outcome == "done":
                self._found = self._job.result
                self._say(self._verdict(self._job.result), "$text-warning" if self._job.result.objection else "")
                self._show()
                self.query_one(VerticalScroll).scroll_end(animate=False)
            elif event.outcome == "failed":
                self._say(". ".join(part.rstrip(".") for part in (event.message, event.advice) if part), "$text-error")

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
        if self._found is not None and not self._asking:
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

    def _say(self, text: str, style: str = "") -> None:
        self.query_one("#state", Static).update(Content.styled(one_line(text, 300), style))


def _turn(heading: str, text: str, style: str) -> list[Content]:
    return [Content.styled(heading, style), Content(printable(text))]
