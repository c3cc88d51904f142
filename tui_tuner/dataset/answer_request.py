"""What a teacher is asked for an answer: the same request wherever it is made."""

from __future__ import annotations

import random
from collections.abc import Sequence

from tui_tuner.dataset.examples import question_key
from tui_tuner.dataset.passage_asking import MOST_FREE, question_on, shown_answers
from tui_tuner.dataset.plan import DatasetPlan
from tui_tuner.documents.passages import Passage
from tui_tuner.models.prompts import Message
from tui_tuner.teachers.teacher import Request, Teacher

SHOWN = 6  # seed examples before a question


def answer_request(
    plan: DatasetPlan, teacher: Teacher, conversation: Sequence[Message], tries: int, passage: Passage | None = None
) -> Request:
    """The request for the next answer in `conversation`.

    Args:
        plan: the style, the seed examples, and how long and how free an answer may be.
        teacher: who is asked.
        conversation: the turns so far; the last one is the user's. A system turn of its own is told with the style:
            many models know only one.
        tries: answers there were to it so far; each has another seed and other seed examples before it.
        passage: what the answer has to be taken from; told to the teacher with the first turn, and stored nowhere.
    """
    choice = plan.choice
    beginning = choice.answer_beginning if teacher.continues else ""
    told = [message["content"] for message in conversation if message["role"] == "system"]
    turns = [message for message in conversation if message["role"] != "system"]
    lesson, temperature = _lesson(plan, teacher, tries, told), choice.temperature
    if passage is not None:
        temperature = min(temperature, MOST_FREE)
        turns[0] = question_on(passage, turns[0]["content"])
        # A small model stays with a text after it has seen how that is done.
        lesson += shown_answers() if teacher.continues and not plan.seed_examples else []
    messages = (*lesson, *turns)
    asked = "\n".join(message["content"] for message in conversation if message["role"] == "user")
    seed = plan.seed_of("answer", question_key(asked), tries)
    return Request(messages, beginning, choice.max_tokens, temperature, seed)


def _lesson(plan: DatasetPlan, teacher: Teacher, tries: int, told: Sequence[str]) -> list[Message]:
    """What the teacher is told and shown first; none of it is stored.

    The same for all questions of a round, so that a teacher has to read it only once.
    """
    style, beginning = "\n\n".join((*told, plan.choice.style)).strip(), plan.choice.answer_beginning
    if beginning and not teacher.continues:
        style = f'{style}\n\nBegin every answer with "{beginning}"'.strip()
    turns = [Message(role="system", content=style)] if style else []
    seeds = list(plan.seed_examples)
    chosen = random.Random(plan.seed_of("lesson", tries)).sample(seeds, min(SHOWN, len(seeds)))
    for example in chosen:
        turns += [message for message in example.messages if message["role"] != "system"]
    return turns
