"""One line of the review: an example, or a follow-up that the checks refused, and how it stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from tui_tuner.dataset.examples import Example
from tui_tuner.dataset.follow_ups_there import Continuation
from tui_tuner.dataset.refused_follow_ups import RefusedFollowUp, in_force
from tui_tuner.dataset.review import Decision
from tui_tuner.language import _
from tui_tuner.models.prompts import Message

ANSWERED_SINCE = "answered_since"


@dataclass(frozen=True)
class ReviewRow:
    """An example in the review.

    Attributes:
        name: its `identity`, by which decisions know it; an edit does not change it.
        written: the example as it was written or brought along.
        reason: why it was set aside when the training files were last made; empty where it was not.
        detail: the reason as a sentence; also what else is to be known of one that was not set aside.
        decision: the person's, None where there is none.
        like: the name of the example that it nearly repeats; empty where it repeats none, or a seed example.
        superseded: a refused answer whose question has a good one by now.
    """

    name: str
    written: Example
    reason: str = ""
    detail: str = ""
    decision: Decision | None = None
    like: str = ""
    superseded: bool = False

    @property
    def example(self) -> Example:
        """What would be learned: the edited one where there is one."""
        edited = self.decision.edited if self.decision else None
        return replace(edited, passage=self.written.passage) if edited else self.written

    @property
    def provenance(self) -> str:
        """Who wrote it, and from which passage: "mistral:7b · guide.md:12 · Guide > Backups"."""
        passage = self.written.passage
        parts = [self.example.source or self.written.source, *((passage.place, passage.heading) if passage else ())]
        return " · ".join(part for part in parts if part)

    @property
    def learned(self) -> bool:
        """Whether it will be in the training files when they are made next."""
        return self.decision.verdict != "reject" if self.decision else not self.reason

    @property
    def standing(self) -> str:
        """The one word it can be filtered by: `kept`, `accepted`, `edited`, `rejected`, or why it was set aside."""
        if self.decision is None:
            return ANSWERED_SINCE if self.superseded else self.reason or "kept"
        return {"accept": "accepted", "edit": "edited", "reject": "rejected"}[self.decision.verdict]

    @property
    def edited_as(self) -> str:
        """The name of the example that an edit is about."""
        return self.name

    @property
    def to_edit(self) -> Example:
        """What an edit begins with; ends with an answer, which may still be empty."""
        return self.example


@dataclass(frozen=True, kw_only=True)
class FollowUpRow(ReviewRow):
    """A follow-up that the checks refused, at the end of the conversation it would go on with.

    Its `written` is all of that conversation, which ends with a question where the question was refused; `superseded`
    says that the conversation goes on in another way, or, of one that was accepted, that it is not learned at all.

    Attributes:
        of: the name of the example that the conversation is.
        refused: what was refused.
        continuation: all there is to go on with the conversation.
    """

    of: str
    refused: RefusedFollowUp
    continuation: Continuation

    @property
    def learned(self) -> bool:
        """Whether it will be in the training files when they are made next, a question as soon as it is answered."""
        return self.decision is not None and self.decision.verdict == "accept" and not self.superseded

    @property
    def standing(self) -> str:
        """As for an example; one that was accepted stands so only where it has an effect."""
        accepted = self.decision is not None and self.decision.verdict == "accept"
        return ANSWERED_SINCE if accepted and self.superseded else super().standing

    @property
    def edited_as(self) -> str:
        """The name of the conversation: what is wrong with one turn is put right in the whole."""
        return self.of

    @property
    def to_edit(self) -> Example:
        """All of the conversation, with room for an answer where there is none."""
        if self.refused.answer:
            return self.example
        room = Message(role="assistant", content="")
        return replace(self.example, messages=(*self.example.messages, room))


def follow_up_rows(
    row: ReviewRow,
    stages: Iterable[tuple[Example, Continuation | None]],
    decisions: Mapping[str, Decision],
    way: str,
) -> list[FollowUpRow]:
    """What was refused at each of the `stages` (`FollowUpsThere.stages`) of the example of `row`, each once.

    Args:
        row: the example.
        stages: as it grows.
        decisions: the person's.
        way: how questions are answered now: says what was refused under other settings.
    """
    found: dict[str, FollowUpRow] = {}
    for conversation, continuation in stages:
        if continuation is None:
            continue
        for refused in continuation.refused:
            written = replace(conversation.followed_by(refused.turns), source=refused.source)
            detail = refused.detail
            if way and refused.way != way:
                detail = _("{detail} (refused under other settings)", detail=detail)
            found[refused.name] = FollowUpRow(
                refused.name, written, refused.reason, detail, of=row.name, refused=refused, continuation=continuation
            )
    return settled(found.values(), row, decisions)


def settled(rows: Iterable[FollowUpRow], row: ReviewRow, decisions: Mapping[str, Decision]) -> list[FollowUpRow]:
    """The refused follow-ups of one example as they stand with these `decisions`, together with the example itself."""
    return [_settled(one, row, decisions) for one in rows]


def _settled(one: FollowUpRow, row: ReviewRow, decisions: Mapping[str, Decision]) -> FollowUpRow:
    decision = decisions.get(one.name)
    elsewhere = row.decision is not None and row.decision.verdict == "edit"
    elsewhere |= decision is not None and not row.learned
    return replace(
        one, decision=decision, superseded=elsewhere or _superseded(one.refused, one.continuation, decisions)
    )


def _superseded(one: RefusedFollowUp, continuation: Continuation, decisions: Mapping[str, Decision]) -> bool:
    """Whether the conversation goes on with something else."""
    taken = in_force(continuation.refused, decisions)
    if taken is None:
        return bool(continuation.unaided())
    if taken.question != one.question:
        return True
    if not one.answer:
        return False
    return one.answer != taken.answer if taken.answer else one.question in continuation.finished
