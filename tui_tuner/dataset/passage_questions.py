"""The stage for documents: some questions about each passage.

They are kept in `data/passage_questions.jsonl`, a journal with a row for each request that was answered: the passage,
and the new questions there were in the answer. What was asked for once is not asked for again in another session.
"""

from __future__ import annotations

import itertools
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tui_tuner.choices import DatasetChoice
from tui_tuner.dataset.events import InstructionWritten
from tui_tuner.dataset.examples import question_key
from tui_tuner.dataset.grounding import mentioned
from tui_tuner.dataset.near_duplicates import NearDuplicates
from tui_tuner.dataset.passage_asking import AskedAbout, passage_asking
from tui_tuner.dataset.phrases import Phrases
from tui_tuner.dataset.plan import PASSAGE_QUESTIONS, DatasetPlan
from tui_tuner.dataset.unfinished import unfinished_word
from tui_tuner.documents.passages import Passage
from tui_tuner.errors import TeacherError, TeacherRefused
from tui_tuner.files import read_json_lines
from tui_tuner.journal import Journal
from tui_tuner.language import _
from tui_tuner.progress import Emit, Notice, Pace, StopToken
from tui_tuner.teachers.teacher import Answer, Teacher

TRIES = 3  # times as many questions are asked for as are wanted, before a passage is left with what it has
FEWEST_WORDS = 8  # of a passage: with fewer there is nothing to ask about


def read_passage_questions(data: Path) -> dict[str, list[str]]:
    """The questions there are about each passage, by its `id`; none where there is no file.

    Raises:
        StorageError: it cannot be read.
    """
    questions: dict[str, list[str]] = {}
    for row in _rows(data / PASSAGE_QUESTIONS):
        questions.setdefault(row["passage"]["id"], []).extend(row["questions"])
    return questions


def worth_asking(passages: Iterable[Passage]) -> list[Passage]:
    """The passages that are long enough to ask about, each text once."""
    unique = {passage.id: passage for passage in reversed(list(passages)) if passage.words >= FEWEST_WORDS}
    return list(reversed(unique.values()))


def write_passage_questions(
    plan: DatasetPlan, teacher: Teacher, others: Iterable[str], *, emit: Emit, stop: StopToken
) -> dict[str, Passage]:
    """Have the teacher ask about every passage of `plan` that has too few questions yet.

    A question nearly like one that is there, about whatever passage, is not kept, nor is one that speaks of the passage
    itself: whoever learns from it does not see it. A passage that yields too few is left with what it has.

    Args:
        plan: its passages.
        teacher: who asks.
        others: questions there are already that are about no passage.
        emit: hears of each new question.
        stop: looked at between requests.

    Returns:
        All questions about the passages of `plan`, in the order of the passages, each with its passage.

    Raises:
        TeacherError: the teacher failed at everything it was asked in a round; the questions so far are kept.
        StorageError: the disk is full or not writable; the questions so far are kept.
        Stopped: asked to; the questions so far are kept.
    """
    with Journal(plan.data / PASSAGE_QUESTIONS) as journal:
        work = _PassageQuestions(plan, teacher, others, journal, emit)
        while work.round(stop):
            stop.check()
        work.pace.finish()
    return {question: passage for passage in work.passages for question in work.questions.get(passage.id, ())}


def _way_of_asking(choice: DatasetChoice) -> str:
    """A short name of the settings that decide what is asked: with others a passage is worth asking about again."""
    values = (choice.teacher, choice.teacher_models, choice.temperature, choice.seed, choice.questions_per_passage)
    return f"{zlib.crc32(repr(values).encode()):08x}"


def _rows(path: Path) -> list[dict[str, Any]]:
    rows, _bad = read_json_lines(path)
    return [
        row
        for row in rows
        if isinstance(row, dict)
        and isinstance(row.get("passage"), dict)
        and isinstance(row["passage"].get("id"), str)
        and isinstance(row.get("questions"), list)
        and all(isinstance(question, str) and question_key(question) for question in row["questions"])
    ]


