"""What is heard while several models answer the same prompts."""

from __future__ import annotations

from dataclasses import dataclass

from tui_tuner.progress import Event


@dataclass(frozen=True)
class ComparisonBegun(Event):
    """Who will be asked what.

    Attributes:
        columns: the names of those who answer, in the order they are shown.
        labels: how a person reads them, in the same order.
        prompts: the questions.
        expected: the answer that is expected to each; empty where nobody says.
    """

    columns: tuple[str, ...]
    labels: tuple[str, ...]
    prompts: tuple[str, ...]
    expected: tuple[str, ...]


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
    column: str


@dataclass(frozen=True)
class AnswerText(Event):
    """A piece of an answer, to be put after the pieces before it."""

    index: int
    column: str
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
        together: it was written together with others; its speed is not that of one written alone.
    """

    index: int
    column: str
    text: str
    tokens: int
    tokens_per_second: float
    seconds: float
    finish: str
    together: bool = False


@dataclass(frozen=True)
class Judged:
    """What a judge found of one column, in pairs of answers that it read in both orders.

    Attributes:
        column: who was judged.
        against: the column it was held against.
        judge: who judged.
        won: better in both orders.
        lost: worse in both orders.
        even: neither, in both orders.
        turned: something else when the order was turned.
        unread: something that could not be read.
        win_rate: won of those that were won or lost; None where none was.
        win_rate_low: it is at least this (Wilson, 95 %).
        win_rate_high: it is at most this.
    """

    column: str
    against: str
    judge: str
    won: int
    lost: int
    even: int
    turned: int
    unread: int
    win_rate: float | None
    win_rate_low: float
    win_rate_high: float


@dataclass(frozen=True)
class ComparisonSummed(Event):
    """What came out.

    Attributes:
        verdicts: for each column but the first a sentence: better, worse, or that one cannot tell, and why.
        table: the figures of each column, a line each below a heading.
        judged: what a judge found, of each column that one has judged.
    """

    verdicts: tuple[str, ...]
    table: tuple[str, ...]
    judged: tuple[Judged, ...] = ()
