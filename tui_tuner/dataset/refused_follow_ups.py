"""Follow-ups that the checks refused, and which of them a person has taken back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tui_tuner.dataset.examples import name_of
from tui_tuner.dataset.review import Decision
from tui_tuner.models.prompts import Message

Turns = tuple[Message, ...]


@dataclass(frozen=True)
class RefusedFollowUp:
    """A follow-up question, or the answer to one, that the checks refused.

    Attributes:
        after: the conversation it would go on with, by its `name_of`.
        question: what would be asked.
        answer: the refused answer; empty where the question itself was refused.
        reason: why, in a word.
        detail: why, in a sentence.
        source: the teacher.
        way: how questions were answered then (`plan.way_of_answering`).
    """

    after: str
    question: str
    answer: str = ""
    reason: str = ""
    detail: str = ""
    source: str = ""
    way: str = ""

    @property
    def turns(self) -> Turns:
        """The question, and the answer where there is one."""
        asked = Message(role="user", content=self.question)
        return (asked, Message(role="assistant", content=self.answer)) if self.answer else (asked,)

    @cached_property
    def name(self) -> str:
        """What decisions know it by; the slash keeps it apart from every example's `identity`."""
        return f"{self.after}/{name_of(self.turns)}"

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> RefusedFollowUp | None:
        """Read a line of `data/follow_up_steps.jsonl`; None where it refuses nothing that has words."""
        said = {name: text for name, text in row.items() if name in cls.__annotations__ and isinstance(text, str)}
        if "reason" not in said or not all(said.get(name, "").strip() for name in ("after", "question")):
            return None
        return cls(**said) if "answer" not in said or said["answer"].strip() else None


def in_force(refused: Iterable[RefusedFollowUp], decisions: Mapping[str, Decision]) -> RefusedFollowUp | None:
    """What a conversation goes on with because a person took it back; None where they took back nothing.

    Of several the one accepted last; where that is a question, the answer to it that was accepted last, if any was.

    Args:
        refused: those at the end of one conversation, in the order they came.
        decisions: the person's.
    """
    accepted = [
        (decision.number, place, one)
        for place, one in enumerate(refused)
        if (decision := decisions.get(one.name)) is not None and decision.verdict == "accept"
    ]
    if not accepted:
        return None
    last = max(accepted)[2]
    answers = [entry for entry in accepted if entry[2].answer and entry[2].question == last.question]
    return max(answers)[2] if answers else last
