"""Making a dataset: questions, answers, split. Whatever is on the disk already is not made again."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from tui_tuner.dataset.answers import AnswersOutcome, write_answers
from tui_tuner.dataset.card import make_card, write_card
from tui_tuner.dataset.events import DatasetReady
from tui_tuner.dataset.examples import Example, question_key
from tui_tuner.dataset.follow_up_journals import FollowUpJournals
from tui_tuner.dataset.follow_ups import FollowUpsOutcome, write_follow_ups
from tui_tuner.dataset.formats import Row, open_format, rows, say_what_is_lost
from tui_tuner.dataset.gathering import Gathered, gather, read_imported, write_set_aside
from tui_tuner.dataset.instructions import write_instructions
from tui_tuner.dataset.journals import AnswerJournals
from tui_tuner.dataset.made_of import BROUGHT, WRITTEN, noted
from tui_tuner.dataset.passage_questions import read_passage_questions, write_passage_questions
from tui_tuner.dataset.plan import (
    IMPORTED,
    INSTRUCTIONS,
    PASSAGE_QUESTIONS,
    REPORT,
    REVIEW,
    SET_ASIDE,
    TEST,
    TRAIN,
    VALID,
    DatasetPlan,
    way_of_answering,
)
from tui_tuner.dataset.prompts_used import NotingTeacher
from tui_tuner.dataset.report import facts
from tui_tuner.dataset.review import Decision, Review, identity
from tui_tuner.dataset.reviewing import taken_back
from tui_tuner.dataset.sequence_length import divide, kept_anyway, open_length_check
from tui_tuner.dataset.split import Shares, Split, split_examples
from tui_tuner.dataset.telling import say_what_is_cut, say_what_is_scarce, what_would_help
from tui_tuner.documents.passages import Passage, name_of
from tui_tuner.errors import DatasetError
from tui_tuner.file_versions import count_lines
from tui_tuner.files import write_json, write_json_lines
from tui_tuner.language import _, ngettext
from tui_tuner.progress import Emit, StopToken
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
        imported: examples brought along.
        set_aside: how many examples are not learned for each reason.
        train: examples to learn from.
        valid: examples held out to measure progress.
        test: examples kept for a last test.
        teacher: who wrote last; empty where nothing was asked.
        path: the folder of the files.
        documents: documents that were brought along.
        passages: passages they were cut into.
        follow_ups: follow-up questions with their answers that are learned or held out.
        short: examples with fewer turns than wanted, because what should follow was refused.
        follow_up_rejects: how many follow-up questions and their answers were refused for each reason.
    """

    instructions: int
    answers: int
    refused: int
    rejects: dict[str, int]
    seed_examples: int
    imported: int
    set_aside: dict[str, int]
    train: int
    valid: int
    test: int
    teacher: str
    path: Path
    documents: int = 0
    passages: int = 0
    follow_ups: int = 0
    short: int = 0
    follow_up_rejects: dict[str, int] = field(default_factory=dict)


def needs_teacher(plan: DatasetPlan) -> bool:
    """Whether there is anything to ask: not where all examples were brought along ready-made."""
    return bool(plan.passages or _asks_without_passages(plan))


def _asks_without_passages(plan: DatasetPlan) -> bool:
    """Whether there are questions that are about no passage, or are to be; seed examples alone ask for none then."""
    seeds = plan.seed_examples and not plan.passages
    return bool(plan.choice.topic.strip() or seeds or (plan.data / INSTRUCTIONS).exists())


