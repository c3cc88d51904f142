"""The dataset's card: what the examples are, where they are from, and what was left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Footer, Static

from tui_tuner.actions import bindings_of
from tui_tuner.dataset.card import CARD, is_card, make_card, out_of_date, read_report
from tui_tuner.dataset.card_sections import Section
from tui_tuner.errors import TunerError
from tui_tuner.language import _
from tui_tuner.plain_text import one_line, printable
from tui_tuner.project import Project

WIDEST_NAME = 30  # cells; a longer one is wrapped


class CardScreen(Screen[None]):
    """Scrolls through the card of a project's dataset.

    Args:
        project: whose.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("card")]
    DEFAULT_CSS = """
    CardScreen {
        #card { height: 1fr; padding: 0 1; scrollbar-size-vertical: 1; }
        .title { height: auto; text-style: bold; }
        .warning { height: auto; color: $text-warning; }
        .heading { height: auto; margin-top: 1; color: $text-accent; text-style: bold; }
        .row { height: auto; }
        .name { height: auto; color: $foreground 70%; margin-right: 2; }
        .text { width: 1fr; height: auto; }
        .prompt { height: auto; border-left: solid $panel; padding-left: 1; margin: 0 0 1 1; }
        #where { height: 1; padding: 0 1; color: $text-muted; }
    }
    """

    def __init__(self, project: Project) -> None:
        super().__init__()
        self._project = project

    def compose(self) -> ComposeResult:
        """The card, and where it is on the disk."""
        with VerticalScroll(id="card"):
            try:
                yield from self._card(read_report(self._project.data))
            except TunerError as error:
                yield _text(f"{error.what}. {error.advice}", "warning")
        if is_card(self._project.data):
            text = _("The same is in data/{file}, for whoever you share the data with.", file=CARD)
            yield Static(text, id="where", markup=False)
        yield Footer(show_command_palette=False, compact=True)

    def _card(self, report: Mapping[str, Any]) -> Iterator[Widget]:
        card = make_card(report, self._project.name)
        yield _text(card.title, "title")
        for text in out_of_date(report, self._project):
            yield _text(text, "warning")
        for section in card.sections:
            yield _text(section.heading, "heading")
            yield from _rows(section)
            for name, text in section.texts:
                yield _text(name, "name")
                yield Static(Content(printable(text)), classes="prompt", markup=False)

    def on_mount(self) -> None:
        """Let the arrow keys scroll."""
        self.query_one("#card").focus()

    def action_leave(self) -> None:
        """Go back to the Dataset step."""
        self.dismiss()


def _rows(section: Section) -> Iterator[Widget]:
    width = min(max((cell_len(name) for name, _about in section.rows), default=0), WIDEST_NAME)
    for name, about in section.rows:
        label = _text(name, "name")
        label.styles.width = width
        yield Horizontal(label, _text(about, "text"), classes="row")


def _text(text: str, kind: str) -> Static:
    return Static(Content(one_line(text)), classes=kind, markup=False)
