"""A cheap look at a project's dataset: how far it is, from its files alone."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tui_tuner.choices import DatasetChoice
from tui_tuner.dataset.documents_state import documents_state
from tui_tuner.dataset.examples import question_key
from tui_tuner.dataset.instructions import read_instructions
from tui_tuner.dataset.made_of import is_still_made_of
from tui_tuner.dataset.plan import (
    ANSWERS,
    FOLLOW_UPS,
    IMPORTED,
    INSTRUCTIONS,
    REJECTS,
    REPORT,
    SEEDS,
    TRAIN,
    VALID,
    way_of_answering,
)
from tui_tuner.dataset.rounds import TRIES
from tui_tuner.errors import DatasetError, StorageError
from tui_tuner.file_versions import count_lines, while_unchanged
from tui_tuner.files import read_json
from tui_tuner.project import Project

Stage = Literal["new", "questions", "answers", "follow_ups", "ready"]


@dataclass(frozen=True)
class DatasetState:
    """How far a dataset is.

    Attributes:
        instructions: questions there are, also about passages.
        answers: of them answered.
        refused: of them given up.
        wanted: questions asked for.
        train: examples to learn from, 0 before the split.
        valid: examples held out, 0 before the split.
        stage: `new` (nothing there), `questions` (some are missing), `answers` (some are missing, or the split is, or
            it was made of other files than these), `follow_ups` (every question is answered, and the conversations are
            not as long as wanted), `ready` (the training files hold every answer, and as many turns as wanted).
        documents: documents that were brought along.
        passages: passages they were cut into.
        imported: examples that were brought along.
        follow_ups: follow-up questions with their answers.
        seeds: seed examples.
    """

    instructions: int
    answers: int
    refused: int
    wanted: int
    train: int
    valid: int
    stage: Stage
    documents: int = 0
    passages: int = 0
    imported: int = 0
    follow_ups: int = 0
    seeds: int = 0


def dataset_state(project: Project) -> DatasetState:
    """Look at the files in `project.data`; one that cannot be read counts as empty: making the dataset will say why."""
    data = project.data
    wanted = project.choices.dataset.instructions
    questions = 0
    with contextlib.suppress(OSError, DatasetError, StorageError):
        questions = _number_of_questions(data / INSTRUCTIONS)
    documents = documents_state(data)
    asked = questions + documents.questions
    counted = (ANSWERS, TRAIN, VALID, FOLLOW_UPS, IMPORTED, SEEDS)
    answers, train, valid, follow_ups, imported, seeds = (count_lines(data / name) for name in counted)
    choice = project.choices.dataset
    refused = _given_up(data / REJECTS, asked - answers, way_of_answering(choice))
    finished = answers + refused >= asked
    stage: Stage
    if train and finished and _split_holds_all(data, train + valid, answers, documents.name, choice):
        stage = "ready"
    elif not asked and not documents.passages:
        stage = "answers" if imported else "new"
    elif finished and answers and follow_ups < answers * (choice.turns_learned - 1):
        stage = "follow_ups"
    elif documents.passages:
        stage = "questions" if not asked else "answers"
    else:
        stage = "questions" if questions < wanted and not answers else "answers"
    more = (documents.documents, documents.passages, imported, follow_ups, seeds)
    return DatasetState(asked, answers, refused, wanted, train, valid, stage, *more)


@while_unchanged
def _number_of_questions(path: Path) -> int:
    return len(read_instructions(path))


def _split_holds_all(data: Path, split: int, answers: int, documents: str, choice: DatasetChoice) -> bool:
    """Whether the training files were made of every example there is now, with the turns and in the format wanted now.

    The report says what they were made of. Files made by hand have none: then their number has to do.
    """
    report: object = None
    with contextlib.suppress(DatasetError, StorageError):
        report = read_json(data / REPORT)
    if not isinstance(report, dict):
        return split >= count_lines(data / SEEDS) + count_lines(data / IMPORTED) + answers
    settings = report.get("settings")
    if not isinstance(settings, dict):
        return False
    if (settings.get("turns", 1), settings.get("format", "messages")) != (choice.turns, choice.format):
        return False
    if report.get("short") and report.get("way") != way_of_answering(choice):
        return False  # what was given up is worth another try
    return report.get("passages_name", "") == documents and is_still_made_of(data, report.get("made_of"))


def _given_up(path: Path, unanswered: int, way: str) -> int:
    """Questions refused as often as they are asked the same `way`; read only where questions have no answer."""
    if unanswered <= 0:
        return 0
    tries: Counter[str] = Counter()
    with contextlib.suppress(OSError):
        for line in path.read_bytes().splitlines():
            with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError):
                row = json.loads(line)
                tries[question_key(row["question"])] += row.get("way") == way
    return sum(number >= TRIES for number in tries.values())
