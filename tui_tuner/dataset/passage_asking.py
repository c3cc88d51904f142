"""How a teacher is asked for questions about a passage of a document, and how it is shown the passage for an answer.

What is said to a teacher is not translated: these are the words that were tried.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tui_tuner.dataset.asking import LIST_SCHEMA, LONGEST_QUESTION
from tui_tuner.dataset.grounding import NOT_SAID, share_from
from tui_tuner.dataset.plan import DatasetPlan
from tui_tuner.dataset.reading import continued_question, listed_questions
from tui_tuner.documents.passages import Passage
from tui_tuner.models.prompts import Message
from tui_tuner.teachers.teacher import Answer, Request

# The highest temperature with a passage: the higher it is, the more a small model makes up. Opening phrases and
# passages bring variety enough.
MOST_FREE = 0.3
FROM_PASSAGE = 0.5  # part of a question's longer words
SHOWN = 3  # texts with their questions shown as earlier turns
# Each about another subject, so that only their form is copied: a text, a question about it, the answer from it.
ELSEWHERE = (
    (
        "Rice sticks when it still has loose starch on it. Wash it in cold water until the water runs clear, and let "
        "it stand for ten minutes after cooking.",
        "How do I keep rice from sticking to the pot?",
        "Wash the rice in cold water until the water runs clear, and let it stand for ten minutes after cooking.",
    ),
    (
        "A bicycle left in the rain does not break at once, but its chain rusts within a few days. Dry it and put oil "
        "on the chain.",
        "Is it okay to leave a bicycle in the rain?",
        "It does not break at once, but its chain rusts within a few days. Dry the bicycle and put oil on the chain.",
    ),
    (
        "Laser printers melt toner, a dry powder, onto the paper. Inkjet printers spray liquid ink, which can smear "
        "while it is wet.",
        "What is the difference between toner and ink for a printer?",
        "Toner is a dry powder that laser printers melt onto the paper. Ink is liquid and can smear while it is wet.",
    ),
)


_ANSWER_FROM = "Answer from this text alone"


@dataclass(frozen=True)
class AskedAbout:
    """A request for questions about a passage.

    Attributes:
        passage: what they are about.
        request: what the teacher gets.
        phrase: the opening phrase it was given, empty for none.
        expected: how many questions it was asked for.
    """

    passage: Passage
    request: Request
    phrase: str
    expected: int


class PassageAsking(Protocol):
    """A way to ask for questions about a passage."""

    def requests(self, passage: Passage, phrases: Sequence[str], spent: int, turn: int) -> list[AskedAbout]:
        """What is asked about a passage.

        Args:
            passage: what it is about.
            phrases: an opening phrase for each question that is wanted.
            spent: how many were asked for before.
            turn: which of several models it is that asks, where several write in turn.
        """
        ...

    def questions(self, asked: AskedAbout, answer: Answer) -> list[str]:
        """The usable questions in an answer, cleaned."""
        ...


class OneByOneAbout:
    """For teachers that continue a beginning: each request is one question, opened with a phrase."""

    def __init__(self, plan: DatasetPlan) -> None:
        self._plan = plan
        # A seed example's answer is a text, too, that answers its question.
        shown = [(example.answer, example.question) for example in plan.seed_examples]
        random.Random(plan.seed_of("shown passages")).shuffle(shown)
        shown = [*shown, *((text, question) for text, question, _answer in ELSEWHERE)][:SHOWN]
        self._shown: list[Message] = []
        for text, question in shown:
            self._shown += [_user(_write_one(text)), Message(role="assistant", content=question)]

    def requests(self, passage: Passage, phrases: Sequence[str], spent: int, turn: int) -> list[AskedAbout]:
        """A request for each question, each with its own phrase."""
        messages = (*self._shown, _user(_write_one(told(passage))))
        return [
            AskedAbout(passage, self._request(messages, passage, phrase, number, turn), phrase, 1)
            for number, phrase in enumerate(phrases, start=spent)
        ]

    def questions(self, asked: AskedAbout, answer: Answer) -> list[str]:
        """The question, if the teacher finished one."""
        question = continued_question(answer.text, asked.phrase)
        said = question[len(asked.phrase) :] if question.startswith(asked.phrase) else question
        # A small model soon drifts away from the passage; a large one may well ask in other words than it has.
        return [question] if question and share_from(said, told(asked.passage)) >= FROM_PASSAGE else []

    def _request(self, messages: tuple[Message, ...], passage: Passage, phrase: str, number: int, turn: int) -> Request:
        seed = self._plan.seed_of("passage question", passage.id, number)
        temperature = min(self._plan.choice.temperature, MOST_FREE)
        return Request(messages, phrase, LONGEST_QUESTION, temperature, seed, turn=turn + number)


class AsListAbout:
    """For every other teacher: all questions about a passage in one JSON list, opened as the teacher likes."""

    def __init__(self, plan: DatasetPlan) -> None:
        self._plan = plan

    def requests(self, passage: Passage, phrases: Sequence[str], spent: int, turn: int) -> list[AskedAbout]:
        """One request for all questions."""
        number = len(phrases)
        seed = self._plan.seed_of("passage list", passage.id, spent)
        request = Request(
            (_user(self._prompt(passage, number)),),
            "",
            number * LONGEST_QUESTION + 128,
            self._plan.choice.temperature,
            seed,
            LIST_SCHEMA,
            turn=turn + spent,
        )
        return [AskedAbout(passage, request, "", number)]

    def questions(self, asked: AskedAbout, answer: Answer) -> list[str]:
        """Every question in the list."""
        return listed_questions(answer.text)

    def _prompt(self, passage: Passage, number: int) -> str:
        topic = self._plan.choice.topic.strip()
        readers = f"Someone interested in {topic}" if topic else "Someone"
        return (
            f"{told(passage)}\n\n---\n\n"
            f"Please list in JSON format {number} questions that the text above answers. {readers} should want to ask "
            "them without having seen the text: name what a question is about, and never mention the text, the "
            "passage, the document or its author. Ask in the language of the text.\n\n"
            "You do not need to provide an answer or category to each question. "
            "The list should be a single dimension array of only questions."
        )


def passage_asking(plan: DatasetPlan, *, continues: bool) -> PassageAsking:
    """The way that suits the teacher."""
    return OneByOneAbout(plan) if continues else AsListAbout(plan)


def told(passage: Passage) -> str:
    """A passage as a teacher reads it: its headings, then its text."""
    return f"{passage.heading}\n\n{passage.text}" if passage.heading else passage.text


def question_on(passage: Passage, question: str) -> Message:
    """A question as a teacher gets it that is to answer it from a passage."""
    return _user(_answer_from(told(passage), question))


def shown_answers() -> list[Message]:
    """Earlier turns in which questions were answered from their texts."""
    turns: list[Message] = []
    for text, question, answer in ELSEWHERE:
        turns += [_user(_answer_from(text, question)), Message(role="assistant", content=answer)]
    return turns


def before_prompt(answer: str) -> str:
    """An answer up to where a small model goes on with the next text and question, as it has seen it done."""
    begun, again, _rest = answer.partition(_ANSWER_FROM)
    return begun.rstrip("\n -") if again else answer


def _answer_from(text: str, question: str) -> str:
    told_to = f"{_ANSWER_FROM}, without mentioning it. If it does not say, reply only: {NOT_SAID}"
    return f"{text}\n\n---\n\n{told_to}\n\n{question}"


def _write_one(text: str) -> str:
    return f"{text}\n\nWrite one question that this text answers."


def _user(content: str) -> Message:
    return Message(role="user", content=content)
