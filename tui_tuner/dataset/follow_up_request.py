"""How a teacher is asked for the next question of a conversation: in the guide's words, which are not translated."""

from __future__ import annotations

import random
from collections.abc import Sequence

from tui_tuner.dataset.examples import name_of
from tui_tuner.dataset.passage_asking import question_on
from tui_tuner.dataset.plan import DatasetPlan
from tui_tuner.dataset.reading import continued_question, follow_up_question
from tui_tuner.documents.passages import Passage
from tui_tuner.models.prompts import Message
from tui_tuner.teachers.teacher import Answer, Request, Teacher

WORDS = "What is a likely follow-up question or request? Return just the text of one question or request."
LONGEST = 60  # tokens


def follow_up_request(
    plan: DatasetPlan, teacher: Teacher, conversation: Sequence[Message], tries: int, passage: Passage | None = None
) -> Request:
    """The request for a question that goes on with `conversation`.

    The style is not told: it is for answers. A teacher that continues a beginning gets an opening phrase, because a
    very small model otherwise talks about the question instead of asking it.

    Args:
        plan: the opening phrases, and how free a question may be.
        teacher: who is asked.
        conversation: the turns so far; the last one is the assistant's.
        tries: questions there were to it so far; each has another seed and another opening phrase.
        passage: what its answers have to be taken from; told to the teacher with the first turn.
    """
    seed = plan.seed_of("follow_up", name_of(conversation), tries)
    phrases = [phrase for phrase in plan.choice.opening_phrases if phrase.strip()]
    beginning = random.Random(seed).choice(phrases) if teacher.continues and phrases else ""
    turns = list(conversation)
    if passage is not None:
        turns[0] = question_on(passage, turns[0]["content"])
    messages = (*turns, Message(role="user", content=WORDS))
    return Request(messages, beginning, LONGEST, plan.choice.temperature, seed)


def question_in(answer: Answer, request: Request) -> str:
    """The question a teacher proposed; empty where there is none, or it was cut off."""
    begun = bool(request.beginning)
    question = continued_question(answer.text, request.beginning) if begun else follow_up_question(answer.text)
    return "" if answer.finish == "length" and not question.endswith(("?", "？")) else question
