"""An app whose journey has steps: a screen for each, made when it is first shown, and moving between them."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual.await_complete import AwaitComplete
from textual.screen import Screen

from tui_tuner.journey import STEPS
from tui_tuner.themed_app import ThemedApp
from tui_tuner.widgets.step_bar import StepBar

if TYPE_CHECKING:
    from tui_tuner.screens.step_screen import StepScreen


def _step_screen(key: str) -> Callable[[], Screen[Any]]:
    """A step's screen, imported when it is first shown."""

    def make() -> Screen[Any]:
        module = importlib.import_module(f"tui_tuner.screens.{key}")
        screen: Screen[Any] = module.SCREEN()
        return screen

    return make


class SteppingApp(ThemedApp):
    """Shows one step at a time; leaving one never stops its work. A subclass says where one may go."""

    SCREENS: ClassVar[dict[str, Callable[[], Screen[Any]]]] = {step.key: _step_screen(step.key) for step in STEPS}

    @property
    def current_step(self) -> str | None:
        """The step on the screen; None while something else is."""
        return getattr(self.screen, "step", None)

    def may_show(self, step_key: str) -> bool:
        """Whether a step may be shown now; says why not otherwise."""
        return True

    def has_shown(self, step_key: str) -> None:
        """Hear that a step is on the screen."""

    def show_step(self, step_key: str) -> None:
        """Put a step on the screen."""
        self.switch_screen(step_key)
        self.has_shown(step_key)

    def action_go_to(self, step_key: str) -> None:
        """Show a step; whatever runs goes on."""
        if not self.may_show(step_key) or len(self.screen_stack) > 1:
            return  # with a question on the screen, that is answered first
        if self.current_step != step_key:
            self.show_step(step_key)

    def action_next_step(self) -> None:
        """Go to the next step."""
        self._move(1)

    def action_previous_step(self) -> None:
        """Go to the step before."""
        self._move(-1)

    def _move(self, by: int) -> None:
        keys = [step.key for step in STEPS]
        if self.current_step in keys:
            place = keys.index(self.current_step) + by
            if 0 <= place < len(keys):
                self.action_go_to(keys[place])

    def on_step_bar_chosen(self, message: StepBar.Chosen) -> None:
        """Go to the step that was clicked."""
        self.action_go_to(message.step)

    def switch_screen(self, screen: Screen[Any] | str) -> AwaitComplete:
        """Replace the screen on top, the first of all too: Textual gives that one no result to take back."""
        if not self.screen._result_callbacks:
            self.screen._push_result_callback(self.screen, None)
        return super().switch_screen(screen)

    def made_screen(self, step_key: str) -> StepScreen | None:
        """A step's screen if it has been shown before."""
        screen = self._installed_screens[step_key]
        return None if callable(screen) else cast("StepScreen", screen)

    def forget_screens(self) -> None:
        """Have each step's screen made anew when it is shown next, as for another project."""
        self.switch_screen(Screen())  # a screen that is shown cannot be forgotten
        for step in STEPS:
            if (screen := self.made_screen(step.key)) is not None:
                self.uninstall_screen(step.key)
                screen.remove()
                self.install_screen(_step_screen(step.key), step.key)  # type: ignore[arg-type]
