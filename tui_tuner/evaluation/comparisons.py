"""Comparisons as they are kept: one journal each, a line that says how it was made and one line per answer."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tui_tuner.evaluation.events import AnswerEnded, AnswerStarted, ComparisonBegun
from tui_tuner.evaluation.losses import Loss
from tui_tuner.evaluation.opinions import Opinions
from tui_tuner.evaluation.prompts import Prompt
from tui_tuner.progress import Event
from tui_tuner.project import Project

FORMAT = 2


@dataclass(frozen=True)
class Answer:
    """One model's answer to one prompt.

    Attributes:
        text: the answer.
        tokens: how many the model wrote.
        tokens_per_second: while it wrote, without reading the prompt.
        seconds: from the question to the last word.
        finish: `stop` (the model ended its turn) or `length` (cut at the longest answer).
        together: it was written together with others; its speed is not that of one written alone.
    """

    text: str
    tokens: int
    tokens_per_second: float
    seconds: float
    finish: str
    together: bool = False

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Answer:
        """What `answer_row` gave.

        Raises:
            ValueError, TypeError, KeyError: it is not that.
        """
        text, finish = row["text"], row["finish"]
        if not isinstance(text, str) or not isinstance(finish, str):
            raise ValueError("no answer")
        numbers = float(row["tokens_per_second"]), float(row["seconds"])
        if not all(map(math.isfinite, numbers)):
            raise ValueError("no figures")
        return cls(text, int(row["tokens"]), *numbers, finish, bool(row.get("together", False)))


@dataclass(frozen=True)
class Answered:
    """A prompt with the answers it has so far, by column."""

    prompt: str
    answers: Mapping[str, Answer]
    expected: str = ""


@dataclass(frozen=True)
class Comparison:
    """A comparison as it is kept.

    Attributes:
        path: its journal.
        made: what the journal's first line says: model, columns, prompts, system prompt and settings.
        labels: how a person reads each column, by its name, in the order they are shown.
        prompts: what is asked.
        answers: what was answered, by the prompt's place and the column.
        losses: how well each column foretells the held-out answers, where that was measured.
        judgements: what a judge said.
        votes: what a person said.
        damaged: how many lines of the journal cannot be understood.
    """

    path: Path
    made: dict[str, Any]
    labels: dict[str, str]
    prompts: tuple[Prompt, ...]
    answers: dict[tuple[int, str], Answer] = field(default_factory=dict)
    losses: dict[str, Loss] = field(default_factory=dict)
    judgements: Opinions = field(default_factory=dict)
    votes: Opinions = field(default_factory=dict)
    damaged: int = field(default=0, compare=False)

    @property
    def columns(self) -> tuple[str, ...]:
        """Who answers."""
        return tuple(self.labels)

    @property
    def answered(self) -> tuple[Answered, ...]:
        """Every prompt that anybody has answered, in order."""
        rows = []
        for place, prompt in enumerate(self.prompts):
            found = {name: self.answers[place, name] for name in self.columns if (place, name) in self.answers}
            if found:
                rows.append(Answered(prompt.text, found, prompt.expected))
        return tuple(rows)

    @property
    def finished(self) -> bool:
        """Whether everybody has answered everything, and all that was to be measured and judged is there."""
        answered = bool(self.prompts) and len(self.answers) >= len(self.prompts) * len(self.labels)
        judged = len(self.judgements) >= 2 * len(self.prompts) * (len(self.labels) - 1) or not self.made.get("judge")
        measured = self.made.get("losses")
        names = measured if isinstance(measured, list | tuple) else ()
        return answered and judged and all(name in self.losses for name in names if name in self.columns)


def new_comparison_path(project: Project, now: datetime | None = None) -> Path:
    """A path in the project's comparisons folder that is not taken, named after the time."""
    name = (now or datetime.now()).strftime("%Y-%m-%d_%H-%M-%S")
    path, number = project.comparisons / f"{name}.jsonl", 1
    while path.exists():
        number += 1
        path = project.comparisons / f"{name}_{number}.jsonl"
    return path


def answer_row(index: int, column: str, answer: Answer) -> dict[str, Any]:
    """One answer's line of the journal."""
    return {"index": index, "column": column, **dataclasses.asdict(answer)}


def loss_row(column: str, loss: Loss) -> dict[str, Any]:
    """One column's loss as a line of the journal."""
    return {"column": column, "loss": loss.as_row()}


def answer_ended(index: int, column: str, answer: Answer) -> AnswerEnded:
    """The event that says an answer."""
    return AnswerEnded(index, column, **dataclasses.asdict(answer))


def told_again(kept: Comparison) -> Iterator[Event]:
    """The events that say a kept comparison, so that whoever listens has all of it."""
    texts, expected = [p.text for p in kept.prompts], [p.expected for p in kept.prompts]
    yield ComparisonBegun(kept.columns, tuple(kept.labels.values()), tuple(texts), tuple(expected))
    for (index, column), answer in sorted(kept.answers.items(), key=lambda item: item[0][0]):
        yield AnswerStarted(index, len(texts), texts[index], column)
        yield answer_ended(index, column, answer)
