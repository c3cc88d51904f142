"""The settings of a run: the forms, and what a run with them takes."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult

from tui_tuner.jobs import Work
from tui_tuner.journey import training_work
from tui_tuner.language import _
from tui_tuner.screens.forecast_panel import ForecastPanel
from tui_tuner.screens.settings_step import SettingsStep
from tui_tuner.widgets.settings_form import SettingsForm


class RunSettings(SettingsStep):
    """What the Train step has besides its dashboard."""

    def __init__(self) -> None:
        super().__init__()
        self._warned = False  # that the settings do not fit into memory; starting again is then meant

    def settings(self) -> ComposeResult:
        """What to teach, and how."""
        yield self.heading(_("Base model · b chooses one"))
        yield SettingsForm(self.choices.model, only=("name",), id="model")
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
        return training_work(project, anyway=anyway)

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
