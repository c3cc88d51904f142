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
from tui_tuner.dataset.follow_up_journals import FollowUpJournals, grown
from tui_tuner.dataset.follow_up_request import follow_up_request, question_in
from tui_tuner.dataset.grounding import mention_objection
from tui_tuner.dataset.near_duplicates import NearDuplicates
from tui_tuner.dataset.plan import FOLLOW_UP_STEPS, DatasetPlan
from tui_tuner.dataset.review import identity
from tui_tuner.dataset.rounds import TRIES, Rounds
from tui_tuner.dataset.sequence_length import InWords
from tui_tuner.documents.passages import Passage
from tui_tuner.errors import TeacherError
from tui_tuner.language import _
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
        text = _(
            "{number} examples have fewer turns than the {turns} wanted, because what should follow was refused; they "
            "are learned as they are. data/{file} has every reason.",
            number=work.short,
            turns=plan.choice.turns_learned,
            file=FOLLOW_UP_STEPS,
        )
        emit(Notice(text))
    return FollowUpsOutcome(work.short, dict(journals.reasons))


@dataclass(frozen=True)
class _Step:
    """What a conversation needs next: a question, or, where there is one, its answer."""

    example: Example
    question: str = ""

    @property
    def conversation(self) -> tuple[Message, ...]:
        """The turns so far, with the question that waits for its answer."""
        asked = (Message(role="user", content=self.question),) if self.question else ()
        return (*self.example.messages, *asked)

    @property
    def name(self) -> str:
        """By which the journal knows how often it was tried."""
        return name_of(self.conversation)


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
        steps = [step for example in examples if (step := self._first_step(example)) is not None]
        steps.sort(key=lambda step: journals.tries[step.name])
        self.rounds = Rounds(teacher, steps, request=self._request, take=self._take, fail=self._fail)
        total = (self._turns - 1) * len(examples)
        missing = sum(self._turns - step.example.turns for step in steps)
        self.pace = Pace(_("Follow-ups"), total, _("follow-ups"), emit, done=total - missing)

    def _first_step(self, example: Example) -> _Step | None:
        """Where an earlier session left off; None where nothing is left to do, or nothing more is tried."""
        example = grown(example, self._journals.finished, self._turns)
        self._written += example.turns - 1
        if example.turns >= self._turns:
            return None
        step = _Step(example, self._journals.questions.get(name_of(example.messages), ""))
        if self._journals.tries[step.name] < TRIES:
            return step
        self.short += 1
        return None

    def _request(self, step: _Step) -> Request:
        tries, passage = self._journals.tries[step.name], self._passage(step)
        ask = answer_request if step.question else follow_up_request
        request = ask(self._plan, self._teacher, step.conversation, tries, passage)
        # Where several models write in turn, another one tries the next time.
        return replace(request, turn=self._places[identity(step.example)] + tries)

    def _passage(self, step: _Step) -> Passage | None:
        origin = step.example.passage
        return self._plan.passages_by_id.get(origin.id) if origin else None

    def _take(self, step: _Step, answer: Answer) -> None:
        by = answer.by or self._teacher.name
        if step.question:
            self._take_answer(step, self._standard.tidy(answer), answer.text, by)
        else:
            self._take_question(step, answer, by)

    def _take_question(self, step: _Step, answer: Answer, by: str) -> None:
        question = question_in(answer, self._request(step))
        found = self._objection_to_question(step, question)
        if found is not None:
            self._refuse(step, question, found, well_formed(answer.text), by)
            return
        self._journals.keep_question(step.name, question, by)
        # Its answer is asked for next, so that conversations are finished one after the other.
        self.rounds.waiting.appendleft(_Step(step.example, question))

    def _objection_to_question(self, step: _Step, question: str) -> Objection | None:
        earlier = [message["content"] for message in step.example.messages if message["role"] == "user"]
        found = question_objection(question, earlier, self._plan.quality)
        if found is None and (passage := self._passage(step)):
            found = mention_objection(question, passage)
        return found or self._others.objection(step.example, question)

    def _take_answer(self, step: _Step, answer: Answer, whole: str, by: str) -> None:
        found = self._objection_to_answer(step, answer)
        if found is not None:
            self._refuse(step, step.question, found, well_formed(whole), by)
            return
        turns = self._journals.keep(name_of(step.example.messages), step.question, answer, by)
        example = step.example.followed_by(turns)
        self._written += 1
        self.pace.advance()
        words = (example.question, step.question, answer.text, answer.tokens, example.turns, by, self._written)
        self._emit(FollowUpWritten(*words))
        if example.turns < self._turns:
            self.rounds.waiting.appendleft(_Step(example))

    def _objection_to_answer(self, step: _Step, answer: Answer) -> Objection | None:
        found = self._standard.objection(step.question, answer, self._passage(step))
        if found is not None:
            return found
        said = question_key(answer.text)
        before = (message["content"] for message in step.example.messages if message["role"] == "assistant")
        if len(said.split()) >= ECHO_WORDS and said in map(question_key, before):
            return Objection("repetition", _("it repeats an earlier answer of the conversation"))
        whole = step.example.followed_by(asked_and_answered(step.question, answer.text, "").messages)
        return InWords(self._plan.max_seq_length).objection(whole)

    def _fail(self, step: _Step, error: TeacherError) -> None:
        self._refuse(step, step.question, Objection("teacher_failed", error.what), "", self._teacher.name)

    def _refuse(self, step: _Step, question: str, found: Objection, text: str, by: str) -> None:
        self._journals.refuse(step.name, text, found, by)
        self._emit(FollowUpRefused(step.example.question, question, found.text))
        if self._journals.tries[step.name] < TRIES:
            self.rounds.waiting.append(step)
        else:
            self.short += 1
            self.pace.advance(self._turns - step.example.turns)


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