class _PassageQuestions:
    """The questions so far, and how often each passage was asked about."""

    def __init__(
        self, plan: DatasetPlan, teacher: Teacher, others: Iterable[str], journal: Journal, emit: Emit
    ) -> None:
        self._plan, self._teacher, self._journal, self._emit = plan, teacher, journal, emit
        self.passages = worth_asking(plan.passages)
        self._wanted = plan.choice.questions_per_passage
        self._way = _way_of_asking(plan.choice)
        self._asking = passage_asking(plan, continues=teacher.continues)
        self.questions: dict[str, list[str]] = {}
        self._spent: Counter[str] = Counter()  # questions asked for in this way, by passage
        self._failed: set[str] = set()  # passages the teacher failed at in this session
        for row in _rows(journal.path):
            name = row["passage"]["id"]
            self.questions.setdefault(name, []).extend(row["questions"])
            if row.get("way") == self._way and isinstance(row.get("wanted"), int):
                self._spent[name] += row["wanted"]
        written = [question for questions in self.questions.values() for question in questions]
        self._written = len(written)
        self._known = NearDuplicates(plan.quality.near_duplicate)
        for question in (*others, *(example.question for example in plan.seed_examples), *written):
            self._known.add(question)
        self._phrases = Phrases(plan.choice.opening_phrases, written, plan.choice.seed)
        self._settled = {passage.id for passage in self.passages if not self._missing(passage)}
        self.pace = Pace(_("Passages"), len(self.passages), _("passages"), emit, done=len(self._settled))

    def round(self, stop: StopToken) -> bool:
        """Ask about as many passages as the teacher takes at once; False where there is none left to ask about."""
        asked = self._next_requests()
        if not asked:
            return False
        answered = 0
        failure: TeacherError | None = None

        def on_answer(place: int, answer: Answer | TeacherError) -> None:
            nonlocal answered, failure
            if isinstance(answer, TeacherError):
                failure = answer
                self._fail(asked[place], answer)
            else:
                answered += 1
                self._take(asked[place], answer)

        self._teacher.ask([one.request for one in asked], on_answer, stop)
        if failure is not None and not answered:
            raise failure
        return True

    def _next_requests(self) -> list[AskedAbout]:
        """The requests of a round, passage after passage."""
        requests: list[AskedAbout] = []
        most = max(1, self._teacher.at_once)
        open_ = [(turn, passage) for turn, passage in enumerate(self.passages) if self._missing(passage)][:most]
        due = iter(self._phrases.due(sum(self._missing(passage) for _turn, passage in open_)))
        for turn, passage in open_:
            phrases = list(itertools.islice(due, self._missing(passage)))
            requests += self._asking.requests(passage, phrases, self._spent[passage.id], turn)
            if len(requests) >= most:
                break
        return requests[:most]

    def _missing(self, passage: Passage) -> int:
        """How many questions are still to be asked for; none once too many were asked for in vain."""
        spent = self._spent[passage.id]
        if passage.id in self._failed or spent >= TRIES * self._wanted:
            return 0
        return max(0, self._wanted - len(self.questions.get(passage.id, ())))

    def _take(self, asked: AskedAbout, answer: Answer) -> None:
        """Keep what is new; on the disk before anybody hears of it."""
        passage = asked.passage
        there = self.questions.setdefault(passage.id, [])
        room = self._wanted - len(there)
        new: list[str] = []
        for question in self._asking.questions(asked, answer):
            if unfinished_word(question, self._plan.choice.unfinished_endings):
                continue
            if len(new) < room and not mentioned(question, passage) and self._known.like(question) is None:
                self._known.add(question)
                new.append(question)
        self._note(asked, new, answer.by or self._teacher.name)
        there += new
        for question in new:
            self._phrases.count(question)
            self._written += 1
            self._emit(InstructionWritten(question, self._written, passage.place))
        if asked.phrase and not new:
            self._phrases.failed(asked.phrase)
        self._settle(passage)

    def _fail(self, asked: AskedAbout, error: TeacherError) -> None:
        """Go on without a passage the teacher failed at; what it refuses it is not asked again."""
        if isinstance(error, TeacherRefused):
            self._note(asked, [], self._teacher.name, error.what)
        text = _("no questions about {place}: {error}", place=asked.passage.place, error=error.what)
        self._emit(Notice(text, "warning"))
        self._failed.add(asked.passage.id)
        self._settle(asked.passage)

    def _note(self, asked: AskedAbout, questions: Sequence[str], source: str, error: str = "") -> None:
        row: dict[str, Any] = {"passage": asked.passage.provenance.as_row(), "questions": list(questions)}
        row |= {"wanted": asked.expected, "source": source, "way": self._way}
        self._journal.append({**row, "error": error} if error else row)
        self._spent[asked.passage.id] += asked.expected

    def _settle(self, passage: Passage) -> None:
        if not self._missing(passage) and passage.id not in self._settled:
            self._settled.add(passage.id)
            self.pace.advance(detail=passage.place)
