"""A teacher that answers by a rule, and what the dataset's tests make with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tui_tuner.choices import DatasetChoice
from tui_tuner.dataset.examples import Example, asked_and_answered
from tui_tuner.dataset.follow_up_request import WORDS
from tui_tuner.dataset.plan import DatasetPlan
from tui_tuner.errors import TeacherError, TeacherRefused
from tui_tuner.progress import Event, StopToken
from tui_tuner.teachers.teacher import Answer, OnAnswer, Request

Rule = Callable[[Request], Answer | str]


def counting_answer(request: Request) -> str:
    """A different sentence for each question, in the style of the seed examples below."""
    return f"In short: {request.messages[-1]['content'].rstrip('?')}, yes. Try this: begin today."


def conversing(answers: Rule = counting_answer) -> Rule:
    """Follow-up questions that name the question they follow on, and `answers` to everything else."""

    def say(request: Request) -> Answer | str:
        if not asks_for_follow_up(request):
            return answers(request)
        return f"{request.beginning or 'What is'} step {len(request.messages)} of {request.messages[-3]['content']}"

    return say


def asks_for_follow_up(request: Request) -> bool:
    return request.messages[-1]["content"] == WORDS


def counting_questions() -> Rule:
    """Never the same question twice: the beginning it was given, and a number."""
    count = iter(range(1_000_000))

    def say(request: Request) -> str:
        return f"{request.beginning} count to {next(count)}? And more"

    return say


def listed_questions(number: int = 10) -> Rule:
    """A JSON list of `number` questions never asked before."""
    count = iter(range(1_000_000))
    return lambda request: json.dumps([f"How do I count to {next(count)}?" for _place in range(number)])


class RuleTeacher:
    """Answers a request for questions by one rule and every other one by another; remembers what it was asked."""

    def __init__(
        self,
        questions: Rule | None = None,
        answers: Rule = counting_answer,
        *,
        continues: bool = True,
        at_once: int = 4,
        name: str = "rule",
    ) -> None:
        self.continues, self.at_once, self.name = continues, at_once, name
        self._questions, self._answers = questions or counting_questions(), answers
        self.asked: list[Request] = []
        self.question_rounds: list[list[Request]] = []
        self.answer_groups: list[list[Request]] = []

    def ask(self, requests: Sequence[Request], on_answer: OnAnswer, stop: StopToken) -> None:
        for_questions = _asks_for_questions(requests[0])
        (self.question_rounds if for_questions else self.answer_groups).append(list(requests))
        rule = self._questions if for_questions else self._answers
        for place, request in enumerate(requests):
            stop.check()
            self.asked.append(request)
            said = rule(request)
            on_answer(place, said if isinstance(said, Answer) else Answer(said, "stop", len(said.split())))

    def close(self) -> None:
        pass


class FailingAt(RuleTeacher):
    """Gives the requests it `fails` at their error in the answer's place, as a teacher on a server does."""

    def __init__(self, fails: Callable[[Request], bool], **more: Any) -> None:
        super().__init__(**more)
        self._fails = fails

    def ask(self, requests: Sequence[Request], on_answer: OnAnswer, stop: StopToken) -> None:
        def answered(place: int, answer: Answer | TeacherError) -> None:
            on_answer(place, TeacherRefused("not this one") if self._fails(requests[place]) else answer)

        super().ask(requests, answered, stop)


def _asks_for_questions(request: Request) -> bool:
    last = request.messages[-1]["content"]
    return "Please list in JSON format" in last or "Write one question" in last


def asked_for(teacher: RuleTeacher) -> list[str]:
    """The questions the teacher was asked to answer, in order."""
    return [request.messages[-1]["content"] for group in teacher.answer_groups for request in group]


SEEDS = (
    asked_and_answered("May I whisper numbers?", "In short: of course you may. Try this: whisper one.", "seed"),
    asked_and_answered("Must zero be counted?", "In short: it can be left out. Try this: begin with one.", "seed"),
    asked_and_answered("Which number is best?", "In short: the next one is. Try this: say it aloud.", "seed"),
)


def plan_in(data: Path, *, seeds: tuple[Example, ...] = (), batch_size: int = 4, **choice: object) -> DatasetPlan:
    chosen = {"topic": "counting", "instructions": 12, **choice}
    return DatasetPlan(data, DatasetChoice(**chosen), seeds, batch_size)  # type: ignore[arg-type]


class Heard(list[Event]):
    """Collects events: pass `heard.append` as `emit`."""

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self if isinstance(event, kind)]
