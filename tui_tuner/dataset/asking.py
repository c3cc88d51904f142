"""How a teacher is asked for questions, and how its words become some.

A teacher that can be given the beginning of its own answer is given an opening phrase and finishes the question: even a
very small model does that well, after a few questions of others as earlier turns. Every other teacher gets the guide's
prompt, a JSON list of many questions at once.

What is said to a teacher is not translated: these are the words that were tried.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tui_tuner.dataset.phrases import Phrases
from tui_tuner.dataset.plan import DatasetPlan
from tui_tuner.dataset.question_prompts import EVERYBODY, WITHOUT_TOPIC, WITHOUT_TOPIC_ALONE, filled, prompt_of
from tui_tuner.dataset.reading import continued_question, listed_questions
from tui_tuner.models.prompts import Message
from tui_tuner.teachers.teacher import Answer, Request

SHOWN = 6  # questions shown as earlier turns
LONGEST_QUESTION = 40  # tokens
# A few more are asked for than are missing, because some come back known or unusable.
SPARE = 1.25
LISTS_TOGETHER = 4  # lists of one round know nothing of one another
LISTED_AT_ONCE = 25  # questions in one list; longer ones begin to repeat themselves
REMINDED = 30  # known questions named in a request for a list
# Shown where the person gave no examples: each about another subject, so that only their form is copied.
ELSEWHERE = (
    ("cooking rice", "How do I keep rice from sticking to the pot?"),
    ("riding a bicycle", "Is it okay to leave a bicycle in the rain?"),
    ("using a printer", "What is the difference between toner and ink for a printer?"),
    ("playing the guitar", "I need to tune my guitar, what is the easiest way?"),
)
LIST_SCHEMA = {"type": "array", "items": {"type": "string"}}


@dataclass(frozen=True)
class Asked:
    """A request for questions.

    Attributes:
        request: what the teacher gets.
        phrases: the opening phrases it was to use.
        expected: how many questions it was asked for.
    """

    request: Request
    phrases: tuple[str, ...]
    expected: int


class Asking(Protocol):
    """A way to ask for questions."""

    def requests(self, missing: int, at_once: int, phrases: Phrases, known: Sequence[str], turn: int) -> list[Asked]:
        """One round of requests, when `missing` questions are still wanted."""
        ...

    def questions(self, asked: Asked, answer: Answer) -> list[str]:
        """The usable questions in an answer, cleaned."""
        ...


class OneByOne:
    """For teachers that continue a beginning: each request is one question, opened with a phrase."""

    def __init__(self, plan: DatasetPlan) -> None:
        self._plan = plan

    def requests(self, missing: int, at_once: int, phrases: Phrases, known: Sequence[str], turn: int) -> list[Asked]:
        """A request for each missing question and a few to spare, up to `at_once`; all show the same questions."""
        number = max(1, min(at_once, math.ceil(missing * SPARE)))
        messages = tuple(self._messages(turn))
        return [
            Asked(self._request(messages, phrase, turn, place), (phrase,), 1)
            for place, phrase in enumerate(phrases.due(number))
        ]

    def questions(self, asked: Asked, answer: Answer) -> list[str]:
        """The question, if the teacher finished one."""
        question = continued_question(answer.text, asked.phrases[0])
        return [question] if question else []

    def _request(self, messages: tuple[Message, ...], phrase: str, turn: int, place: int) -> Request:
        seed = self._plan.seed_of("question", turn, place)
        return Request(messages, phrase, LONGEST_QUESTION, self._plan.choice.temperature, seed, turn=turn + place)

    def _messages(self, turn: int) -> list[Message]:
        topic = self._plan.choice.topic.strip()
        shown = [(topic, example.question) for example in self._plan.seed_examples]
        random.Random(self._plan.seed_of("shown", turn)).shuffle(shown)
        shown = [*shown[:SHOWN], *ELSEWHERE][:SHOWN] if topic else shown[:SHOWN]
        turns: list[Message] = []
        for about, question in shown:
            turns += [self._ask(about), Message(role="assistant", content=question)]
        return [*turns, self._ask(topic)]

    def _ask(self, topic: str) -> Message:
        choice = self._plan.choice
        values = {"topic": topic or WITHOUT_TOPIC_ALONE, "audience": choice.audience.strip() or EVERYBODY}
        return _user(filled(prompt_of(choice, continues=True), values))


class AsLists:
    """For every other teacher: the guide's prompt, many questions in one JSON list."""

    def __init__(self, plan: DatasetPlan) -> None:
        self._plan = plan

    def requests(self, missing: int, at_once: int, phrases: Phrases, known: Sequence[str], turn: int) -> list[Asked]:
        """As many lists as are needed and as the teacher takes at once, each with its own opening phrases."""
        wanted = math.ceil(missing * SPARE)
        lists = max(1, min(at_once, LISTS_TOGETHER, math.ceil(wanted / LISTED_AT_ONCE)))
        number = min(LISTED_AT_ONCE, math.ceil(wanted / lists))
        due = phrases.due(number * lists)
        return [
            self._asked(tuple(dict.fromkeys(due[place::lists])), number, known, turn, place) for place in range(lists)
        ]

    def questions(self, asked: Asked, answer: Answer) -> list[str]:
        """Every question in the list."""
        return listed_questions(answer.text)

    def _asked(self, phrases: tuple[str, ...], number: int, known: Sequence[str], turn: int, place: int) -> Asked:
        seed = self._plan.seed_of("list", turn, place)
        message = _user(self._prompt(phrases, number, known, random.Random(seed)))
        longest = number * LONGEST_QUESTION + 128
        request = Request((message,), "", longest, self._plan.choice.temperature, seed, LIST_SCHEMA, turn + place)
        return Asked(request, phrases, number)

    def _prompt(self, phrases: tuple[str, ...], number: int, known: Sequence[str], chance: random.Random) -> str:
        choice = self._plan.choice
        seeds = [example.question for example in self._plan.seed_examples]
        values = {
            "number": str(number),
            "topic": choice.topic.strip() or WITHOUT_TOPIC,
            "audience": choice.audience.strip() or EVERYBODY,
            "phrases": ", ".join(f'"{phrase}"' for phrase in phrases if phrase),
            "examples": _bullets(chance.sample(seeds, min(len(seeds), 8))),
            "known": _bullets(chance.sample(list(known), min(len(known), REMINDED))),
        }
        return filled(prompt_of(choice, continues=False), values)


def _bullets(questions: Sequence[str]) -> str:
    return "\n".join(f"- {question}" for question in questions)


def _user(content: str) -> Message:
    return Message(role="user", content=content)
