"""What a dataset is made from: everything the job needs to know, fixed before it starts."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tui_tuner.choices import DatasetChoice, ModelChoice, QualityChoice
from tui_tuner.dataset.examples import Example, read_seed_examples
from tui_tuner.documents.passages import Passage, read_passages
from tui_tuner.errors import DatasetError
from tui_tuner.language import _
from tui_tuner.project import Project

INSTRUCTIONS = "instructions.json"
PASSAGE_QUESTIONS = "passage_questions.jsonl"
ANSWERS = "answers.jsonl"
REJECTS = "rejects.jsonl"
FOLLOW_UPS = "follow_ups.jsonl"
FOLLOW_UP_STEPS = "follow_up_steps.jsonl"
SEEDS = "seeds.jsonl"
IMPORTED = "imported.jsonl"
SET_ASIDE = "set_aside.jsonl"
REVIEW = "review.jsonl"
TRAIN = "train.jsonl"
VALID = "valid.jsonl"
TEST = "test.jsonl"
REPORT = "report.json"


# What decides how a question is answered: with one of these changed, one that was given up is worth another try.
_TEACHER = ("teacher", "teacher_model", "temperature", "seed")
_ANSWER = ("style", "answer_beginning", "answer_must_contain", "max_tokens")


def way_of_answering(choice: DatasetChoice) -> str:
    """A short name of the settings that decide an answer: the same settings have the same name."""
    # However a person spaces the names of several models, they are the same models.
    choice = dataclasses.replace(choice, teacher_model="; ".join(choice.teacher_models))
    values = [getattr(choice, name) for name in _TEACHER + _ANSWER]
    return f"{zlib.crc32(repr(values).encode()):08x}"


@dataclass(frozen=True)
class DatasetPlan:
    """How a dataset is to be made.

    Attributes:
        data: the folder it is made in.
        choice: what the person chose.
        seed_examples: written by a person; shown to the teacher as models of style, and part of the training set.
        batch_size: how many examples training wants at least.
        quality: which examples are good enough.
        max_seq_length: longest example in tokens.
        mask_prompt: whether training learns the answers alone.
        base_model: the model that will learn; None where nobody can count in its tokens.
        passages: of the documents that were brought along; each gets questions of its own.
    """

    data: Path
    choice: DatasetChoice
    seed_examples: tuple[Example, ...] = ()
    batch_size: int = 1
    quality: QualityChoice = field(default_factory=QualityChoice)
    max_seq_length: int = 2048
    mask_prompt: bool = True
    base_model: ModelChoice | None = None
    passages: tuple[Passage, ...] = ()

    @cached_property
    def passages_by_id(self) -> Mapping[str, Passage]:
        """The passages by what they are known by."""
        return {passage.id: passage for passage in self.passages}

    def seed_of(self, *parts: object) -> int:
        """A seed for the part of the work that `parts` name: the same in every session."""
        return zlib.crc32(repr((self.choice.seed, *parts)).encode()) % 2**31


def plan_dataset(project: Project) -> DatasetPlan:
    """The plan for `project`, with the examples of `data/seeds.jsonl` where that file exists.

    Raises:
        DatasetError: there is nothing to start from, or a seed example cannot be read.
        StorageError: a file cannot be read.
    """
    choice = project.choices.dataset
    seeds = read_seed_examples(project.data / SEEDS)
    brought = any((project.data / name).exists() for name in (INSTRUCTIONS, IMPORTED))
    passages = tuple(read_passages(project.data))
    if not (choice.topic.strip() or seeds or brought or passages):
        raise DatasetError(
            _("there is nothing to ask questions about yet"),
            where=str(project.folder),
            advice=_(
                "Name a topic (tuner data --set topic=...), bring documents along (tuner import DIR), or put your own "
                "questions into data/{file} as a JSON list.",
                file=INSTRUCTIONS,
            ),
        )
    training = project.choices.training
    return DatasetPlan(
        data=project.data,
        choice=choice,
        seed_examples=seeds,
        batch_size=training.batch_size,
        quality=project.choices.quality,
        max_seq_length=training.max_seq_length,
        mask_prompt=training.mask_prompt,
        base_model=project.choices.model,
        passages=passages,
    )
