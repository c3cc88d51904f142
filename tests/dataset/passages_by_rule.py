"""Passages for the dataset's tests, and teachers that ask about them by a rule."""

from __future__ import annotations

import json

from dataset.teachers_by_rule import RuleTeacher, counting_answer, counting_questions

from tui_tuner.documents.passages import Passage, passage_id
from tui_tuner.teachers.teacher import Answer, Request

ABOUT = ("backups", "restoring", "users", "sourdough", "rice", "bicycles", "printers", "gardens", "rivers", "libraries")


def passage_about(subject: str, line: int = 1) -> Passage:
    text = f"## {subject.title()}\n\nThere is much to be said of {subject}, and all of it is in the file {subject}.txt."
    return Passage(passage_id(text), "guide.md", "/docs", f"Guide > {subject.title()}", line, text, 17)


PASSAGES = tuple(passage_about(subject, 1 + 4 * place) for place, subject in enumerate(ABOUT))


def subject_of(request: Request) -> str:
    """What the passage in a request is about."""
    return request.messages[-1]["content"].split("## ", 1)[1].split("\n", 1)[0].casefold()


def asks_about_passages(request: Request) -> bool:
    """Whether questions about a passage are wanted of the teacher, rather than an answer."""
    last = request.messages[-1]["content"]
    return (
        last.endswith("Write one question that this text answers.") or "questions that the text above answers" in last
    )


def questions_about(request: Request) -> list[str]:
    """The questions a teacher by this rule asks when it is given `request`: the same in every process."""
    subject = subject_of(request)
    if request.schema is None:
        return [f"{request.beginning} {subject} {subject} {request.seed}?"]
    wanted = int(request.messages[-1]["content"].split("JSON format ", 1)[1].split(" ", 1)[0])
    return [f"Where is {subject} number {request.seed + place}?" for place in range(wanted)]


def say_questions(request: Request) -> str:
    questions = questions_about(request)
    return json.dumps(questions) if request.schema else f"{questions[0]} And more."


def passage_teacher(**more) -> RuleTeacher:
    """Asks about passages and answers from them; asks about counting where it is shown no passage."""
    free = counting_questions()

    def ask(request: Request) -> Answer | str:
        return say_questions(request) if asks_about_passages(request) else free(request)

    def answer(request: Request) -> Answer | str:
        return answer_from_passage(request) if "## " in request.messages[-1]["content"] else counting_answer(request)

    return RuleTeacher(**{"questions": ask, "answers": answer, **more})


def answer_from_passage(request: Request) -> str:
    """A sentence out of the passage."""
    return f"All of it is in the file {subject_of(request)}.txt."
