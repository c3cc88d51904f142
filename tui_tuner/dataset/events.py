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
