"""What happens when a conversation fills the model's context: the person is told and chooses; nothing goes silently."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tui_tuner import figures
from tui_tuner.chat.conversation import Conversation
from tui_tuner.errors import TunerError
from tui_tuner.language import _
from tui_tuner.progress import Event

LEAST_ROOM = 16  # tokens for an answer that is worth beginning
KEPT = 0.5  # of the context: leaving out turns has the rest read again, so it happens seldom
# Where models write it down; those that also see keep their language's part in a section of its own.
NAMES = ("max_position_embeddings", "n_positions", "max_sequence_length", "seq_length")
SECTIONS = ("text_config", "language_config", "llm_config")


class ContextFull(TunerError):
    """The conversation does not fit into the model's context any more; it is as it was.

    Args:
        what: what happened.
        where: the model or server.
        advice: what to do next.
        leaving_out_helps: whether it would fit without its oldest turns, as far as is known.
    """

    def __init__(self, what: str, *, where: str = "", advice: str = "", leaving_out_helps: bool = False) -> None:
        super().__init__(what, where=where, advice=advice)
        self.leaving_out_helps = leaving_out_helps


@dataclass(frozen=True)
class TurnsLeftOut(Event):
    """The model no longer sees the first turns of the conversation.

    Attributes:
        number: how many it does not see by now.
        place: which of the conversations side by side, counted from 0.
    """

    number: int
    place: int = 0


def context_length(folder: Path) -> int | None:
    """The most tokens the model in `folder` was made for; None where its configuration does not say."""
    try:
        config = json.loads((folder / "config.json").read_bytes())
        tables = [config, *(config.get(section) for section in SECTIONS)]
    except (OSError, ValueError, AttributeError):
        return None
    for table in tables:
        for name in NAMES:
            length = table.get(name) if isinstance(table, dict) else None
            if isinstance(length, int) and not isinstance(length, bool) and length > 0:
                return length
    return None


def make_room(conversation: Conversation, count: Callable[[], int], limit: int | None, *, leave_out: bool) -> None:
    """See to it that the last question of `conversation` and an answer fit into `limit` tokens.

    Args:
        conversation: `left_out` grows where turns have to be left out; its turns stay.
        count: the length in tokens of what the model would read now.
        limit: None where nobody knows.
        leave_out: leave the oldest turns out, until what is read takes half of the context.

    Raises:
        ContextFull: it does not fit, and turns may not be left out, or the last question alone is too long.
        StorageError: the conversation cannot be saved.
    """
    if limit is None or (length := count()) + LEAST_ROOM <= limit:
        return
    before, last = conversation.left_out, len(conversation.asked) - 1
    if leave_out:
        while conversation.left_out < last and length > limit * KEPT:
            conversation.left_out = min(conversation.left_out + 2, last)
            length = count()
        if length + LEAST_ROOM <= limit:
            conversation.save()
            return
        conversation.left_out = before
    helps = not leave_out and before < last and _alone(conversation, count) <= limit
    raise full(length, limit, leaving_out_helps=helps)


def _alone(conversation: Conversation, count: Callable[[], int]) -> int:
    """What the last question and its answer take where nothing stands before them."""
    before = conversation.left_out
    conversation.left_out = len(conversation.asked) - 1
    try:
        return count() + LEAST_ROOM
    finally:
        conversation.left_out = before


def full(length: int, limit: int, *, leaving_out_helps: bool) -> ContextFull:
    """What to say of a conversation of `length` tokens."""
    if not leaving_out_helps:
        advice = _("Ask something shorter, or clear the system prompt.")
    else:
        advice = _("Let the oldest turns be left out (when_full = leave_out), or begin a new conversation.")
    return ContextFull(
        _(
            "the conversation has {length} tokens, and the model's context holds {limit}",
            length=figures.count(length),
            limit=figures.count(limit),
        ),
        advice=advice,
        leaving_out_helps=leaving_out_helps,
    )
