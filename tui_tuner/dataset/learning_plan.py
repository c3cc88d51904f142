"""Whose tokens are counted, and for which sequence lengths."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tui_tuner.choices import TrainingChoice
from tui_tuner.errors import DatasetError
from tui_tuner.language import _
from tui_tuner.project import Project

LENGTHS = (256, 512, 1024, 2048, 4096)  # sequence lengths it is worth to compare


@dataclass(frozen=True)
class LearningPlan:
    """Whose tokens are counted, and how.

    Attributes:
        data: the folder of the training files.
        model: the base model's folder.
        choice: how it will be trained.
        trust_remote_code: whether code that comes with the model may run.
    """

    data: Path
    model: Path
    choice: TrainingChoice
    trust_remote_code: bool = False

    @property
    def lengths(self) -> tuple[int, ...]:
        """The sequence lengths that are compared, the chosen one among them."""
        return tuple(sorted({*LENGTHS, self.choice.max_seq_length}))


def plan_learning(project: Project, model: Path, *, files_required: bool = True) -> LearningPlan:
    """Plan to look at the training files of `project` with the tokenizer of the base model in `model`.

    Raises:
        DatasetError: there are no training files and they are required.
    """
    if files_required and not project.has_dataset():
        raise DatasetError(
            _("there is no dataset to learn from (no train.jsonl)"),
            where=str(project.data),
            advice=_("Make one in the Dataset step, or with: tuner data"),
        )
    return LearningPlan(
        project.data, model, project.choices.training, trust_remote_code=project.choices.model.trust_remote_code
    )
