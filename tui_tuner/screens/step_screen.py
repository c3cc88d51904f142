"""What every step's screen shares: the step bar on top, the keys at the bottom, and how it hears of its job."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Footer, Static

from tui_tuner.actions import bindings_of
from tui_tuner.errors import TunerError
from tui_tuner.job_board import JobBoard
from tui_tuner.jobs import Job, JobEnded, Work
from tui_tuner.language import _
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Event
from tui_tuner.project import Project
from tui_tuner.step_marks import step_marks
from tui_tuner.widgets.step_bar import StepBar, StepMark

if TYPE_CHECKING:
    from tui_tuner.app import TunerApp


class StepScreen(Screen[None]):
    """One step of the journey. A subclass gives its key, its body and how it is drawn from what is known.

    It is drawn from the project's files and from its job's view alone (`show`), so it looks the same after a restart,
    and leaving it never stops its work.
    """

    step: ClassVar[str]
    about: ClassVar[str]  # one or two sentences for the help screen
    BINDINGS: ClassVar[list[BindingType]] = []
    AUTO_FOCUS = ""  # a form's first field would swallow the number keys

    DEFAULT_CSS = """
    StepScreen {
        #title { height: 1; padding: 0 1; color: $text-muted; }
        #body { height: 1fr; }
        #verdict { height: auto; max-height: 3; padding: 0 1; }
    }
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Bind the step's own keys from the table of actions."""
        if "step" in cls.__dict__:
            cls.BINDINGS = [*bindings_of(cls.step)]
        super().__init_subclass__(**kwargs)

    @property
    def tuner(self) -> TunerApp:
        """The app, by its own type."""
        from tui_tuner.app import TunerApp

        app = self.app
        assert isinstance(app, TunerApp)
        return app

    @property
    def board(self) -> JobBoard:
        """The app's jobs."""
        return self.tuner.board

    @property
    def project(self) -> Project | None:
        """The open project."""
        return self.tuner.project

    def __init__(self) -> None:
        super().__init__()
        self._blocked_by = ""

    def compose(self) -> ComposeResult:
        """Put the shared frame around the step's body."""
        yield Static(id="title", markup=False)
        yield StepBar()
        with Vertical(id="body"):
            yield from self.body()
        yield Static(id="verdict", markup=False)
        yield Footer(show_command_palette=False, compact=True)

    def body(self) -> ComposeResult:
        """The step's own widgets."""
        raise NotImplementedError

    def show(self) -> None:
        """Draw everything from the project and the job's view. Cheap: called at every piece of news."""

    def heard(self, events: list[Event]) -> None:
        """Take in what the job said, in order, after its view has; then the screen is drawn again."""

    def works_now(self, action: str) -> bool:
        """Whether one of the step's actions makes sense now; the footer leaves out the others."""
        running = self.board.running(self.step)
        return {"start": not running, "stop": running, "pause": running}.get(action, True)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Let only actions through that make sense now."""
        return self.works_now(action)

    def on_screen_resume(self) -> None:
        """Draw what happened while another screen was on top."""
        self.show_frame()
        self.show()

    def show_frame(self) -> None:
        """Draw the title and the step bar."""
        project = self.project
        model = f" · {project.choices.model.name.rstrip('/').rpartition('/')[2]}" if project else ""
        name = project.name if project else _("no project")
        # Asked while the screen is being made or taken away, there is nothing to draw yet or any more.
        for title in self.query("#title").results(Static):
            title.update(Content(one_line(f"tuner  {name}{model}")))
        marks = step_marks(project, self.board, machine_is_ready=self.tuner.machine_is_ready)
        for bar in self.query(StepBar):
            bar.show(marks, self.step)
        self._show_what_blocks(next(mark for mark in marks if mark.key == self.step))

    def _show_what_blocks(self, mark: StepMark) -> None:
        """Say what blocks the step, and take that back once nothing does: another step's job may have mended it."""
        why = mark.why if mark.state == "blocked" else ""
        if why != self._blocked_by and self.query("#verdict"):
            self._blocked_by = why
            self.say(why, tone="text-warning")

    def say(self, text: str, *, tone: str = "") -> None:
        """Put a sentence on the line above the keys; `tone` is a theme colour such as `warning`."""
        self.query_one("#verdict", Static).update(Content.styled(one_line(text), f"${tone}" if tone else ""))

    def say_how_it_ended(self, ended: JobEnded) -> None:
        """Say what a job that ended has to say, and what to do next."""
        text = ". ".join(part.rstrip(".") for part in (ended.message, ended.advice) if part)
        self.say(text, tone="text-error" if ended.outcome == "failed" else "")

    def start_job(self, work: Work, view: Any, *, on_engine: bool = True) -> Job | None:
        """Start the step's job; say why if it cannot start."""
        try:
            self.tuner.bench.require_own_project()
            if on_engine and self.step != "chat":
                # A model that was talked with gives its memory to the work.
                self.board.engine.submit(self.tuner.talk.let_go)
            job = self.board.start(self.step, work, view, on_engine=on_engine)
        except TunerError as error:
            self.tuner.complain(error)
            return None
        self.tuner.show_frames()
        self.show()
        return job

    def action_pause(self) -> None:
        """Hold the step's job at its next unit of work, or let it go on."""
        job = self.board.jobs.get(self.step)
        if job is None or not job.running:
            self.say(_("Nothing is running; g starts."))
        elif job.stop_token.paused:
            job.stop_token.unpause()
            self.say(_("Going on."))
        else:
            job.stop_token.pause()
            self.say(_("Paused: space goes on."), tone="text-warning")

    def choose_base_model(self, after: Callable[[], None]) -> None:
        """Show the base models to choose from, then go on with `after`."""
        from tui_tuner.screens.base_models import BaseModelScreen

        self.app.push_screen(BaseModelScreen(self.tuner), lambda _nothing: after())

    def action_stop(self) -> None:
        """Ask the step's job to save and stop."""
        if self.board.stop(self.step):
            self.say(_("Stopping: saving what is done…"), tone="warning")

    def focus_body(self) -> None:
        """Take the focus off text fields, so that the step's single-letter keys work."""
        target: Widget | None = None
        self.set_focus(target)
