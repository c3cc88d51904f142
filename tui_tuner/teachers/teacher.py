"""What every teacher can do, whoever it is: a model in this process, or a server."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from tui_tuner.errors import TeacherError
from tui_tuner.models.prompts import Message
from tui_tuner.progress import StopToken


@dataclass(frozen=True)
class Request:
    """One thing asked of a teacher.

    Attributes:
        messages: the conversation; the last turn is the user's.
        beginning: the first words of the answer; only for teachers that `continues`.
        max_tokens: longest answer.
        temperature: 0 takes the likeliest token.
        seed: the same seed gives the same answer where the teacher can do that.
        schema: JSON schema the answer has to follow, where the teacher can do that.
        turn: counts what is asked, where several models write in turn; None leaves it to the seed whose turn it is.
        thinking: have a model that can think do so first; its thoughts then stand before its answer, between tags.
    """

    messages: tuple[Message, ...]
    beginning: str = ""
    max_tokens: int = 256
    temperature: float = 0.7
    seed: int = 0
    schema: dict[str, Any] | None = None
    turn: int | None = None
    thinking: bool = False


@dataclass(frozen=True)
class Answer:
    """What a teacher said.

    Attributes:
        text: with the request's beginning in front.
        finish: `length` means it was cut off.
        tokens: how many it wrote.
        by: who of several really wrote it; empty where the teacher is only one.
    """

    text: str
    finish: Literal["stop", "length"]
    tokens: int
    by: str = field(default="", compare=False)  # the same words are the same answer, whoever says them


OnAnswer = Callable[[int, Answer | TeacherError], None]


class Teacher(Protocol):
    """Someone who answers requests."""

    @property
    def name(self) -> str:
        """As a person reads it: "mistral:7b at localhost:11434"."""
        ...

    @property
    def continues(self) -> bool:
        """Whether it can be given the beginning of its own answer."""
        ...

    @property
    def at_once(self) -> int:
        """How many requests are worth handing over together."""
        ...

    def ask(self, requests: Sequence[Request], on_answer: OnAnswer, stop: StopToken) -> None:
        """Answer all `requests`, giving each answer to `on_answer` with its place as soon as it is whole.

        A teacher that can tell which request it failed at gives the error in the answer's place and goes on with the
        others. `on_answer` is called on the thread that asks.

        Raises:
            TeacherUnavailable: it may answer later; what came before is whole.
            TeacherRefused: it will not answer this.
            Stopped: asked to.
        """
        ...

    def close(self) -> None:
        """Give back what it holds: memory, connections. Asked again, it takes them again."""
        ...


def close_all(teachers: Sequence[Teacher]) -> None:
    """Close every one, also where one of them fails at it."""
    with contextlib.ExitStack() as closing:
        for teacher in teachers:
            closing.callback(teacher.close)
