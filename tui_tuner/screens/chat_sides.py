"""The conversations next to each other in the chat: one, or the same questions to two models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from textual.containers import Horizontal

from tui_tuner import figures
from tui_tuner.chat.conversation import Conversation
from tui_tuner.chat.models import ChatModel
from tui_tuner.chat.talk import ReplyEnded, ReplyText
from tui_tuner.language import _
from tui_tuner.widgets.spoken import Turns


@dataclass
class Side:
    """One of the conversations next to each other.

    Attributes:
        conversation: what was said.
        turns: where it is shown.
        model: who answers; None while none is known.
    """

    conversation: Conversation
    turns: Turns
    model: ChatModel | None = None

    @property
    def tokens(self) -> int:
        """Of the conversation, as its last reply has counted them; 0 before."""
        made = (turn.figures for turn in reversed(self.conversation.turns) if turn.figures)
        return next((one.prompt_tokens + one.tokens for one in made if one.prompt_tokens), 0)

    @property
    def questions(self) -> list[int]:
        """The places of the person's turns, the last one first."""
        turns = self.conversation.turns
        return [place for place in reversed(range(len(turns))) if turns[place].role == "user"]

    @property
    def state(self) -> str:
        """Who answers, and how much of its context the conversation takes."""
        if self.model is None:
            return _("no model here yet")
        if not self.tokens:
            return self.model.label
        tokens, limit = figures.count(self.tokens), self.model.context
        held = f"{tokens} / {figures.count(limit)}" if limit else tokens
        return f"{self.model.label} · " + _("{held} tokens", held=held)

    def go_on_with(self, conversation: Conversation) -> None:
        """Show another conversation."""
        self.conversation = conversation
        self.turns.open(conversation)

    def ask(self, question: str, *, instead_of: int | None = None, path: Path) -> None:
        """Add a question, or ask it in place of an earlier one, in a copy of the conversation kept in `path`.

        Args:
            question: what is asked.
            instead_of: which question it replaces, 0 for the last one, 1 for the one before.
            path: where the copy would be kept.

        Raises:
            StorageError: it cannot be saved.
        """
        grows = instead_of is None and len(self.conversation.asked) < len(self.conversation.turns)
        if instead_of is not None:
            # The sides have not always the same turns: where the first was stopped, the second was not asked.
            place = self.questions[instead_of] if instead_of < len(self.questions) else 0
            self.conversation = self.conversation.branch(place, path)
        self.conversation.ask(question)
        if grows:
            self.turns.add(self.conversation.turns[-1])
        else:
            self.turns.open(self.conversation)

    def take(self, event: ReplyText | ReplyEnded) -> None:
        """Write what comes of the reply."""
        if isinstance(event, ReplyText):
            self.turns.write(event.text)
            return
        if not event.text and event.figures.finish == "stopped":
            self.turns.open(self.conversation)  # as it was before
            return
        last = self.conversation.turns[-1] if self.conversation.turns else None
        self.turns.end(event.figures, len(last.others) if last else 0)


class Sides(Horizontal):
    """One conversation, or two next to each other.

    Attributes:
        all: those there are, from the left.
    """

    DEFAULT_CSS = """
    Sides { height: 1fr; }
    Sides Turns.-second { border-left: solid $accent 60%; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.all: list[Side] = []

    def add(self, conversation: Conversation, model: ChatModel | None) -> None:
        """Show another conversation on the right."""
        turns = Turns()
        turns.set_class(bool(self.all), "-second")
        self.all.append(Side(conversation, turns, model))
        self.mount(turns)
        turns.open(conversation)

    def leave_second(self) -> None:
        """Only the first stays."""
        for side in self.all[1:]:
            side.turns.remove()
        del self.all[1:]

    def choose(self, models: Sequence[ChatModel], *, best_first: bool) -> None:
        """Keep who answers where that model is still there; otherwise take the best, or the next best on the right.

        Args:
            models: which there are now, the best first.
            best_first: the first side takes the best in any case.
        """
        found = {model.known_as: model for model in models}
        for place, side in enumerate(self.all):
            before = side.model.known_as if side.model else ""
            kept = None if best_first and not place else found.get(before)
            side.model = kept or (models[min(place, len(models) - 1)] if models else None)
