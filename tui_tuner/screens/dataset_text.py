"""What the Dataset step shows of its data: the line of counts, and the latest examples, in words."""

from __future__ import annotations

from textual.content import Content

from tui_tuner.choices import DatasetChoice
from tui_tuner.dataset.events import (
    ExampleRefused,
    ExampleWritten,
    FollowUpRefused,
    FollowUpWritten,
    InstructionWritten,
)
from tui_tuner.dataset.state import DatasetState
from tui_tuner.language import _, ngettext
from tui_tuner.plain_text import one_line
from tui_tuner.screens.dataset_view import Latest

LONGEST_SHOWN = 240  # characters of an answer; all of it is in data/answers.jsonl


def summary(state: DatasetState, choice: DatasetChoice, *, running: bool) -> Content:
    """How much there is of everything, who writes, and whether the training files are of what is there.

    Args:
        state: what there is.
        choice: what was chosen.
        running: the data are being written now.
    """
    parts: list[str] = []
    if state.passages:
        documents = ngettext("{number:,} document", "{number:,} documents", state.documents)
        passages = ngettext("{number:,} passage", "{number:,} passages", state.passages)
        parts.append(_("{documents} in {passages}", documents=documents, passages=passages))
    if state.seeds:
        parts.append(
            ngettext(
                "{number:,} seed example",
                "{number:,} seed examples",
                state.seeds,
            )
        )
    if state.imported:
        parts.append(_("{number:,} imported", number=state.imported))
    parts += [
        ngettext("{questions:,} question", "{questions:,} questions", state.instructions, questions=state.instructions),
        _("{answers:,} answered", answers=state.answers),
        _("{refused:,} refused", refused=state.refused),
    ]
    if choice.turns_learned > 1:
        parts.append(
            ngettext(
                "{follow_ups:,} follow-up", "{follow_ups:,} follow-ups", state.follow_ups, follow_ups=state.follow_ups
            )
        )
    if state.train:
        parts.append(_("split: {train:,} to learn from, {valid:,} held out", train=state.train, valid=state.valid))
    base = _("base model") if choice.teacher == "mlx" else _("the server's first model")
    parts.append(choice.teacher_model or base)
    old = state.train and state.stage != "ready" and not running
    remark = _(" · not up to date: g goes on") if old else ""
    return Content.assemble(one_line(" · ".join(parts)), (remark, "$text-warning"))


def lines_of(event: Latest, before: Latest | None, *, several: bool) -> list[str]:
    """The event in lines, a follow-up nested under the question its conversation began with.

    Args:
        event: what is to be said.
        before: what was said last.
        several: more than one teacher writes: name the one that did.
    """
    if isinstance(event, InstructionWritten):
        return [f"? {one_line(event.text)}" + (f" ({one_line(event.place)})" if event.place else "")]
    if isinstance(event, ExampleRefused):
        return [f"✗ {one_line(event.question)} ({one_line(event.reason)})"]
    if isinstance(event, FollowUpRefused):
        follow_up = one_line(event.follow_up) or _("no follow-up")
        return [*_heading(event.question, before), f"  └ ✗ {follow_up} ({one_line(event.reason)})"]
    remarks = [ngettext("{count} token", "{count} tokens", event.tokens, count=event.tokens)] if event.tokens else []
    remarks += [one_line(event.source)] if several and event.source else []
    remark = f" ({', '.join(remarks)})" if remarks else ""
    answer = f"└ {one_line(event.answer, LONGEST_SHOWN)}{remark}"
    if isinstance(event, FollowUpWritten):
        return [*_heading(event.question, before), f"  └ {one_line(event.follow_up)}", f"    {answer}"]
    return [f"✓ {one_line(event.question)}", f"  {answer}"]


def _heading(question: str, before: Latest | None) -> list[str]:
    """The first question of a conversation, where it is not the one just above."""
    same = isinstance(before, ExampleWritten | FollowUpWritten | FollowUpRefused) and before.question == question
    return [] if same else [f"✓ {one_line(question)}"]
