"""What is heard while base and tuned model answer the same prompts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tui_tuner.progress import Event

Column = Literal["base", "tuned"]


@dataclass(frozen=True)
class AnswerStarted(Event):
    """A model begins to answer.

    Attributes:
        index: the prompt's place, from 0.
        total: how many prompts there are.
        prompt: the question.
        column: who answers.
    """

    index: int
    total: int
    prompt: str
    column: Column


@dataclass(frozen=True)
class AnswerText(Event):
    """A piece of an answer, to be put after the pieces before it."""

    index: int
    column: Column
    text: str


@dataclass(frozen=True)
class AnswerEnded(Event):
    """A model has answered.

    Attributes:
        index: the prompt's place, from 0.
        column: who answered.
        text: the whole answer.
        tokens: how many the model wrote.
        tokens_per_second: while it wrote, without reading the prompt.
        seconds: from the question to the last word.
        finish: `stop` (the model ended its turn), `length` (cut at the longest answer) or `stopped` (asked to).
    """

    index: int
    column: Column
    text: str
    tokens: int
    tokens_per_second: float
    seconds: float
    finish: str