def make_dataset(plan: DatasetPlan, teacher: Teacher | None, *, emit: Emit, stop: StopToken) -> DatasetReport:
    """Write the training files of `plan`, going on where an earlier session ended.

    Without a teacher they are made of what is there.

    Emits `StageProgress` for "Questions", "Passages" (questions about documents), "Answers" and, where more than one
    turn is wanted, "Follow-ups", what was written and refused in each, `Notice`s, and `DatasetReady` at the end. `stop`
    is asked between requests; the teacher asks it while it writes.

    Raises:
        DatasetError: a file brought along cannot be used, the format needs a model that is not here, or too few
            examples came of it.
        TeacherError: the teacher failed and will go on failing; everything so far is kept.
        StorageError: the disk is full or not writable; everything so far is kept.
        Stopped: asked to; everything so far is kept.
    """
    began = _now()
    choice = plan.choice
    write = open_format(plan)  # before anything is paid for that could not be written
    made_of = noted(plan.data, BROUGHT)
    decisions = Review(plan.data / REVIEW, emit).decisions
    imported = read_imported(plan.data / IMPORTED, emit)
    questions: dict[str, Passage | None] = {}
    if teacher is not None:
        questions = _ask_questions(plan, teacher, imported, emit=emit, stop=stop)
    written, outcome, follow_ups = _answered(plan, questions, teacher, decisions, emit, stop)
    made_of |= noted(plan.data, WRITTEN)
    if len(plan.seed_examples) + len(imported) + len(written) < 2:
        _require_answers(outcome, len(questions))
    lengths = open_length_check(plan, emit, write)
    (brought, answered), too_long = divide(lengths, (imported, written), decisions, emit=emit, stop=stop)
    gathered = gather(plan, brought, answered, decisions, stop)
    gathered = dataclasses.replace(gathered, set_aside=(*too_long, *gathered.set_aside))
    shares = Shares(choice.valid_fraction, choice.test_fraction, plan.batch_size, plan.quality.near_duplicate)
    split = split_examples(plan.seed_examples, gathered.kept, shares, seed=choice.seed, known=gathered.known)
    say_what_is_scarce(plan, split, outcome, gathered, emit)
    unlearned = kept_anyway(lengths, plan.seed_examples, (imported, written), decisions)
    say_what_is_cut(plan, lengths, gathered, unlearned, emit)
    say_what_is_lost(plan, gathered.kept, emit)
    _write_files(plan.data, gathered, split, lambda examples: rows(examples, write, emit))
    report = _report(plan, teacher, len(questions), len(imported), (outcome, follow_ups), gathered, split)
    written_down = {**_as_json(report, plan, began), **facts(plan, split, imported, lengths), "made_of": made_of}
    write_json(plan.data / REPORT, written_down)
    write_card(plan.data, make_card(written_down, plan.data.absolute().parent.name))
    emit(DatasetReady(report.train, report.valid, report.refused, report.path, report.test))
    return report


def _ask_questions(
    plan: DatasetPlan, teacher: Teacher, imported: Sequence[Example], *, emit: Emit, stop: StopToken
) -> dict[str, Passage | None]:
    """All questions, those about a passage with it."""
    questions: dict[str, Passage | None] = {}
    if _asks_without_passages(plan):
        about_passages = itertools.chain.from_iterable(read_passage_questions(plan.data).values())
        required = not imported and not plan.passages
        asked = NotingTeacher(teacher, plan.data, "questions")
        written = write_instructions(plan, asked, about_passages, required=required, emit=emit, stop=stop)
        questions |= dict.fromkeys(written)
    if plan.passages:
        others = [*questions, *(example.asked for example in imported)]
        asked = NotingTeacher(teacher, plan.data, "questions about documents")
        for question, passage in write_passage_questions(plan, asked, others, emit=emit, stop=stop).items():
            questions.setdefault(question, passage)
    if not questions and not imported:
        raise DatasetError(
            _("there is not one usable question about your documents"),
            where=str(plan.data / PASSAGE_QUESTIONS),
            advice=_("Choose another teacher: {teacher} may be too small to ask about a text.", teacher=teacher.name),
        )
    return questions


