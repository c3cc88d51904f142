"""The third stage: likely follow-up questions, each with its answer, until a conversation has as many turns as wanted.

Each step, a question or an answer, is on the disk before the next one is asked for. A step that is refused is asked for
again at most twice; then the example stays as it is, which is still a good one. No conversation ends with a question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tui_tuner.dataset.acceptance import Standard
from tui_tuner.dataset.answer_request import answer_request
from tui_tuner.dataset.checks import ECHO_WORDS, Objection, question_objection
from tui_tuner.dataset.events import FollowUpRefused, FollowUpWritten
from tui_tuner.dataset.examples import Example, asked_and_answered, name_of, question_key, well_formed
from tui_tuner.dataset.follow_up_journals import FollowUpJournals
from tui_tuner.dataset.follow_up_request import follow_up_request, question_in
from tui_tuner.dataset.follow_ups_there import Step
from tui_tuner.dataset.grounding import mention_objection
from tui_tuner.dataset.near_duplicates import NearDuplicates
from tui_tuner.dataset.plan import DatasetPlan
from tui_tuner.dataset.review import identity
from tui_tuner.dataset.rounds import TRIES, Rounds
from tui_tuner.dataset.sequence_length import InWords
from tui_tuner.documents.passages import Passage
from tui_tuner.errors import TeacherError
from tui_tuner.language import _, ngettext
from tui_tuner.models.prompts import Message
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Emit, Notice, Pace, StopToken
from tui_tuner.teachers.teacher import Answer, Request, Teacher


@dataclass(frozen=True)
class FollowUpsOutcome:
    """How the stage ended.

    Attributes:
        short: examples that have fewer turns than wanted, because what should follow was refused.
        reasons: how often a question or an answer was refused for each reason.
    """

    short: int
    reasons: dict[str, int]


def write_follow_ups(
    plan: DatasetPlan,
    examples: Sequence[Example],
    teacher: Teacher,
    journals: FollowUpJournals,
    *,
    emit: Emit,
    stop: StopToken,
) -> FollowUpsOutcome:
    """Have the teacher go on with every example until it has `plan.choice.turns_learned` questions with their answers.

    Raises:
        TeacherError: the teacher failed several times in a row; everything so far is kept.
        StorageError: the disk is full or not writable; everything so far is kept.
        Stopped: asked to; everything so far is kept.
    """
    work = _FollowUps(plan, examples, teacher, journals, emit)
    work.rounds.ask_all(stop)
    work.pace.finish()
    if work.short:
        text = ngettext(
            "{number} example has fewer turns than the {turns} wanted, because what should follow was refused; it "
            "is learned as it is. v in the Dataset step shows what was refused, and there it can be accepted.",
            "{number} examples have fewer turns than the {turns} wanted, because what should follow was refused; they "
            "are learned as they are. v in the Dataset step shows what was refused, and there it can be accepted.",
            work.short,
            turns=plan.choice.turns_learned,
        )
        emit(Notice(text))
    return FollowUpsOutcome(work.short, dict(journals.there.reasons))


@dataclass(frozen=True)
class _Waiting:
    """An example, and what it needs next: a question, or, where there is one, its answer."""

    example: Example
    question: str = ""

    @property
    def conversation(self) -> tuple[Message, ...]:
        """The turns so far, with the question that waits for its answer."""
        asked = (Message(role="user", content=self.question),) if self.question else ()
        return (*self.example.messages, *asked)

    @property
    def step(self) -> Step:
        """By which the journal knows it."""
        return Step(name_of(self.example.messages), self.question)


class _FollowUps:
    """The steps still to be taken, and how it goes."""

    def __init__(
        self,
        plan: DatasetPlan,
        examples: Sequence[Example],
        teacher: Teacher,
        journals: FollowUpJournals,
        emit: Emit,
    ) -> None:
        self._plan, self._teacher, self._journals, self._emit = plan, teacher, journals, emit
        self._standard = Standard(plan)
        self._others = _FirstQuestions(plan, examples)
        self._turns = plan.choice.turns_learned
        self._places = {identity(example): place for place, example in enumerate(examples)}
        self.short = self._written = 0
        # Those refused before come last, as they do within one session.
        open_ = [waiting for example in examples if (waiting := self._first_step(example)) is not None]
        open_.sort(key=lambda waiting: journals.there.tries[waiting.step])
        self.rounds = Rounds(teacher, open_, request=self._request, take=self._take, fail=self._fail)
        total = (self._turns - 1) * len(examples)
        missing = sum(self._turns - waiting.example.turns for waiting in open_)
        self.pace = Pace(_("Follow-ups"), total, _("follow-ups"), emit, done=total - missing)

    def _first_step(self, example: Example) -> _Waiting | None:
        """Where an earlier session left off; None where nothing is left to do, or nothing more is tried."""
        example = self._journals.there.grown(example, self._turns)
        self._written += example.turns - 1
        if example.turns >= self._turns:
            return None
        waiting = _Waiting(example, self._journals.there.waiting(name_of(example.messages)))
        if self._journals.there.tries[waiting.step] < TRIES:
            return waiting
        self.short += 1
        return None

    def _request(self, waiting: _Waiting) -> Request:
        tries, passage = self._journals.there.tries[waiting.step], self._passage(waiting)
        ask = answer_request if waiting.question else follow_up_request
        request = ask(self._plan, self._teacher, waiting.conversation, tries, passage)
        # Where several models write in turn, another one tries the next time.
        return replace(request, turn=self._places[identity(waiting.example)] + tries)

    def _passage(self, waiting: _Waiting) -> Passage | None:
        origin = waiting.example.passage
        return self._plan.passages_by_id.get(origin.id) if origin else None

    def _take(self, waiting: _Waiting, answer: Answer) -> None:
        by = answer.by or self._teacher.name
        if waiting.question:
            self._take_answer(waiting, self._standard.tidy(answer), answer.text, by)
        else:
            self._take_question(waiting, answer, by)

    def _take_question(self, waiting: _Waiting, answer: Answer, by: str) -> None:
        question = question_in(answer, self._request(waiting))
        found = self._objection_to_question(waiting, question)
        if found is not None:
            self._refuse(waiting, question, found, well_formed(answer.text).strip(), by)
            return
        self._journals.keep_question(waiting.step.after, question, by)
        # Its answer is asked for next, so that conversations are finished one after the other.
        self.rounds.waiting.appendleft(_Waiting(waiting.example, question))

    def _objection_to_question(self, waiting: _Waiting, question: str) -> Objection | None:
        earlier = [message["content"] for message in waiting.example.messages if message["role"] == "user"]
        found = question_objection(question, earlier, self._plan.quality)
        if found is None and (passage := self._passage(waiting)):
            found = mention_objection(question, passage)
        return found or self._others.objection(waiting.example, question)

    def _take_answer(self, waiting: _Waiting, answer: Answer, whole: str, by: str) -> None:
        found = self._objection_to_answer(waiting, answer)
        if found is not None:
            self._refuse(waiting, waiting.question, found, well_formed(whole), by)
            return
        turns = self._journals.keep(waiting.step, answer, by)
        example = waiting.example.followed_by(turns)
        self._written += 1
        self.pace.advance()
        words = (example.question, waiting.question, answer.text, answer.tokens, example.turns, by, self._written)
        self._emit(FollowUpWritten(*words))
        if example.turns < self._turns:
            self.rounds.waiting.appendleft(_Waiting(example))

    def _objection_to_answer(self, waiting: _Waiting, answer: Answer) -> Objection | None:
        found = self._standard.objection(waiting.question, answer, self._passage(waiting))
        if found is not None:
            return found
        said = question_key(answer.text)
        before = (message["content"] for message in waiting.example.messages if message["role"] == "assistant")
        if len(said.split()) >= ECHO_WORDS and said in map(question_key, before):
            return Objection("repetition", _("it repeats an earlier answer of the conversation"))
        whole = waiting.example.followed_by(asked_and_answered(waiting.question, answer.text, "").messages)
        return InWords(self._plan.max_seq_length).objection(whole)

    def _fail(self, waiting: _Waiting, error: TeacherError) -> None:
        self._refuse(waiting, waiting.question, Objection("teacher_failed", error.what), "", self._teacher.name)

    def _refuse(self, waiting: _Waiting, question: str, found: Objection, text: str, by: str) -> None:
        self._journals.refuse(waiting.step, question or text, text, found, by)
        self._emit(FollowUpRefused(waiting.example.question, question, found.text))
        if self._journals.there.tries[waiting.step] < TRIES:
            self.rounds.waiting.append(waiting)
        else:
            self.short += 1
            self.pace.advance(self._turns - waiting.example.turns)


class _FirstQuestions:
    """What conversations begin with: no other one may ask that later, or both sides of the split would have it."""

    def __init__(self, plan: DatasetPlan, examples: Sequence[Example]) -> None:
        self._questions = [example.question for example in (*plan.seed_examples, *examples)]
        self._threshold = plan.quality.near_duplicate
        self._known: NearDuplicates | None = None

    def objection(self, example: Example, question: str) -> Objection | None:
        """What is wrong with `question` going on with `example`; None where nothing is."""
        if self._known is None:
            self._known = NearDuplicates(self._threshold)
            for known in self._questions:
                self._known.add(known)
        place = self._known.like(question)
        if place is None:
            return None
        if self._questions[place] == example.question:
            return Objection("repeats_question", _("it repeats a question of the conversation"))
        like = one_line(self._questions[place], 200)
        return Objection("near_duplicate", _("another conversation begins with nearly the same: {like}", like=like))
