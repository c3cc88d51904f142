"""The run on the Train screen: one of this process, a past one, or one that another process trains."""

from __future__ import annotations

from pathlib import Path

from tui_tuner.errors import TunerError
from tui_tuner.language import _
from tui_tuner.project_lock import is_worked_on
from tui_tuner.screens.settings_step import SettingsStep
from tui_tuner.screens.training_view import TrainingView
from tui_tuner.training.asking import Asking, Wish


class FollowingStep(SettingsStep):
    """Keeps up with the run on the screen; where another process trains it, asks that one to pause and to stop."""

    def __init__(self) -> None:
        super().__init__()
        self._view = TrainingView()
        self._worked_on = False  # by another process
        self._newest: Path | None = None  # the latest run there was when another process was looked for
        self._run: Path | None = None  # a past run on the screen; None follows the running or latest one
        self._asking: Asking | None = None  # what is asked of another process, as long as it has not been heard

    # -- which run it is -----------------------------------------------------------------------------------------------

    def _is_live(self) -> bool:
        return self._view is self.board.views.get(self.step)

    @property
    def _runs_elsewhere(self) -> bool:
        """Whether another process trains the run on the screen, as far as its folder tells."""
        return self._worked_on and self._view.history.running and not self._is_live()

    def _show_run(self, run: Path) -> None:
        live = self.board.views.get(self.step)
        if isinstance(live, TrainingView) and live.history.run == run.name:
            self._view, self._run = live, None
        else:
            self._open_run(run)

    def _open_run(self, run: Path) -> None:
        try:
            self._view, self._run = TrainingView.of_run(run), run
        except TunerError as error:
            self.tuner.complain(error)

    # -- what another process does -------------------------------------------------------------------------------------

    def _follow(self) -> None:
        """Take in what another process has done to the run on the screen, or that it has begun a new one."""
        if self.project is None or self._is_live() or self.board.running(self.step):
            return
        worked_on = self.tuner.bench.locked_out is not None and is_worked_on(self.project)
        if worked_on and (runs := self.project.run_folders()) and runs[-1] != self._newest:
            self._newest = runs[-1]
            self._open_run(runs[-1])  # what has just begun is what a person wants to see
            self.show_settings(False)
        changed = worked_on != self._worked_on
        self._worked_on = worked_on
        news = self._run is not None and self._view.follow()
        if changed:
            self.say(_("Another tuner works here.") if worked_on else "", tone="text-muted")
        if news or changed:
            self.refresh_bindings()
            self.show()
        if self._asking is not None:
            self._hear_whether_it_was_heard(self._asking)

    def action_pause(self) -> None:
        """Hold the run after this step, or let it go on; also where another process trains it."""
        if self._runs_elsewhere:
            self._ask("go on" if self._view.history.paused else "pause")
        else:
            super().action_pause()

    def action_stop(self) -> None:
        """Stop within one iteration and keep a checkpoint; also where another process trains it."""
        if self._runs_elsewhere:
            self._ask("stop")
        else:
            super().action_stop()

    def _ask(self, wish: Wish) -> None:
        if self._run is None:
            return
        try:
            self._asking = Asking(self._run, self._view.history, wish)
        except TunerError as error:
            self.tuner.complain(error)
            return
        asked = {
            "pause": _("Asking it to pause…"),
            "go on": _("Asking it to go on…"),
            "stop": _("Asking it to save and stop…"),
        }
        self.say(asked[wish])

    def _hear_whether_it_was_heard(self, asking: Asking) -> None:
        try:
            if not asking.heard():
                return
            heard = {
                "pause": _("It pauses after this step; space lets it go on."),
                "go on": _("It goes on."),
                "stop": _("It saves and stops."),
            }
            self.say(heard[asking.wish], tone="text-muted")
        except TunerError as error:
            self.tuner.complain(error)
            self.say("")
        self._asking = None
