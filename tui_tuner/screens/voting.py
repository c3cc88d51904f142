"""A person's own blind vote: two answers, nobody says whose; the sides are shuffled, and named at the end."""

from __future__ import annotations

import random
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer, Static

from tui_tuner.errors import TunerError
from tui_tuner.evaluation.comparisons import Comparison
from tui_tuner.evaluation.opinions import Opinion, voted
from tui_tuner.evaluation.summary import yardstick
from tui_tuner.journal import Journal
from tui_tuner.language import _
from tui_tuner.plain_text import one_line, printable


class Voting(ModalScreen[None]):
    """Asks which answer is better, prompt by prompt; each vote is kept at once.

    Args:
        kept: whose answers are read, and where the votes go.
        dice: shuffles prompts and sides; a test gives its own.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,1", "vote('left')", _("left is better"), key_display="←"),
        Binding("right,2", "vote('right')", _("right is better"), key_display="→"),
        Binding("0,equals_sign", "vote('even')", _("even"), key_display="0"),
        Binding("u", "undo", _("take back")),
        Binding("escape,q", "leave", _("end"), key_display="esc"),
    ]
    DEFAULT_CSS = """
    Voting { background: $background; }
    Voting #asked { height: auto; max-height: 5; padding: 0 1; color: $text-accent; text-style: bold; }
    Voting Horizontal { height: 1fr; }
    Voting VerticalScroll { width: 1fr; padding: 0 1; }
    Voting #right { border-left: solid $accent 60%; }
    Voting #said { height: auto; max-height: 6; padding: 0 1; color: $text-muted; }
    """

    def __init__(self, kept: Comparison, dice: random.Random | None = None) -> None:
        super().__init__()
        self._kept, self._dice = kept, dice or random.Random()
        self._waiting = open_pairs(kept)
        self._dice.shuffle(self._waiting)
        self._all, self._place = len(self._waiting), 0
        self._turned = [self._dice.random() < 0.5 for _pair in self._waiting]  # the other column's answer is left

    def compose(self) -> ComposeResult:
        """The question, both answers, and how far one is."""
        yield Static(id="asked", markup=False)
        with Horizontal():
            for side in ("left", "right"):
                with VerticalScroll(id=side):
                    yield Static(markup=False)
        yield Static(id="said", markup=False)
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Show the first pair."""
        self._show()

    @property
    def _over(self) -> bool:
        return self._place >= self._all

    def _show(self) -> None:
        asked, left, right = "", "", ""
        if not self._over:
            index, column = self._waiting[self._place]
            asked = f"? {one_line(self._kept.prompts[index].text)}"
            texts = [self._kept.answers[index, name].text for name in (yardstick(self._kept), column)]
            left, right = reversed(texts) if self._turned[self._place] else texts
        self.query_one("#asked", Static).update(Content(asked))
        for side, text in (("#left", left), ("#right", right)):
            self.query_one(f"{side} Static", Static).update(Content(printable(text).strip()))
            self.query_one(side, VerticalScroll).scroll_home(animate=False)
        self._say(self._revealed() if self._over else self._progress())
        self.refresh_bindings()

    def _progress(self) -> str:
        return _("Which one is better? {number} of {all}", number=self._place + 1, all=self._all)

    def _revealed(self) -> str:
        """What the votes say, whose answers they were named at last."""
        if not self._kept.votes:
            return _("There is nothing to vote on: no two answers differ.")
        lines = [_("All votes are in and kept; u takes back, esc ends.")] if self._all else []
        lines += [_("You have voted on all of them before.")] if not self._all else []
        first = self._kept.labels[yardstick(self._kept)]
        for column, label in self._kept.labels.items():
            tally = voted(self._kept.votes, column)
            if tally.all:
                words = {"label": label, "first": first, "won": tally.won, "lost": tally.lost, "even": tally.even}
                lines.append(_("{label} against {first}: {won} better, {lost} worse, {even} even", **words))
        return "\n".join(lines)

    def _say(self, text: str) -> None:
        self.query_one("#said", Static).update(Content(printable(text)))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There is nothing to vote on after the last pair."""
        return {"vote": not self._over, "undo": self._place > 0}.get(action, True)

    def action_vote(self, side: str) -> None:
        """Keep which side is better, and go on."""
        index, column = self._waiting[self._place]
        turned = self._turned[self._place]
        if side == "even":
            opinion = Opinion(index, column, "even")
        else:
            opinion = Opinion(index, column, "column" if (side == "left") == turned else "first")
        try:
            with Journal(self._kept.path) as journal:
                journal.append(opinion.as_row())
        except TunerError as error:
            self._say(str(error))
            return
        self._kept.votes[opinion.key] = opinion
        self._place += 1
        self._show()

    def action_undo(self) -> None:
        """Go back to the last pair; the next vote on it takes the place of the one before."""
        self._place -= 1
        self._show()

    def action_leave(self) -> None:
        """End; what was voted on is kept."""
        self.dismiss(None)


def open_pairs(kept: Comparison) -> list[tuple[int, str]]:
    """Prompt and column of every pair of answers that differ and were not voted on yet."""
    first = yardstick(kept)
    return [
        (index, column)
        for (index, column), answer in kept.answers.items()
        if column != first
        and (index, first) in kept.answers
        and kept.answers[index, first].text.strip() != answer.text.strip()
        and (index, column, 0) not in kept.votes
    ]
