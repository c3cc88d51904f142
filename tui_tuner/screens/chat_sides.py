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
        tokens: of the conversation, as the last reply has counted them; 0 before.
    """

    conversation: Conversation
    turns: Turns
    model: ChatModel | None = None
    tokens: int = 0

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
        self.conversation, self.tokens = conversation, 0
        self.turns.open(conversation)

    def ask(self, question: str, *, instead_of: int | None = None, path: Path) -> None:
        """Add a question, or ask it in place of the turn `instead_of`, in a copy of the conversation kept in `path`.

        Raises:
            StorageError: it cannot be saved.
        """
        grows = instead_of is None and len(self.conversation.asked) < len(self.conversation.turns)
        if instead_of is not None:
            self.conversation = self.conversation.branch(instead_of, path)
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
        self.tokens = event.figures.prompt_tokens + event.figures.tokens
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

    @property
    def can_leave_out(self) -> bool:
        """Whether one of them has turns before its last question that its model still sees."""
        return any(len(side.conversation.asked) > side.conversation.left_out + 1 for side in self.all)
