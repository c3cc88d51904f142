"""What the Compare screen knows: each question with the answers as far as they are written."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from tui_tuner.evaluation.comparisons import Comparison, told_again
from tui_tuner.evaluation.events import AnswerEnded, AnswerStarted, AnswerText, ComparisonBegun, ComparisonSummed
from tui_tuner.evaluation.summary import summed
from tui_tuner.progress import Event
from tui_tuner.screens.progress_view import ProgressView


@dataclass
class Side:
    """One model's answer so far; `figures` once it has ended."""

    text: str = ""
    figures: AnswerEnded | None = None


@dataclass
class Row:
    """A question with the answers that have begun, by column."""

    prompt: str
    expected: str = ""
    sides: dict[str, Side] = field(default_factory=dict)


class ComparisonView(ProgressView):
    """All questions of a comparison, by their place, and how a person reads each column's name.

    Attributes:
        labels: by the column's name, in the order they are shown.
        rows: the questions.
        summed: what came out, once it is known.
        kept: the journal of one that was opened; None of one that is being made.
    """

    def __init__(self) -> None:
        super().__init__()
        self.labels: dict[str, str] = {}
        self.rows: dict[int, Row] = {}
        self.summed: ComparisonSummed | None = None
        self.kept: Path | None = None

    @classmethod
    def of(cls, kept: Comparison) -> ComparisonView:
        """A comparison that was kept."""
        view = cls()
        for event in told_again(kept):
            view.apply(event)
        view.apply(summed(kept))
        view.kept = kept.path
        return view

    @property
    def begun(self) -> list[Row]:
        """The questions that somebody has begun to answer, in order."""
        return [row for _place, row in sorted(self.rows.items()) if row.sides]

    def apply(self, event: Event) -> None:
        """Take in one event."""
        super().apply(event)
        if isinstance(event, ComparisonBegun):
            self.summed = None
            self.labels = dict(zip(event.columns, event.labels, strict=True))
            asked = enumerate(zip(event.prompts, event.expected, strict=True))
            self.rows = {place: Row(prompt, expected) for place, (prompt, expected) in asked}
        elif isinstance(event, AnswerStarted):
            self.rows[event.index].sides[event.column] = Side()
        elif isinstance(event, AnswerText):
            self.rows[event.index].sides[event.column].text += event.text
        elif isinstance(event, AnswerEnded):
            self.rows[event.index].sides[event.column] = Side(event.text, event)
        elif isinstance(event, ComparisonSummed):
            self.summed = event
