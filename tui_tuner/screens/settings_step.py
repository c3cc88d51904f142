"""A step with two faces: its work, and its settings."""

from __future__ import annotations

import dataclasses

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import ContentSwitcher, Static

from tui_tuner.language import _
from tui_tuner.project import Choices, Project
from tui_tuner.screens.step_screen import StepScreen
from tui_tuner.widgets.settings_form import SettingsForm


class SettingsStep(StepScreen):
    """Shows `face()` or `settings()`; keeps every changed setting in the project at once.

    A form's id is the section of `tuner.toml` it edits.
    """

    DEFAULT_CSS = """
    SettingsStep {
        ContentSwitcher { height: 1fr; }
        #work { height: 1fr; }
        #settings, #forms { height: 1fr; }
        #settings SettingsForm { height: auto; }
        #settings .settings--help { display: none; }
        #help-line { height: 3; padding: 0 1; color: $foreground 70%; }
        #help-line.-wrong { color: $error; }
        .heading { padding: 0 1; color: $text-accent; text-style: bold; }
    }
    """

    def body(self) -> ComposeResult:
        """The two faces, one of them in sight."""
        with ContentSwitcher(initial="work"):
            with Vertical(id="work"):
                yield from self.face()
            with Vertical(id="settings"):
                with VerticalScroll(id="forms", can_focus=False):
                    yield from self.settings()
                yield Static(id="help-line")  # always in sight, however long the forms are
                yield from self.below_settings()

    def face(self) -> ComposeResult:
        """The widgets that show the work."""
        raise NotImplementedError

    def settings(self) -> ComposeResult:
        """The forms."""
        raise NotImplementedError

    def below_settings(self) -> ComposeResult:
        """What stays in sight below the forms too."""
        yield from ()

    @property
    def choices(self) -> Choices:
        """What is chosen now; the defaults without a project."""
        return self.project.choices if self.project else Choices()

    @staticmethod
    def heading(text: str) -> Static:
        """A heading above a form."""
        return Static(text, classes="heading", markup=False)

    @property
    def shows_settings(self) -> bool:
        """Whether the settings are in sight."""
        return self.query_one(ContentSwitcher).current == "settings"

    def show_settings(self, shown: bool = True) -> None:
        """Put the settings, or the work, in sight."""
        self.query_one(ContentSwitcher).current = "settings" if shown else "work"

    def action_edit(self) -> None:
        """Change between work and settings."""
        self.show_settings(not self.shows_settings)
        if self.shows_settings:
            self.query("#settings Input, #settings TextArea").first().focus()
        else:
            self.focus_body()
        self.show()

    @on(SettingsForm.Told)
    def show_help(self, message: SettingsForm.Told) -> None:
        """Say what the focused field does, or what is wrong with it."""
        line = self.query_one("#help-line", Static)
        line.set_class(message.wrong, "-wrong")
        line.update(Content(message.text))

    @on(SettingsForm.Changed)
    def keep_setting(self, message: SettingsForm.Changed) -> None:
        """Keep a changed setting in the project."""
        section = message.form.id
        if self.project is not None and section:
            choice = dataclasses.replace(getattr(self.project.choices, section), **message.values)
            self.tuner.change_project(self.project.with_choice(section, choice))

    def project_if_settings_are_good(self) -> Project | None:
        """The project; None where a field holds no value, which is then shown."""
        for form in self.query(SettingsForm):
            if form.problems:
                self.show_settings()
                form.show_problems()
                self.say(_("Mend the marked setting first."), tone="text-error")
                return None
        return self.project
