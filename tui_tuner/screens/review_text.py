"""What the review says of one example or refused follow-up: in a line of the list, and in full."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from textual.content import Content

from tui_tuner.dataset.review_rows import FollowUpRow, ReviewRow
from tui_tuner.language import _, ngettext
from tui_tuner.models.prompts import Message
from tui_tuner.plain_text import one_line, printable


def line(row: ReviewRow) -> str:
    """An example by its question; a follow-up by its own, and by its answer where that was refused."""
    if not isinstance(row, FollowUpRow):
        return row.example.question
    refused = row.refused
    return f"↳ {refused.question} → {refused.answer}" if refused.answer else f"↳ {refused.question}"


def conversation(row: ReviewRow, refused: Sequence[FollowUpRow], tokens: int | None = None) -> Content:
    """The conversation with what is to be known of it, and below it the follow-ups that were refused in it.

    Of a refused follow-up it is known at the end, where its turns are.

    Args:
        row: whose conversation.
        refused: those refused in it.
        tokens: the base model's, where they have been counted.
    """
    messages = row.example.messages
    before = messages[: -len(row.refused.turns)] if isinstance(row, FollowUpRow) else ()
    parts = [*_turns(before), *_remarks(row), *_turns(messages[len(before) :])]
    counted = [ngettext("{tokens:,} token", "{tokens:,} tokens", tokens, tokens=tokens)] if tokens else []
    parts.append(Content.styled(" · ".join((one_line(row.provenance, 400), *counted)), "$foreground 65%"))
    for one in refused:
        mark, style = ("✓", "$text-success") if one.learned else ("✗", "$text-warning")
        parts.append(Content.styled(f"{mark} {one_line(line(one), 400)}", style))
        parts.append(Content.styled(f"  {one.standing}: {one_line(one.detail, 300)}", "$foreground 65%"))
    return Content("\n").join(parts)


def _turns(messages: Iterable[Message]) -> Iterator[Content]:
    for message in messages:
        yield Content.styled(one_line(message["role"], 20), "bold $text-accent")
        yield Content(printable(message["content"]))


def _remarks(row: ReviewRow) -> list[Content]:
    parts: list[Content] = []
    follows = isinstance(row, FollowUpRow)
    if row.reason and not row.learned:
        parts.append(Content.styled(f"✗ {one_line(row.detail, 300)}", "$text-warning"))
    elif row.detail:
        parts.append(Content.styled(one_line(row.detail, 300), "$foreground 65%"))
    if row.superseded:
        gone_on = _("Its conversation goes on in another way, or is not learned as it was written.")
        text = gone_on if follows else _("Its question has got a good answer since.")
        parts.append(Content.styled(text, "$text-warning"))
    if follows:
        parts.append(Content.styled(_("d goes to its conversation, and back."), "$foreground 65%"))
    elif row.like:
        parts.append(Content.styled(_("d goes to the one it repeats, and back."), "$foreground 65%"))
    return parts
