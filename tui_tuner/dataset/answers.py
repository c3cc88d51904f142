"""The second stage: an answer to every question.

Each accepted example is on the disk before it is counted, so a killed run loses at most what was in flight. A refused
answer is asked again at most twice, with another seed and other seed examples before it; then its question is given
up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tui_tuner.dataset.acceptance import Standard
from tui_tuner.dataset.answer_request import answer_request
from tui_tuner.dataset.checks import Objection
from tui_tuner.dataset.events import ExampleRefused, ExampleWritten
from tui_tuner.dataset.examples import asked_and_answered, question_key, well_formed
from tui_tuner.dataset.journals import AnswerJournals
from tui_tuner.dataset.plan import DatasetPlan
from tui_tuner.dataset.rounds import TRIES, Rounds
from tui_tuner.documents.passages import Passage
from tui_tuner.errors import TeacherError
from tui_tuner.language import _
from tui_tuner.models.prompts import Message
from tui_tuner.progress import Emit, Pace, StopToken
from tui_tuner.teachers.teacher import Answer, Request, Teacher


@dataclass(frozen=True)
class AnswersOutcome:
    """How the stage ended.

    Attributes:
        kept: answers there are now.
        refused: questions given up.
        reasons: how often an answer was refused for each reason.
    """

    kept: int
    refused: int
    reasons: dict[str, int]


def write_answers(
    plan: DatasetPlan,
    questions: Sequence[str],
    teacher: Teacher,
    journals: AnswerJournals,
    *,
    passages: Mapping[str, Passage] | None = None,
    emit: Emit,
    stop: StopToken,
) -> AnswersOutcome:
    """Have the teacher answer every question that has no answer yet.

    Args:
        plan: style, seed examples and thresholds.
        questions: all there are.
        teacher: who answers.
        journals: the answers so far.
        passages: what those questions have to be answered from that are about a passage, by `question_key`.
        emit: hears of each answer.
        stop: looked at between requests.

    Raises:
        TeacherError: the teacher failed several times in a row; the answers so far are kept.
        StorageError: the disk is full or not writable; the answers so far are kept.
        Stopped: asked to; the answers so far are kept.
    """
    work = _Answers(plan, questions, teacher, journals, emit, passages or {})
    work.rounds.ask_all(stop)
    work.pace.finish()
    return AnswersOutcome(len(journals.kept), work.given_up, dict(journals.reasons))


class _Answers:
    """The questions still to be answered, and how it goes."""

    def __init__(
        self,
        plan: DatasetPlan,
        questions: Sequence[str],
        teacher: Teacher,
        journals: AnswerJournals,
        emit: Emit,
        passages: Mapping[str, Passage],
    ) -> None:
        self._plan, self._teacher, self._journals, self._emit = plan, teacher, journals, emit
        self._passages = passages
        self._standard = Standard(plan)
        seeds = {question_key(example.question) for example in plan.seed_examples}
        asked = [question for question in questions if question_key(question) not in seeds]
        self._turns = {question_key(question): place for place, question in enumerate(questions)}
        open_ = [question for question in asked if question_key(question) not in journals.kept]
        self.given_up = sum(journals.tries[question_key(question)] >= TRIES for question in open_)
        # Those refused before come last, as they do within one session.
        waiting = [question for question in open_ if journals.tries[question_key(question)] < TRIES]
        waiting.sort(key=lambda question: journals.tries[question_key(question)])
        self.rounds = Rounds(teacher, waiting, request=self._request, take=self._take, fail=self._fail)
        self.pace = Pace(_("Answers"), len(asked), _("answers"), emit, done=len(asked) - len(waiting))

    def _request(self, question: str) -> Request:
        key = question_key(question)
        tries = self._journals.tries[key]
        conversation = [Message(role="user", content=question)]
        request = answer_request(self._plan, self._teacher, conversation, tries, self._passages.get(key))
        # Where several models write in turn, another one tries the next time.
        return replace(request, turn=self._turns[key] + tries)

    def _fail(self, question: str, error: TeacherError) -> None:
        self._refuse(question, "", Objection("teacher_failed", error.what))

    def _take(self, question: str, answer: Answer) -> None:
        tidied = self._standard.tidy(answer)
        passage = self._passages.get(question_key(question))
        objection = self._standard.objection(question, tidied, passage)
        if objection is not None:
            self._refuse(question, well_formed(answer.text), objection, answer.by)
            return
        origin = passage.provenance if passage else None
        example = asked_and_answered(question, tidied.text, answer.by or self._teacher.name, origin)
        self._journals.keep(example, tidied)
        self.pace.advance()
        written = ExampleWritten(question, tidied.text, tidied.tokens, example.source, len(self._journals.kept))
        self._emit(written)

    def _refuse(self, question: str, text: str, objection: Objection, by: str = "") -> None:
        passage = self._passages.get(question_key(question))
        origin = passage.provenance if passage else None
        self._journals.refuse(question, text, objection, by or self._teacher.name, origin)
        self._emit(ExampleRefused(question, objection.text))
        if self._journals.tries[question_key(question)] < TRIES:
            self.rounds.waiting.append(question)
        else:
            self.given_up += 1
            self.pace.advance()
