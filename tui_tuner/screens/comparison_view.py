"""What the Compare screen knows: each question with the answers as far as they are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tui_tuner.evaluation.comparisons import Answered, told_again
from tui_tuner.evaluation.events import AnswerEnded, AnswerStarted, AnswerText, Column
from tui_tuner.progress import Event
from tui_tuner.screens.progress_view import ProgressView


@dataclass
class Side:
    """One model's answer so far; `figures` once it has ended."""

    text: str = ""
    figures: AnswerEnded | None = None


@dataclass
class Pair:
    """A question with both answers."""

    prompt: str
    sides: dict[Column, Side] = field(default_factory=lambda: {"base": Side(), "tuned": Side()})


class ComparisonView(ProgressView):
    """All questions of a comparison, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.pairs: dict[int, Pair] = {}

    @classmethod
    def of(cls, answered: Sequence[Answered]) -> ComparisonView:
        """A comparison that was kept."""
        view = cls()
        for event in told_again(answered, len(answered)):
            view.apply(event)
        return view

    def apply(self, event: Event) -> None:
        """Take in one event."""
        super().apply(event)
        if isinstance(event, AnswerStarted):
            self.pairs.setdefault(event.index, Pair(event.prompt)).sides[event.column] = Side()
        elif isinstance(event, AnswerText):
            self.pairs[event.index].sides[event.column].text += event.text
        elif isinstance(event, AnswerEnded):
            self.pairs[event.index].sides[event.column] = Side(event.text, event)
