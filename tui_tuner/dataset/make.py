"""Making a dataset: questions, answers, split. Whatever is on the disk already is not made again."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from tui_tuner.dataset.answers import AnswersOutcome, write_answers
from tui_tuner.dataset.events import DatasetReady
from tui_tuner.dataset.instructions import write_instructions
from tui_tuner.dataset.journals import AnswerJournals
from tui_tuner.dataset.plan import REPORT, TRAIN, VALID, DatasetPlan, way_of_answering
from tui_tuner.dataset.split import Split, split_examples
from tui_tuner.errors import DatasetError
from tui_tuner.files import write_json, write_json_lines
from tui_tuner.language import _
from tui_tuner.progress import Emit, Notice, StopToken
from tui_tuner.teachers.teacher import Teacher


@dataclass(frozen=True)
class DatasetReport:
    """What came of it, as in `data/report.json`.

    Attributes:
        instructions: questions there are.
        answers: of them answered.
        refused: of them given up with the settings as they are.
        rejects: how many answers were refused for each reason with the settings as they are.
        seed_examples: examples a person wrote.
        train: examples to learn from.
        valid: examples held out.
        teacher: who wrote last.
        path: the folder of the files.
    """

    instructions: int
    answers: int
    refused: int
    rejects: dict[str, int]
    seed_examples: int
    train: int
    valid: int
    teacher: str
    path: Path


def make_dataset(plan: DatasetPlan, teacher: Teacher, *, emit: Emit, stop: StopToken) -> DatasetReport:
    """Write the training files of `plan`, going on where an earlier session ended.

    Emits `StageProgress` for "Questions" and "Answers", `InstructionWritten`, `ExampleWritten`, `ExampleRefused`,
    `Notice`s, and `DatasetReady` at the end. `stop` is asked between requests; the teacher asks it while it writes.

    Raises:
        DatasetError: a file brought along cannot be used, or too few examples came of it.
        TeacherError: the teacher failed and will go on failing; everything so far is kept.
        StorageError: the disk is full or not writable; everything so far is kept.
        Stopped: asked to; everything so far is kept.
    """
    began = _now()
    questions = write_instructions(plan, teacher, emit=emit, stop=stop)
    choice = plan.choice
    with AnswerJournals(plan.data, emit, way_of_answering(choice)) as journals:
        outcome = write_answers(plan, questions, teacher, journals, emit=emit, stop=stop)
        written = list(journals.kept.values())
    if outcome.refused and len(plan.seed_examples) + len(written) < 2:
        what = _("{number} of {total} questions got no usable answer", number=outcome.refused, total=len(questions))
        raise DatasetError(what, advice=_help(outcome))
    split = split_examples(
        plan.seed_examples,
        written,
        valid_fraction=choice.valid_fraction,
        batch_size=plan.batch_size,
        seed=choice.seed,
    )
    _say_what_is_scarce(plan, split, outcome, emit)
    # The held-out file first: whoever finds training examples finds both.
    write_json_lines(plan.data / VALID, [example.as_row() for example in split.valid])
    write_json_lines(plan.data / TRAIN, [example.as_row() for example in split.train])
    report = _report(plan, teacher, len(questions), outcome, split)
    write_json(plan.data / REPORT, _as_json(report, plan, began))
    emit(DatasetReady(report.train, report.valid, report.refused, report.path))
    return report


def _say_what_is_scarce(plan: DatasetPlan, split: Split, outcome: AnswersOutcome, emit: Emit) -> None:
    if len(split.train) < plan.batch_size:
        text = _(
            "Only {number} examples to train on, fewer than one batch of {size}: ask for more questions.",
            number=len(split.train),
            size=plan.batch_size,
        )
        emit(Notice(text, "warning"))
    if outcome.refused:
        text = _("{number} questions got no usable answer.", number=outcome.refused)
        emit(Notice(f"{text} {_help(outcome)}", "warning" if outcome.refused > outcome.kept else "info"))


def _help(outcome: AnswersOutcome) -> str:
    """What to do about the commonest reason of refusal."""
    reason = max(outcome.reasons, key=outcome.reasons.__getitem__, default="")
    known = {
        "cut_off": _("Most were cut off: raise the longest answer (max_tokens)."),
        "not_in_style": _("Most missed the style: ask for less in answer_must_contain, or write more seed examples."),
    }
    general = _("Most were refused for this: {reason}. Try another teacher or temperature.", reason=reason)
    again = _("With a setting changed they are asked again; data/rejects.jsonl has every answer with its reason.")
    return f"{known.get(reason, general)} {again}"


def _report(
    plan: DatasetPlan, teacher: Teacher, questions: int, outcome: AnswersOutcome, split: Split
) -> DatasetReport:
    return DatasetReport(
        instructions=questions,
        answers=outcome.kept,
        refused=outcome.refused,
        rejects=outcome.reasons,
        seed_examples=len(plan.seed_examples),
        train=len(split.train),
        valid=len(split.valid),
        teacher=teacher.name,
        path=plan.data,
    )


def _as_json(report: DatasetReport, plan: DatasetPlan, began: str) -> dict[str, Any]:
    counts = dataclasses.asdict(report)
    del counts["path"]  # the folder may be moved
    settings = dataclasses.asdict(plan.choice)
    return {**counts, "began": began, "ended": _now(), "seed": plan.choice.seed, "settings": settings}


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
