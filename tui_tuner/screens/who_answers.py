"""Who answers in a comparison, and in which order: ticked in a list, nothing typed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer, OptionList, Static
from textual.widgets.option_list import Option

from tui_tuner.evaluation.candidates import Candidate, candidates, candidates_in_ollama, with_chosen
from tui_tuner.language import _
from tui_tuner.plain_text import one_line
from tui_tuner.project import Project

QUIET = "$foreground 65%"
WIDEST_NAME = 28  # cells


class _Candidates(OptionList):
    """Space ticks as Enter does; left and right move the one that is ticked."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "select", _("take, or not"), key_display="space"),
        Binding("left", "screen.move(-1)", _("earlier"), key_display="←"),
        Binding("right", "screen.move(1)", _("later"), key_display="→"),
    ]


class WhoAnswers(ModalScreen[tuple[str, ...]]):
    """Returns the names of the columns, in their order.

    Args:
        project: whose runs and models they are.
        chosen: who answers now.
        ollama_url: where Ollama listens.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,w", "leave", _("done"), key_display="esc")]
    DEFAULT_CSS = """
    WhoAnswers { background: $background; }
    WhoAnswers #order { height: auto; max-height: 3; padding: 0 1; color: $text-accent; text-style: bold; }
    WhoAnswers OptionList { height: 1fr; border: none; padding: 0; }
    WhoAnswers #said { height: 2; padding: 0 1; color: $text-muted; }
    """

    def __init__(self, project: Project, chosen: Sequence[str], ollama_url: str) -> None:
        super().__init__()
        self._project, self._chosen, self._url = project, list(dict.fromkeys(chosen)), ollama_url
        self._found: list[Candidate] = []
        self._looking = True

    def compose(self) -> ComposeResult:
        """The order, the list, and a line about the one under the cursor."""
        with Vertical():
            yield Static(id="order", markup=False)
            yield _Candidates(compact=True)
            yield Static(id="said", markup=False)
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Look around; what is in this project is there first."""
        self.query_one(OptionList).focus()
        self._look()

    @work(thread=True, group="looking", description="looking who can answer")
    def _look(self) -> None:
        from tui_tuner.journey import base_model

        here = candidates(self._project, base_model(self._project))
        self.app.call_from_thread(self._take, here)
        self.app.call_from_thread(self._take, here + candidates_in_ollama(self._url), looking=False)

    def _take(self, found: list[Candidate], looking: bool = True) -> None:
        self._looking = looking
        self._found = found if looking else with_chosen(found, self._chosen)
        self._show()

    # -- what is shown -------------------------------------------------------------------------------------------------

    def _show(self) -> None:
        listed = self.query_one(OptionList)
        cursor = listed.highlighted or 0
        listed.clear_options()
        width = min(max((cell_len(one.name or "ollama") for one in self._found), default=0), WIDEST_NAME)
        listed.add_options([self._line(one, width) for one in self._found])
        if self._looking:
            waiting = Content.styled("    " + _("looking which models Ollama has…"), QUIET)
            listed.add_option(Option(waiting, disabled=True))
        listed.highlighted = min(cursor, len(self._found) - 1) if self._found else None
        names = ", ".join(one_line(name, 40) for name in self._chosen) or _("nobody yet")
        self.query_one("#order", Static).update(Content(_("Who answers, in this order: {names}", names=names)))
        self._say()

    def _line(self, one: Candidate, width: int) -> Content:
        chosen = one.name in self._chosen
        mark = f"{self._chosen.index(one.name) + 1:>3} " if chosen else "  · " if one.missing else "  ○ "
        name = one_line(one.name or "ollama")
        shown = name if cell_len(name) <= width else f"{set_cell_size(name, width - 1)}…"
        line = Content.styled(mark, "$accent" if chosen else QUIET)
        line += Content.styled(set_cell_size(shown, width), "bold" if chosen else QUIET if one.missing else "")
        return line + Content.styled("  " + one_line(one.missing or one.about), QUIET)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Say more about it."""
        self._say()

    def _say(self, text: str = "") -> None:
        here = self._here
        if not text and here is not None:
            text = ": ".join(filter(None, (here.name, here.about)))
            text += _(" (not to be had: {why})", why=here.missing) if here.missing else ""
        if not text and len(self._chosen) < 2:
            text = _("A comparison needs two who answer.")
        self.query_one("#said", Static).update(Content(one_line(text)))

    @property
    def _here(self) -> Candidate | None:
        place = self.query_one(OptionList).highlighted
        return self._found[place] if place is not None and place < len(self._found) else None

    # -- what a person does --------------------------------------------------------------------------------------------

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take the one under the cursor, or take it away."""
        here = self._found[event.option_index]
        if here.name in self._chosen:
            self._chosen.remove(here.name)
        elif here.missing:
            self._say(_("{name} cannot answer: {why}", name=here.name or here.about, why=here.missing))
            return
        else:
            self._chosen.append(here.name)
        self._show()

    def action_move(self, by: int) -> None:
        """Let the one under the cursor answer earlier, or later."""
        here = self._here
        if here is None or here.name not in self._chosen:
            self._say(_("Take it first: only those who answer have an order."))
            return
        place = self._chosen.index(here.name)
        self._chosen.remove(here.name)
        self._chosen.insert(max(place + by, 0), here.name)
        self._show()

    def action_leave(self) -> None:
        """Keep what is ticked."""
        if len(self._chosen) < 2:
            self._say(_("A comparison needs two who answer; take another one."))
            return
        self.dismiss(tuple(self._chosen))