def _answered(
    plan: DatasetPlan,
    questions: Mapping[str, Passage | None],
    teacher: Teacher | None,
    decisions: Mapping[str, Decision],
    emit: Emit,
    stop: StopToken,
) -> tuple[list[Example], AnswersOutcome, FollowUpsOutcome]:
    """Every answered example with its follow-ups, and how both stages ended; without a teacher what there is."""
    way = way_of_answering(plan.choice)
    with AnswerJournals(plan.data, emit, way) as journals:
        if teacher is not None:
            passages = {question_key(question): passage for question, passage in questions.items() if passage}
            asked = NotingTeacher(teacher, plan.data, "answers")
            outcome = write_answers(plan, list(questions), asked, journals, passages=passages, emit=emit, stop=stop)
        else:
            outcome = AnswersOutcome(len(journals.kept), 0, {})
        written = [*journals.kept.values(), *taken_back(plan.data, decisions)]
    if plan.choice.turns_learned == 1:
        return written, outcome, FollowUpsOutcome(0, {})
    with FollowUpJournals(plan.data, emit, way, decisions) as steps:
        followed = FollowUpsOutcome(0, {})
        if teacher is not None:
            # What a person rejected is not learned, and what they edited is as they want it.
            open_ = [
                one
                for one in written
                if _verdict(one, decisions) not in ("reject", "edit")
                and (one.passage is None or one.passage.id in plan.passages_by_id)
            ]
            asked = NotingTeacher(teacher, plan.data, "follow-ups")
            followed = write_follow_ups(plan, open_, asked, steps, emit=emit, stop=stop)
        return [steps.there.grown(one, plan.choice.turns_learned) for one in written], outcome, followed


def _require_answers(outcome: AnswersOutcome, questions: int) -> None:
    """Say that it is for refused answers that there is too little, where it is."""
    if outcome.refused:
        what = ngettext(
            "{number} of {total} question got no usable answer",
            "{number} of {total} questions got no usable answer",
            questions,
            number=outcome.refused,
            total=questions,
        )
        raise DatasetError(what, advice=what_would_help(outcome))


def _verdict(example: Example, decisions: Mapping[str, Decision]) -> str:
    decision = decisions.get(identity(example)) if decisions else None
    return decision.verdict if decision else ""


def _write_files(
    data: Path, gathered: Gathered, split: Split, as_rows: Callable[[Iterable[Example]], list[Row]]
) -> None:
    write_set_aside(data / SET_ASIDE, gathered)
    # The training file last: whoever finds training examples finds the others.
    if split.test or (data / TEST).exists():
        write_json_lines(data / TEST, as_rows(split.test))
    write_json_lines(data / VALID, as_rows(split.valid))
    write_json_lines(data / TRAIN, as_rows(split.train))


def _report(
    plan: DatasetPlan,
    teacher: Teacher | None,
    questions: int,
    imported: int,
    outcomes: tuple[AnswersOutcome, FollowUpsOutcome],
    gathered: Gathered,
    split: Split,
) -> DatasetReport:
    outcome, followed = outcomes
    return DatasetReport(
        instructions=questions,
        answers=outcome.kept,
        refused=outcome.refused,
        rejects=outcome.reasons,
        seed_examples=len(plan.seed_examples),
        imported=imported,
        set_aside=gathered.reasons,
        train=len(split.train),
        valid=len(split.valid),
        test=len(split.test),
        teacher=teacher.name if teacher else "",
        path=plan.data,
        documents=len({passage.path for passage in plan.passages}),
        passages=len(plan.passages),
        follow_ups=sum(example.follow_ups for example in gathered.kept),
        short=followed.short,
        follow_up_rejects=followed.reasons,
    )


def _as_json(report: DatasetReport, plan: DatasetPlan, began: str) -> dict[str, Any]:
    counts = dataclasses.asdict(report)
    del counts["path"]  # the folder may be moved
    settings = {**dataclasses.asdict(plan.choice), **dataclasses.asdict(plan.quality)}
    counts["passages_name"] = name_of(plan.passages)
    counts["decisions"] = count_lines(plan.data / REVIEW)
    counts["way"] = way_of_answering(plan.choice)
    return {**counts, "began": began, "ended": _now(), "seed": plan.choice.seed, "settings": settings}


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
