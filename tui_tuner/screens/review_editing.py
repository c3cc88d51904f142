"""Changing the words of one example, in the app or in the person's own editor."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer, Static, TextArea

from tui_tuner.dataset.review_rows import ReviewRow
from tui_tuner.errors import TunerError
from tui_tuner.language import _
from tui_tuner.models.prompts import Message as Turn
from tui_tuner.plain_text import one_line, printable

PAIR = ("user", "assistant")

Keep = Callable[[Sequence[Turn]], None]
"""Keeps the turns; raises `ValueError` where they are no example, and `TunerError` where they cannot be written."""


class EditScreen(ModalScreen[bool]):
    """One text for each turn; returns True when they were kept.

    Args:
        messages: the turns as they are.
        keep: is called with the turns as they shall be; what it objects to is said here, and nothing is lost.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "keep", _("keep"), priority=True),
        Binding("escape", "leave", _("leave"), priority=True),
        Binding("tab", "app.focus_next", _("next turn"), priority=True),
        Binding("f2", "more", _("add a pair"), priority=True),
        Binding("f3", "fewer", _("drop the last pair"), priority=True),
    ]
    DEFAULT_CSS = """
    EditScreen { background: $background; }
    EditScreen VerticalScroll { height: 1fr; padding: 0 1; }
    EditScreen .role { height: 1; color: $text-accent; text-style: bold; }
    EditScreen TextArea { height: auto; min-height: 3; max-height: 16; border: round $panel; margin: 0; padding: 0; }
    EditScreen TextArea:focus { border: round $accent; }
    EditScreen #objection { height: auto; max-height: 3; padding: 0 1; }
    """

    def __init__(self, messages: Sequence[Turn], keep: Keep) -> None:
        super().__init__()
        self._before, self._keep = list(messages), keep
        # Its own name for a turn's role, also of those added here.
        self._roles = [message["role"] for message in messages]
        self._shown = [printable(message["content"]) for message in messages]
        self._asked_to_leave = False

    def compose(self) -> ComposeResult:
        """A role and its text, for each turn."""
        with VerticalScroll(can_focus=False):
            for role, text in zip(self._roles, self._shown, strict=True):
                yield from _turn_fields(role, text)
        yield Static(id="objection", markup=False)
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Begin at the last answer: it is what most often needs another word."""
        list(self.query(TextArea))[-1].focus()

    def _turns(self) -> list[Turn]:
        """The turns as typed; one that was not touched keeps what a terminal cannot show, too."""
        typed = [area.text for area in self.query(TextArea)]
        return [
            self._before[place]
            if place < len(self._before) and text == self._shown[place]
            else Turn(role=role, content=text.strip())
            for place, (role, text) in enumerate(zip(self._roles, typed, strict=True))
        ]

    def action_keep(self) -> None:
        """Keep the turns, or say what is wrong with them."""
        turns = self._turns()
        if turns == self._before:
            self._object(_("Nothing was changed: esc leaves."))
            return
        try:
            self._keep(turns)
        except ValueError as error:
            self._object(_("Not kept: {error}", error=error))
        except TunerError as error:
            self._object(f"{error.what}. {error.advice}")
        else:
            self.dismiss(True)

    def action_leave(self) -> None:
        """Leave; where something was typed only when asked twice."""
        if self._turns() == self._before or self._asked_to_leave:
            self.dismiss(False)
            return
        self._asked_to_leave = True
        self._object(_("This was changed and is not kept yet: ctrl+s keeps it, esc once more drops it."))

    def on_text_area_changed(self) -> None:
        """Whoever goes on typing does not want to leave."""
        self._asked_to_leave = False
        self._object("")

    async def action_more(self) -> None:
        """Add a question and its answer."""
        await self.query_one(VerticalScroll).mount_all([field for role in PAIR for field in _turn_fields(role, "")])
        self._roles += PAIR
        areas = list(self.query(TextArea))
        areas[-len(PAIR)].focus()

    async def action_fewer(self) -> None:
        """Take the last question and its answer away."""
        if tuple(self._roles[-4:]) != (*PAIR, *PAIR):
            self._object(_("The first question and its answer have to stay."))
            return
        fields = list(self.query_one(VerticalScroll).children)[-2 * len(PAIR) :]
        await self.query_one(VerticalScroll).remove_children(fields)
        self._roles = self._roles[: -len(PAIR)]
        list(self.query(TextArea))[-1].focus()

    def _object(self, text: str) -> None:
        self.query_one("#objection", Static).update(Content.styled(one_line(text, 400), "$text-warning"))


def _turn_fields(role: str, text: str) -> list[Static | TextArea]:
    area = TextArea(text, soft_wrap=True, show_line_numbers=False, tab_behavior="focus", compact=False)
    area.cursor_blink = False
    return [Static(one_line(role, 20), classes="role", markup=False), area]


def edited_in_editor(row: ReviewRow) -> list[Turn] | None:
    """The turns as they are after the person has edited them as JSON; None where nothing was changed.

    Raises:
        ValueError: it is no longer a JSON list.
        OSError: the editor cannot be started.
        CalledProcessError: the editor failed.
    """
    before = json.dumps([dict(message) for message in row.to_edit.messages], ensure_ascii=False, indent=2) + "\n"
    command = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "example.json"
        path.write_text(before)
        subprocess.run([*command, str(path)], check=True)
        after = path.read_text()
    if after == before:
        return None
    messages = json.loads(after)
    if not isinstance(messages, list):
        raise ValueError(_("it must stay a list of turns"))
    return messages
