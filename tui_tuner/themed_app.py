"""An app that paints its first screen in the chosen theme, and reads all the others after that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from textual.app import App
from textual.signal import Signal
from textual.theme import Theme

from tui_tuner.language import _
from tui_tuner.theme_files import failures_message, first_theme, load_themes


class ThemedApp(App[int]):
    """Has the theme it starts with before its style sheet's colours are made: with a later one they are made again.

    Args:
        theme_name: the theme chosen the last time; where it is not a shipped one the app starts in `tuner-dark`.
    """

    def __init__(self, theme_name: str) -> None:
        self._first_theme = first_theme(theme_name) or first_theme("tuner-dark")
        if self._first_theme is not None:
            self.set_reactive(App.theme, self._first_theme.name)
        super().__init__()
        if self._first_theme is not None:
            self.register_theme(self._first_theme)

    def get_theme(self, theme_name: str) -> Theme | None:
        """A theme by its name; the first one is asked for before it can be registered."""
        first = self._first_theme
        unregistered = first if first is not None and first.name == theme_name else None
        return super().get_theme(theme_name) or unregistered

    async def load_all_themes(self, chosen: str, remember: Callable[[str], None]) -> None:
        """Read every theme file and put on the chosen theme; bad files are named in one message.

        Args:
            chosen: the theme's name.
            remember: is told the name of every theme that is chosen from here on.
        """
        themes, failures = await asyncio.to_thread(load_themes)
        if not self.is_running:  # it was quit meanwhile
            return
        before = self.current_theme
        for theme in themes:
            self.register_theme(theme)
        if failures:
            self.notify(failures_message(failures), title=_("Themes"), severity="warning", markup=False)
        if chosen in self.available_themes:
            self.theme = chosen
        if self.theme == before.name and self.current_theme != before:
            self.refresh_css(animate=False)  # a person's own file of the same name
        changed: Signal[Any] = self.theme_changed_signal
        changed.subscribe(self, lambda theme: remember(theme.name))
