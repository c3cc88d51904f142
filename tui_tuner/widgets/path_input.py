"""A field for the path of a file, which completes what is begun."""

from __future__ import annotations

import asyncio
import itertools
import os
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.suggester import Suggester
from textual.widgets import Input

from tui_tuner.language import _

MOST_ENTRIES = 5000  # of a folder, looked through for one that fits


class PathInput(Input):
    """Completes with Tab; where there is nothing to complete, Tab goes on to the next field."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("tab", "complete", _("complete"), show=False)]

    def __init__(self, *, placeholder: str = "", id: str | None = None) -> None:
        super().__init__(placeholder=placeholder, id=id, compact=True, suggester=_Paths(), select_on_focus=False)

    @property
    def path(self) -> Path | None:
        """What was typed; None where nothing was."""
        text = self.value.strip().strip("'\"")
        return Path(text).expanduser() if text else None

    async def action_complete(self) -> None:
        """Take over how the begun name goes on."""
        # Asked anew: the one that is shown may belong to an earlier letter.
        suggestion = await asyncio.to_thread(completed, self.value)
        if suggestion and suggestion != self.value:
            self.value = suggestion
            self.cursor_position = len(self.value)
        else:
            self.screen.focus_next()


class _Paths(Suggester):
    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        """The first path that begins so."""
        return await asyncio.to_thread(completed, value)


def completed(begun: str) -> str | None:
    """How a begun path goes on: the first entry of its folder that begins so, a folder with a slash behind it."""
    head, slash, name = begun.rpartition("/")
    if not begun:
        return None
    try:
        with os.scandir(Path(head + slash).expanduser() if slash else Path()) as entries:
            fitting = [
                entry
                for entry in itertools.islice(entries, MOST_ENTRIES)
                if entry.name.startswith(name) and (name.startswith(".") or not entry.name.startswith("."))
            ]
            first = min(fitting, key=lambda entry: entry.name, default=None)
            return None if first is None else head + slash + first.name + "/" * first.is_dir()
    except (OSError, ValueError, RuntimeError):  # no folder, no right to look, a NUL, nobody's home
        return None
