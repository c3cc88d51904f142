"""What happens while a dataset is made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tui_tuner.progress import Event


@dataclass(frozen=True)
class InstructionWritten(Event):
    """The teacher wrote a new question; `done` questions of its stage are there now.

    Attributes:
        text: the question.
        done: questions of its stage.
        place: where the passage stands that it is about; empty where it is about none.
    """

    text: str
    done: int
    place: str = ""


@dataclass(frozen=True)
class ExampleWritten(Event):
    """An answer was accepted and is on the disk.

    Attributes:
        question: what was asked.
        answer: what will be learned.
        tokens: how many the teacher wrote for it.
        source: the teacher.
        done: answers on the disk now.
    """

    question: str
    answer: str
    tokens: int
    source: str
    done: int


@dataclass(frozen=True)
class ExampleRefused(Event):
    """An answer was not good enough; it is kept with its reason, and the question may be asked again."""

    question: str
    reason: str


@dataclass(frozen=True)
class FollowUpWritten(Event):
    """A follow-up question has its answer, and both are on the disk.

    Attributes:
        question: what the conversation began with.
        follow_up: what was asked next.
        answer: what will be learned.
        tokens: how many the teacher wrote for the answer.
        turn: which question of the conversation it is: 2 for the first follow-up.
        source: the teacher.
        done: follow-ups on the disk now, of the examples as they are.
    """

    question: str
    follow_up: str
    answer: str
    tokens: int
    turn: int
    source: str
    done: int


@dataclass(frozen=True)
class FollowUpRefused(Event):
    """A follow-up question, or its answer, was not good enough; it is kept with its reason and may be asked for again.

    Attributes:
        question: what the conversation began with.
        follow_up: the question; empty where there was none in what the teacher said.
        reason: why.
    """

    question: str
    follow_up: str
    reason: str


@dataclass(frozen=True)
class DatasetReady(Event):
    """The training files are written.

    Attributes:
        train: examples to learn from.
        valid: examples held out to measure progress.
        refused: questions without a usable answer.
        path: the folder of the files.
        test: examples kept for a last test.
    """

    train: int
    valid: int
    refused: int
    path: Path
    test: int = 0
