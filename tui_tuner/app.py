"""TunerApp: the open project, its jobs, and what is said of them, whatever step is on the screen.

Starts with nothing heavy imported: MLX comes in on its own thread when a step first needs it, and a screen when it
is first shown.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import logging
from typing import TYPE_CHECKING, Any, ClassVar

from textual import work
from textual.app import SystemCommand
from textual.binding import BindingType
from textual.screen import Screen

from tui_tuner.actions import EVERYWHERE, actions_of, bindings_of
from tui_tuner.engine import Engine
from tui_tuner.errors import TunerError
from tui_tuner.hang_up import end_on_signals
from tui_tuner.job_board import JobBoard, JobNews
from tui_tuner.journey import STEPS
from tui_tuner.language import _
from tui_tuner.news_desk import NewsDesk
from tui_tuner.plain_text import one_line
from tui_tuner.project import Project
from tui_tuner.settings import Settings
from tui_tuner.stepping_app import SteppingApp
from tui_tuner.workbench import Workbench

if TYPE_CHECKING:
    from tui_tuner.chat.talk import Talk

log = logging.getLogger(__name__)


class TunerApp(SteppingApp):
    """The app.

    Args:
        project: the project to open; None shows the welcome.
        settings: what was remembered from the last time.
        greeting: a sentence to show at the start, such as why the last project could not be opened.
    """

    TITLE = "tuner"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(EVERYWHERE)]
    COMMAND_PALETTE_DISPLAY = "ctrl+p"
    # A small terminal keeps what matters most; each screen's styles say what that is.
    HORIZONTAL_BREAKPOINTS: list[tuple[int, str]] | None = [(0, "-narrow"), (60, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS: list[tuple[int, str]] | None = [(0, "-short"), (18, "-tall")]  # noqa: RUF012
    CSS = """
    OptionList {
        border: none; padding: 0; background: transparent; scrollbar-size-vertical: 1;
        text-wrap: nowrap; text-overflow: ellipsis;
        &:focus { border: none; background: transparent; }
        & > .option-list--option-highlighted { background: $accent 15%; color: $foreground; text-style: none; }
        &:focus > .option-list--option-highlighted { background: $accent 30%; color: $foreground; text-style: none; }
    }
    VerticalScroll, RichLog, TextArea { scrollbar-size-vertical: 1; }
    """

    def __init__(
        self, project: Project | None, settings: Settings, *, greeting: str = "", watched_run: str = ""
    ) -> None:
        super().__init__(settings.theme)
        self.bench = Workbench(settings)
        self.machine_is_ready = False  # said by the Environment screen when its checks have passed
        self.engine = Engine()
        self.board = JobBoard(self, self.engine)
        self.watched_run = watched_run  # the run the Train step shows at first; empty for the latest one
        self._first_project, self._greeting = project, greeting
        self._news = NewsDesk(self)

    @functools.cached_property
    def talk(self) -> Talk:
        """The model one talks with; what holds it is imported with the first word."""
        from tui_tuner.chat.talk import Talk

        return Talk()

    # -- the start and the end ---------------------------------------------------------------------------------------

    def get_default_screen(self) -> Screen[Any]:
        """The last step of the project, or the welcome. As the first screen of all it is what is painted first."""
        if self._first_project is None:
            from tui_tuner.screens.welcome import Welcome

            return Welcome()
        self.bench.open(self._first_project)
        step_key = self.bench.settings.last_step
        return self.get_screen(step_key if step_key in self.SCREENS else STEPS[0].key)

    def on_mount(self) -> None:
        """Say what the start has found out; what can wait waits for the first paint."""
        self.set_timer(0.3, self._after_first_paint)
        end_on_signals(self.board.stop_all, self.board.wait, self.close)
        if self._greeting:
            self.notify(self._greeting, severity="warning", timeout=10, markup=False)
        if self.bench.locked_out is not None and not self.watched_run:
            self.complain(self.bench.locked_out)

    async def _after_first_paint(self) -> None:
        gc.enable()  # switched off by the command, for the start
        from tui_tuner.logs import start_logging

        start_logging()
        await self.load_all_themes(self.bench.settings.theme, lambda name: self.bench.remember(theme=name))

    async def action_quit(self) -> None:
        """Quit; ask first while work runs."""
        running = self.board.all_running()
        if not running:
            self.stop_and_exit()
            return
        from tui_tuner.screens.quit_question import QuitQuestion

        names = [self.board.jobs[key].name for key in running]

        def answered(leave: bool | None) -> None:
            if leave:
                self.stop_and_exit()

        self.push_screen(QuitQuestion(names), answered)

    @work(exclusive=True)
    async def stop_and_exit(self) -> None:
        """Stop every job, wait until what they have is saved, and end."""
        if self.board.all_running():
            self.notify(_("Saving what is done…"), timeout=60, markup=False)
        self.board.stop_all()
        await asyncio.to_thread(self.board.wait)
        self.exit(0)

    def close(self) -> None:
        """Give back the engine's thread and the project. Called when the terminal is the shell's again."""
        self.board.stop_all()
        self.engine.close()
        self.bench.close()

    def _fatal_error(self) -> None:
        """Say in a line that the program made a mistake; Textual would print a traceback with every variable."""
        from rich.text import Text

        from tui_tuner.logs import log_file, start_logging

        start_logging()
        log.error("the app failed", exc_info=self._exception)
        self.bell()
        text = _("tuner: a mistake of the program: {error}", error=one_line(repr(self._exception)))
        advice = _("What was done is kept; start it again. The details are in {file}", file=log_file())
        self._exit_renderables.append(Text(f"{text}\n{advice}"))
        self._close_messages_no_wait()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Moving between steps and help belong to steps."""
        return self.current_step is not None if action in ("next_step", "previous_step", "help") else True

    # -- projects ----------------------------------------------------------------------------------------------------

    @property
    def project(self) -> Project | None:
        """The open project."""
        return self.bench.project

    def open(self, project: Project, step_key: str) -> None:
        """Make `project` the open one and show a step of it."""
        self.bench.open(project)
        if self.bench.locked_out is not None:
            self.complain(self.bench.locked_out)
        while len(self.screen_stack) > 1:
            self.pop_screen()
        self.forget_screens()
        self.board.jobs.clear()
        self.board.views.clear()
        self.show_step(step_key)

    def change_project(self, project: Project) -> bool:
        """Keep changed choices; say so and return False if that fails."""
        try:
            self.bench.change(project)
        except TunerError as error:
            self.complain(error)
            return False
        self.show_frames()
        return True

    # -- steps -------------------------------------------------------------------------------------------------------

    def may_show(self, step_key: str) -> bool:
        """Without a project there is only the machine to look at."""
        if self.project is None and step_key != "environment":
            self.notify(_("Open or make a project first."), severity="warning", markup=False)
            return False
        return True

    def has_shown(self, step_key: str) -> None:
        """Open there the next time."""
        if self.project is not None:
            self.bench.remember(last_step=step_key)

    def show_frames(self) -> None:
        """Draw the title and the step bar again after something changed."""
        show = getattr(self.screen, "show_frame", None)
        if show is not None:
            show()
            self.screen.refresh_bindings()

    # -- news of jobs ------------------------------------------------------------------------------------------------

    def on_job_news(self, message: JobNews) -> None:
        """A job has said something."""
        self._news.hear(message.step_key)

    # -- saying things -----------------------------------------------------------------------------------------------

    def complain(self, error: TunerError) -> None:
        """Show an error: what, where, what to do."""
        self.notify(str(error), severity="error", timeout=10, markup=False)

    def action_help(self) -> None:
        """Show what this screen is for, and its keys."""
        from tui_tuner.screens.help import HelpScreen

        if self.current_step is not None:
            self.push_screen(HelpScreen(self.current_step, getattr(self.screen, "about", "")))

    def action_projects(self) -> None:
        """Open or make a project."""
        if running := self.board.all_running():
            names = ", ".join(self.board.jobs[key].name for key in running)
            self.notify(_("Stop this first: {names}", names=names), severity="warning", markup=False)
            return
        self.show_welcome()

    def show_welcome(self) -> None:
        """Offer a new project, an existing one, or the demo."""
        from tui_tuner.screens.welcome import Welcome

        if not isinstance(self.screen, Welcome):
            self.push_screen(Welcome())

    def get_system_commands(self, screen: Screen[Any]) -> Any:
        """Every action that works now, and Textual's own, in the command palette."""
        step_key = getattr(screen, "step", "")
        for action in [*actions_of(step_key), *actions_of(EVERYWHERE)]:
            target = self if action.where == EVERYWHERE else screen
            if target.check_action(action.name, ()):
                run = functools.partial(screen.run_action, action.command)
                yield SystemCommand(action.label.capitalize(), action.help, run)
        yield SystemCommand(_("Theme"), _("Choose the colours."), self.action_change_theme)
        yield SystemCommand(_("Screenshot"), _("Save an SVG picture of the screen."), self.deliver_screenshot)
