"""The settings that suit machine, model and dataset, each with its reason; taken with a key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Static

from tui_tuner.actions import bindings_of
from tui_tuner.language import _
from tui_tuner.plain_text import one_line
from tui_tuner.training.suggestions import Suggestion, value_in_words

QUIET = "$foreground 65%"


class AutoScreen(Screen[bool]):
    """Returns whether they are to be taken.

    Args:
        suggestions: the settings.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("auto")]
    DEFAULT_CSS = """
    AutoScreen {
        #title { height: 1; padding: 0 1; color: $text-accent; text-style: bold; }
        VerticalScroll { padding: 0 1; }
    }
    """

    def __init__(self, suggestions: Sequence[Suggestion]) -> None:
        super().__init__()
        self._suggestions = suggestions

    def compose(self) -> ComposeResult:
        """A setting in two lines: what it becomes, and why."""
        changed = sum(one.changes for one in self._suggestions)
        title = _("Settings that suit: {changed} of {all} would change", changed=changed, all=len(self._suggestions))
        yield Static(title, id="title", markup=False)
        with VerticalScroll():
            yield Static(Content("\n").join(line for one in self._suggestions for line in _lines(one)))
        yield Footer(show_command_palette=False, compact=True)

    def action_take(self) -> None:
        """Take them."""
        self.dismiss(True)

    def action_leave(self) -> None:
        """Leave everything as it is."""
        self.dismiss(False)


def _lines(one: Suggestion) -> list[Content]:
    before, value = value_in_words(one.before), value_in_words(one.value)
    arrow = Content.assemble((f"{before} → ", QUIET)) if one.changes else Content("")
    head = Content.assemble((f"{one.name:<24}", ""), arrow, (value, "bold $text-success" if one.changes else QUIET))
    return [head, Content.styled(f"  {one_line(one.why)}", QUIET)]
