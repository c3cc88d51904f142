"""Fine-tuning: the settings, and a dashboard that draws a live run and a past one alike."""

from __future__ import annotations

import asyncio
from typing import Any

from textual import work
from textual.app import ComposeResult

from tui_tuner.errors import TunerError
from tui_tuner.language import _, ngettext
from tui_tuner.progress import Event, Notice
from tui_tuner.screens.dashboard import Dashboard
from tui_tuner.screens.following import FollowingStep
from tui_tuner.screens.resume_question import Answer, ResumeQuestion
from tui_tuner.screens.run_settings import RunSettings
from tui_tuner.screens.training_view import TrainingView
from tui_tuner.step_work import changes_since_run, training_work
from tui_tuner.training.events import MicroBatchHalved, TrainingContinued, TrainingPaused
from tui_tuner.training.run_config import read_config
from tui_tuner.training.watching import LOOK_SECONDS


class TrainScreen(FollowingStep, RunSettings):
    """Settings or dashboard; which run the dashboard shows is the person's choice, the running one at first."""

    step = "train"
    about = _(
        "Teaches the base model from your dataset: with LoRA small adapters on its last layers learn, with full "
        "fine-tuning the layers themselves. "
        "Watch the held-out loss: while it falls the model learns; when it rises again it only memorises. "
        "The best adapter is kept. Stopping keeps everything, and resuming goes on as if nothing had happened."
    )

    def __init__(self) -> None:
        super().__init__()
        self._beside: list[str] = []  # the runs that are drawn with it

    # -- what is on the screen -----------------------------------------------------------------------------------------

    def face(self) -> ComposeResult:
        """The dashboard."""
        yield Dashboard()

    def on_mount(self) -> None:
        """Show the latest run, or the settings where there is none yet."""
        if isinstance(view := self.board.views.get(self.step), TrainingView):
            self._view = view
        elif self.project and (runs := self.project.run_folders()):
            named = [run for run in runs if run.name == self.tuner.watched_run]
            self._open_run((named or runs)[-1])
            self._newest = runs[-1]
        else:
            self.show_settings()
        self.set_interval(LOOK_SECONDS, self._follow)

    def show(self) -> None:
        """Draw the run, as far as it changed."""
        self._say_headline()
        self.query_one(Dashboard).show(self._view)

    def _say_headline(self) -> None:
        run = self._view.history.run
        text = _("No run yet · g starts one · e shows the settings")
        if run:
            text = " · ".join(filter(None, (run, self._state(), self._settings_of(run))))
        self.query_one(Dashboard).say(text)

    def _state(self) -> str:
        history = self._view.history
        if self._runs_elsewhere:
            return _("paused elsewhere") if history.paused else _("running elsewhere")
        if not (self._is_live() and self.board.running(self.step)):
            return _("finished") if history.ended and history.ended.finished else _("stopped")
        if history.paused:
            return _("paused")
        return _("pausing after this step") if self.board.jobs[self.step].stop_token.paused else _("running")

    def _settings_of(self, run: str) -> str:
        if self.project is None:
            return ""
        try:
            config = read_config(self.project.runs / run)
        except TunerError:
            return ""
        choice = config.choice
        layers = (
            _("all layers")
            if choice.num_layers < 0
            else ngettext("{n} layer", "{n} layers", choice.num_layers, n=choice.num_layers)
        )
        return _(
            "{layers}, rank {rank} · batch {batch} · lr {rate}",
            layers=layers,
            rank=choice.rank,
            batch=choice.batch_size,
            rate=f"{choice.learning_rate:g}",
        )

    # -- what a person does --------------------------------------------------------------------------------------------

    def works_now(self, action: str) -> bool:
        """Resuming needs a run that does not run."""
        if action in ("start", "resume") and self._worked_on:
            return False
        if action in ("stop", "pause") and self._runs_elsewhere:
            return True
        if action == "resume":
            return bool(self._view.history.run) and not self.board.running(self.step)
        return super().works_now(action)

    def action_start(self) -> None:
        """Start a new run."""
        if (work := self.planned_work()) is not None:
            self._start(work)

    @work(exclusive=True)
    async def action_resume(self) -> None:
        """Go on with the run on the screen; asks how where settings or data are no longer what it began with."""
        project, name = self.project_if_settings_are_good(), self._view.history.run
        if project is None or not name:
            return
        try:
            before = read_config(project.runs / name).choice
            # The dataset is read for it, which may take a while.
            changes = await asyncio.to_thread(changes_since_run, project, name)
        except TunerError as error:
            self.tuner.complain(error)
            return
        finished = self._view.history.ended is not None and self._view.history.ended.finished
        if not finished:  # its own number of steps is no change
            changes = [change for change in changes if change.name != "iters"]
        answer: Answer | None = "as it began"
        if changes:
            answer = await self.app.push_screen_wait(ResumeQuestion(name, changes))
        if answer == "as it began":
            now = project.choices.training
            project = project.with_choice("training", before)
            if finished:  # it goes on only where the settings now ask for more steps, or for more patience
                more = {"iters": str(max(before.iters, now.iters)), "patience": str(now.patience)}
                project = project.with_settings("training", more)
        if answer is not None:
            self._start(training_work(project, run=name, resume=True, extend=answer == "as it is now"), name)

    def _start(self, work: Any, resumed: str = "") -> None:
        # A resumed run's curve goes on where it was.
        view = TrainingView.of_run(self.project.runs / resumed) if resumed and self.project else TrainingView()
        if self.start_job(work, view) is not None:
            self._view, self._run = view, None
            self.show_settings(False)
            self.focus_body()
            self.say("")
            self.show()

    def action_look(self, how: str) -> None:
        """Change which part of which plot is seen, and how: see `Dashboard.look`."""
        if not self.shows_settings:
            self.query_one(Dashboard).look(how)

    def action_older_run(self) -> None:
        """Show the run before this one."""
        self._browse(-1)

    def action_newer_run(self) -> None:
        """Show the run after this one."""
        self._browse(1)

    def _browse(self, by: int) -> None:
        runs = self.project.run_folders() if self.project else []
        names = [run.name for run in runs]
        here = names.index(self._view.history.run) if self._view.history.run in names else len(names)
        place = here + by
        if not 0 <= place < len(runs):
            self.say(_("There is no other run this way."))
            return
        self._show_run(runs[place])
        self.show_settings(False)
        self.show()

    def action_runs(self) -> None:
        """Show all runs; those that are drawn there are drawn here too."""
        if self.project is None or not self.project.run_folders():
            self.say(_("No run yet · g starts one · e shows the settings"))
            return
        from tui_tuner.screens.runs import RunsScreen

        runs = RunsScreen(self.tuner, self._beside, self._view.history.run)

        def back(opened: str | None) -> None:
            self.query_one(Dashboard).draw_beside(runs.stories_of(self._beside))
            if opened != self._view.history.run:
                self._come_back(opened)
            self.show_settings(False)
            self.show()

        self.app.push_screen(runs, back)

    def _come_back(self, opened: str | None) -> None:
        """Show the run that was opened; where the one that was shown has another name now or is gone, the latest."""
        runs = self.project.run_folders() if self.project else []
        names = [run.name for run in runs]
        if opened in names:
            self._show_run(runs[names.index(opened)])
        elif self._view.history.run not in names and not self.board.running(self.step):
            self._view, self._run = TrainingView(), None
            if runs:
                self._open_run(runs[-1])

    # -- what the job says ---------------------------------------------------------------------------------------------

    def heard(self, events: list[Event]) -> None:
        """Say that the run waits, what a person should know of it, or how it ended."""
        ended = self.board.ended(self.step)
        if ended is None:
            self._say_what_matters(events)
            return
        if ended.outcome == "failed":
            self.say_how_it_ended(ended)
        elif ended.outcome == "stopped":
            self.say(_("Stopped, everything kept. r goes on from here."), tone="text-warning")
        else:
            self.say(_("Done. ctrl+n: see what it learned in Compare."), tone="text-success")

    def _say_what_matters(self, events: list[Event]) -> None:
        # In the list of events the next checkpoints would soon push it out of sight.
        for event in events:
            if isinstance(event, TrainingPaused):
                self.say(_("Paused, everything kept: space goes on, s stops."), tone="text-warning")
            elif isinstance(event, TrainingContinued):
                self.say("")
            elif isinstance(event, MicroBatchHalved):
                self.say(str(event), tone="text-warning")
            elif isinstance(event, Notice) and event.level == "warning":
                self.say(event.text, tone="text-warning")


SCREEN = TrainScreen
