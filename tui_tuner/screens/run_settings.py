"""The settings of a run: the forms, what a run with them takes, and those that suit."""

from __future__ import annotations

import asyncio
import dataclasses

from textual import on, work
from textual.app import ComposeResult

from tui_tuner.environment.model_offers import suggestion
from tui_tuner.errors import TunerError
from tui_tuner.jobs import Work
from tui_tuner.language import _
from tui_tuner.models.base_model import find_tokenizer_folder
from tui_tuner.screens.auto import AutoScreen
from tui_tuner.screens.forecast_panel import ForecastKnown, ForecastPanel
from tui_tuner.screens.settings_step import SettingsStep
from tui_tuner.step_work import training_work
from tui_tuner.training.auto import suggest
from tui_tuner.training.forecast import this_machine
from tui_tuner.training.suggestions import Suggestion, applied_to_all, is_taken, reasons_of
from tui_tuner.widgets.settings_form import SettingsForm


class RunSettings(SettingsStep):
    """What the Train step has besides its dashboard."""

    def __init__(self) -> None:
        super().__init__()
        self._taken: list[Suggestion] = []  # the latest suggestions that were taken
        self._waits = False  # for the rows to be counted, to suggest something
        self._warned = False  # that the settings do not fit into memory; starting again is then meant

    def settings(self) -> ComposeResult:
        """What to teach, and how."""
        yield self.heading(_("Base model · b chooses one"))
        yield SettingsForm(self.choices.model, only=("name", "quantize"), id="model")
        yield self.heading(_("Training"))
        yield SettingsForm(self.choices.training, id="training")
        yield self.heading(_("Machines"))
        yield SettingsForm(self.choices.machines, id="machines")

    def below_settings(self) -> ComposeResult:
        """What a run with them takes."""
        yield ForecastPanel()

    def planned_work(self) -> Work | None:
        """A new run with these settings; None where they are not good, or surely too much and not yet meant."""
        project = self.project_if_settings_are_good()
        if project is None:
            return None
        forecast, anyway = self.query_one(ForecastPanel).forecast, self._warned
        if forecast is not None and forecast.verdict == "too_much" and not anyway:
            self.show_settings()
            self._warned = True
            text = _("This surely does not fit into memory. g again starts it all the same.")
            self.say(text, tone="text-warning")
            return None
        untouched = [one for one in self._taken if is_taken(project.choices, one)]
        return training_work(project, anyway=anyway, reasons=reasons_of(untouched))

    @work(exclusive=True, group="auto")
    async def action_auto(self) -> None:
        """Show the settings that suit, and take them where that is wanted."""
        forecaster, project = self.query_one(ForecastPanel).forecaster, self.project_if_settings_are_good()
        if project is None:
            return
        self.show_settings()
        if forecaster is None:
            self._waits = self.query_one(ForecastPanel).looking
            once = _("The settings that suit are shown once the rows are counted.")
            self.say(once if self._waits else _("What suits is known once there is a dataset."))
            return
        try:
            suggestions = await asyncio.to_thread(suggest, forecaster, project.choices.model, project.choices.training)
        except TunerError as error:
            self.tuner.complain(error)
            return
        if await self.app.push_screen_wait(AutoScreen(suggestions)):
            self._take(suggestions)

    @on(ForecastKnown)
    def suggest_if_awaited(self, message: ForecastKnown) -> None:
        """Show the settings that suit, where they were asked for too early."""
        waited, self._waits = self._waits, False
        if waited and self.is_current:
            self.say("" if message.forecaster else self._what_suits_anyway())
            if message.forecaster is not None:
                self.action_auto()

    def _what_suits_anyway(self) -> str:
        """What can be said without the rows counted: where the base model is not here, which one suits."""
        unknown = _("What suits is not known either.")
        if find_tokenizer_folder(self.choices.model) is not None:
            return unknown
        machine = this_machine()
        name = suggestion(machine.usable, has_gpu=machine.gpu)
        return unknown + " " + _("As a base model {name} suits this machine: b chooses it.", name=name)

    def _take(self, suggestions: list[Suggestion]) -> None:
        """Take suggested settings; a run that is started with them keeps the reasons."""
        if self.project is None:
            return
        choices = applied_to_all(self.choices, suggestions)
        if not self.tuner.change_project(dataclasses.replace(self.project, choices=choices)):
            return
        self._taken = suggestions
        self.query_one("#training", SettingsForm).show(choices.training)
        self.query_one("#model", SettingsForm).show(choices.model)
        self.say(_("Taken. g starts a run with these settings."), tone="text-success")
        self._foretell()

    def action_choose_model(self) -> None:
        """Choose the base model."""
        self.choose_base_model(self._show_model)

    def _show_model(self) -> None:
        self.query_one("#model", SettingsForm).show(self.choices.model)
        self._foretell()

    def show_settings(self, shown: bool = True) -> None:
        """Foretell a run while its settings are in sight."""
        super().show_settings(shown)
        if shown:
            self._foretell()

    @on(SettingsForm.Changed)
    def foretell_again(self) -> None:
        """Foretell a run with the changed setting, once it is kept."""
        self.call_later(self._foretell)

    def _foretell(self) -> None:
        self._warned = False
        self.query_one(ForecastPanel).follow(self.project)
