"""The prompt for questions, tried once before the run: what is sent, what comes back, and what of it would be dropped.

Nothing is written to the data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tui_tuner.dataset.asking import LISTED_AT_ONCE, Asked, Asking, AsLists, OneByOne
from tui_tuner.dataset.examples import question_key
from tui_tuner.dataset.instructions import read_instructions
from tui_tuner.dataset.near_duplicates import NearDuplicates
from tui_tuner.dataset.phrases import Phrases
from tui_tuner.dataset.plan import INSTRUCTIONS, DatasetPlan
from tui_tuner.dataset.reading import clean_question, listed_items
from tui_tuner.dataset.unfinished import unfinished_word
from tui_tuner.errors import TeacherError
from tui_tuner.language import _
from tui_tuner.progress import Event, StopToken
from tui_tuner.teachers.teacher import Answer, Request, Teacher

TRIED = 6  # questions asked of a teacher that writes one at a time


@dataclass(frozen=True)
class PromptSent(Event):
    """What a teacher would be told, turn by turn."""

    prompt: str


@dataclass(frozen=True)
class PromptTried(Event):
    """How a try ended.

    Attributes:
        prompt: what was sent first, turn by turn.
        teacher: who answered.
        said: the answers as they came, those of a teacher that writes one question at a time each on a line.
        questions: those that would be kept.
        dropped: each other one, with the reason.
        tokens: how many the teacher wrote.
    """

    prompt: str
    teacher: str
    said: str
    questions: tuple[str, ...]
    dropped: tuple[tuple[str, str], ...]
    tokens: int


def prompt_sent(plan: DatasetPlan, *, continues: bool) -> str:
    """The first request of a run that started now, turn by turn, as the teacher gets it.

    Raises:
        DatasetError: the questions there are cannot be read.
        StorageError: the file cannot be read.
    """
    known = read_instructions(plan.data / INSTRUCTIONS)
    return _in_words(_requests(_asking(plan, continues), plan, known, 0)[0].request)


def try_prompt(plan: DatasetPlan, teacher: Teacher, *, tries: int = 0, stop: StopToken) -> PromptTried:
    """Ask once, and judge what comes as a run would.

    Args:
        plan: the prompt, the topic and what goes with it.
        teacher: who is asked.
        tries: another number asks with other seeds.
        stop: looked at while the teacher writes.

    Raises:
        DatasetError: the questions there are cannot be read.
        TeacherError: the teacher failed.
        Stopped: asked to.
    """
    known = read_instructions(plan.data / INSTRUCTIONS)
    asking = _asking(plan, teacher.continues)
    asked = _requests(asking, plan, known, tries)
    answers: dict[int, Answer | TeacherError] = {}
    teacher.ask([one.request for one in asked], answers.__setitem__, stop)
    judge, said, tokens = _Judge(plan, known), [], 0
    for place, answer in sorted(answers.items()):
        if isinstance(answer, TeacherError):
            raise answer
        said.append(answer.text)
        tokens += answer.tokens
        if not teacher.continues:
            items = (item for item in listed_items(answer.text) if not clean_question(item))
            judge.dropped.extend((item, _("no question")) for item in items)
        judge.take(asking.questions(asked[place], answer), answer)
    who = next((answer.by for answer in answers.values() if isinstance(answer, Answer) and answer.by), teacher.name)
    prompt = _in_words(asked[0].request)
    return PromptTried(prompt, who, "\n".join(said), tuple(judge.kept), tuple(judge.dropped), tokens)


def _asking(plan: DatasetPlan, continues: bool) -> Asking:
    return OneByOne(plan) if continues else AsLists(plan)


def _requests(asking: Asking, plan: DatasetPlan, known: Sequence[str], tries: int) -> list[Asked]:
    missing = plan.choice.instructions - len(known)
    phrases = Phrases(plan.choice.opening_phrases, known, plan.choice.seed)
    one_at_a_time = isinstance(asking, OneByOne)
    # Where no questions are missing, a try still shows what would come.
    wanted = missing if missing > 0 else LISTED_AT_ONCE
    return asking.requests(wanted, TRIED if one_at_a_time else 1, phrases, known, len(known) + tries)


def _in_words(request: Request) -> str:
    turns = [f"[{message['role']}]\n{message['content']}" for message in request.messages]
    if request.beginning:
        turns.append(f"[assistant]\n{request.beginning} …")
    return "\n\n".join(turns)


class _Judge:
    """Says which questions a run would keep."""

    def __init__(self, plan: DatasetPlan, known: Sequence[str]) -> None:
        self.kept: list[str] = []
        self.dropped: list[tuple[str, str]] = []
        self._near = NearDuplicates(plan.quality.near_duplicate)
        self._phrases = Phrases(plan.choice.opening_phrases, (), plan.choice.seed)
        self._endings = plan.choice.unfinished_endings
        self._earlier = [*known, *(example.question for example in plan.seed_examples)]
        for question in self._earlier:
            self._near.add(question)

    def take(self, questions: Sequence[str], answer: Answer) -> None:
        """Judge the questions of one answer; an answer without any is dropped as a whole."""
        if not questions:
            cut = answer.finish == "length"
            self.dropped.append((answer.text, _("cut off before a question") if cut else _("no question in it")))
        for question in questions:
            why = self._why_not(question)
            if why:
                self.dropped.append((question, why))
                continue
            self.kept.append(question)
            self._near.add(question)
            self._earlier.append(question)

    def _why_not(self, question: str) -> str:
        if not question_key(question) or self._phrases.asks_nothing(question):
            return _("only an opening phrase")
        if word := unfinished_word(question, self._endings):
            return _("it breaks off after: {word}", word=word)
        place = self._near.like(question)
        return "" if place is None else _("nearly the same as: {question}", question=self._earlier[place])
