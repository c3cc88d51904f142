"""The first stage: questions, until there are as many as wanted.

They are kept in `data/instructions.json`, the guide's format: one JSON array of strings, which can be edited by hand or
brought along.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path

from tui_tuner.dataset.asking import Asked, Asking, AsLists, OneByOne
from tui_tuner.dataset.events import InstructionWritten
from tui_tuner.dataset.examples import question_key, well_formed
from tui_tuner.dataset.near_duplicates import NearDuplicates
from tui_tuner.dataset.phrases import Phrases
from tui_tuner.dataset.plan import INSTRUCTIONS, DatasetPlan
from tui_tuner.dataset.unfinished import unfinished_word
from tui_tuner.errors import DatasetError, TeacherError
from tui_tuner.files import read_json, write_json
from tui_tuner.language import _, ngettext
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Emit, Notice, Pace, StopToken
from tui_tuner.teachers.teacher import Answer, Teacher

# Where this many rounds in a row bring fewer new questions than this share of those asked for, the topic is exhausted.
PATIENCE, FLOOR = 4, 0.1


def read_instructions(path: Path) -> list[str]:
    """The questions in `path`, without those that are there twice; none where there is no file.

    Raises:
        DatasetError: it is not a JSON array of texts.
        StorageError: it cannot be read.
    """
    if not path.exists():
        return []
    found = read_json(path)
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise DatasetError(
            _("this must be one JSON list of texts"),
            where=str(path),
            advice=_('Write it like this: ["How do I …?", "What is …?"], or move it away to have it made again.'),
        )
    unique: dict[str, str] = {}
    for item in found:
        unique.setdefault(question_key(item), well_formed(item).strip())
    unique.pop("", None)
    return list(unique.values())


def write_instructions(
    plan: DatasetPlan,
    teacher: Teacher,
    others: Iterable[str] = (),
    *,
    required: bool = True,
    emit: Emit,
    stop: StopToken,
) -> list[str]:
    """Have the teacher write questions until there are `plan.choice.instructions`; return all of them.

    Goes on with those already in the file. The file is replaced after each answer. A question nearly like one of
    them is not kept. Where the teacher hardly finds new
    ones any more, a `Notice` says so and the stage ends with what there is. With neither a topic nor seed examples, the
    questions in the file are all there will be; where there are documents, seed examples alone ask for no more either.

    Args:
        plan: topic, seed examples and how many are wanted.
        teacher: who asks.
        others: questions there are elsewhere, which are not to be repeated.
        required: whether there has to be at least one.
        emit: hears of each new question.
        stop: looked at between requests.

    Raises:
        DatasetError: the file is no list of questions, or not one question could be had and some are `required`.
        TeacherError: the teacher failed; the questions so far are kept.
        StorageError: the disk is full or not writable; the file is as it was.
        Stopped: asked to; the questions so far are kept.
    """
    work = _Instructions(plan, others, emit)
    if plan.choice.topic.strip() or (plan.seed_examples and not plan.passages):
        work.fill(teacher, stop)
    work.pace.finish()
    work.say_what_broke_off()
    if required and not work.questions:
        raise DatasetError(
            _("there is not one usable question"),
            where=str(work.path),
            advice=_("Choose another topic or another teacher, or write some questions yourself."),
        )
    return work.questions


class _Instructions:
    """The questions so far, and what is known of the teacher's yield."""

    def __init__(self, plan: DatasetPlan, others: Iterable[str], emit: Emit) -> None:
        self.path = plan.data / INSTRUCTIONS
        self.questions = read_instructions(self.path)
        self.wanted = plan.choice.instructions
        self._plan, self._emit = plan, emit
        self._known = NearDuplicates(plan.quality.near_duplicate)
        for question in (*self.questions, *(example.question for example in plan.seed_examples), *others):
            self._known.add(question)
        self._phrases = Phrases(plan.choice.opening_phrases, self.questions, plan.choice.seed)
        self._unfinished: list[str] = []
        total = max(self.wanted, len(self.questions))
        self.pace = Pace(_("Questions"), total, _("questions"), emit, done=len(self.questions))

    def fill(self, teacher: Teacher, stop: StopToken) -> None:
        """Round after round, until there are enough or the yield is too low."""
        asking: Asking = OneByOne(self._plan) if teacher.continues else AsLists(self._plan)
        yields: deque[tuple[int, int]] = deque(maxlen=PATIENCE)
        turn = len(self.questions)  # a resumed run asks differently from the rounds before it
        while len(self.questions) < self.wanted:
            stop.check()
            yields.append(self._round(asking, teacher, turn, stop))
            turn += 1
            new, expected = (sum(numbers) for numbers in zip(*yields, strict=True))
            if len(yields) == PATIENCE and new < max(1, math.floor(FLOOR * expected)):
                self._say_exhausted(teacher)
                return

    def _round(self, asking: Asking, teacher: Teacher, turn: int, stop: StopToken) -> tuple[int, int]:
        """Ask once; return how many new questions came, and how many were asked for where it was answered."""
        missing = self.wanted - len(self.questions)
        asked = asking.requests(missing, max(1, teacher.at_once), self._phrases, self.questions, turn)
        before = len(self.questions)
        expected = 0
        failure: TeacherError | None = None

        def on_answer(place: int, answer: Answer | TeacherError) -> None:
            nonlocal expected, failure
            if isinstance(answer, TeacherError):
                failure = answer
                self._emit(Notice(_("a request for questions failed: {error}", error=answer.what), "warning"))
                return
            expected += asked[place].expected
            known = len(self.questions)
            self._take(asking.questions(asked[place], answer), asked[place])
            if len(self.questions) > known:
                # On the disk before the next one is waited for: what was paid for is not paid for again.
                write_json(self.path, self.questions)

        teacher.ask([one.request for one in asked], on_answer, stop)
        if failure is not None and not expected:
            raise failure
        return len(self.questions) - before, expected

    def _take(self, questions: Sequence[str], asked: Asked) -> None:
        """Keep what is new, as long as some are missing."""
        opened = set()
        for question in questions:
            key = question_key(question)
            if not key or len(self.questions) >= self.wanted or self._phrases.asks_nothing(question):
                continue
            if unfinished_word(question, self._plan.choice.unfinished_endings):
                self._unfinished.append(question)
                continue
            if self._known.like(question) is not None:
                continue
            self._known.add(question)
            self.questions.append(question)
            self._phrases.count(question)
            opened.add(self._phrases.opening_of(question))
            self.pace.advance()
            self._emit(InstructionWritten(question, len(self.questions)))
        for phrase in asked.phrases:
            if phrase not in opened:
                self._phrases.failed(phrase)

    def say_what_broke_off(self) -> None:
        """How many questions were not kept because they break off."""
        if self._unfinished:
            text = ngettext(
                "{number:,} question breaks off and was not kept: {question}",
                "{number:,} questions break off and were not kept, such as: {question}",
                len(self._unfinished),
                question=one_line(self._unfinished[0], 200),
            )
            self._emit(Notice(text))

    def _say_exhausted(self, teacher: Teacher) -> None:
        text = _(
            "{teacher} hardly finds new questions any more: going on with {number} of {wanted}. "
            "A wider topic, more opening phrases or a higher temperature would give more.",
            teacher=teacher.name,
            number=len(self.questions),
            wanted=self.wanted,
        )
        self._emit(Notice(text, "warning"))
