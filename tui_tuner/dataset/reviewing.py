"""The examples as a person reviews them: each with what the checks said and what the person decided."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tui_tuner.dataset.examples import Example, asked_and_answered, question_key
from tui_tuner.dataset.follow_up_journals import grown, read_follow_ups
from tui_tuner.dataset.plan import ANSWERS, IMPORTED, REJECTS, SET_ASIDE
from tui_tuner.dataset.review import Decision, identity
from tui_tuner.documents.passages import Provenance
from tui_tuner.files import json_lines
from tui_tuner.language import _

FIRST_SLICE, SLICE = 200, 1000  # rows read before they are handed on: the first ones are to be seen at once

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


def review_slices(
    data: Path, decisions: Mapping[str, Decision], way: str = "", turns: int = 1
) -> Iterator[list[ReviewRow]]:
    """Every example that was brought along or answered, then every refused answer; the first ones at once.

    Seed examples are not among them: they are edited in their file. Lines that cannot be read are left out here; making
    the training files says how many there are.

    Args:
        data: the dataset's folder.
        decisions: the person's, by `identity`.
        way: how questions are answered now (`plan.way_of_answering`): says which were refused under other settings.
        turns: how many questions a conversation may have now: follow-ups beyond are not shown.

    Raises:
        StorageError: a file cannot be read.
    """
    rows = _review_rows(data, decisions, way, turns)
    size = FIRST_SLICE
    while some := list(itertools.islice(rows, size)):
        yield some
        size = SLICE


def read_review_rows(data: Path, decisions: Mapping[str, Decision], way: str = "", turns: int = 1) -> list[ReviewRow]:
    """All of `review_slices` in one list."""
    return list(itertools.chain.from_iterable(review_slices(data, decisions, way, turns)))


def _review_rows(data: Path, decisions: Mapping[str, Decision], way: str, turns: int) -> Iterator[ReviewRow]:
    why = {row["id"]: row for row in _rows(data / SET_ASIDE) if isinstance(row.get("id"), str)}
    refused = list(_refused(data, way))
    answered: set[str] = set()
    seen: set[str] = set()
    follow_ups = read_follow_ups(data) if turns > 1 else {}
    answers = (grown(example, follow_ups, turns) for example in _examples(data / ANSWERS))
    for example in itertools.chain(_examples(data / IMPORTED), answers):
        name = identity(example)
        if name in seen:
            continue
        seen.add(name)
        if refused:
            answered.add(question_key(example.question))
        decision, verdict = decisions.get(name), why.get(name, {})
        reason, detail, like = (str(verdict.get(key, "")) for key in ("reason", "detail", "like"))
        if reason == "by_hand":  # a person's decision, which the journal knows better
            reason = detail = ""
        elif like == name:  # word for word the same: the first one is learned, the others were set aside
            reason, like, detail = "", "", _("It is there more than once, and learned once.")
        yield ReviewRow(name, example, reason, detail, decision, like)
    for name, example, reason, detail in refused:
        if name not in seen:
            seen.add(name)
            settled = question_key(example.question) in answered
            example = grown(example, follow_ups, turns)
            yield ReviewRow(name, example, reason, detail, decisions.get(name), superseded=settled)


def taken_back(data: Path, decisions: Mapping[str, Decision]) -> list[Example]:
    """Refused answers that a person accepted or edited.

    Raises:
        StorageError: a file cannot be read.
    """
    wanted = {name for name, decision in decisions.items() if decision.verdict != "reject"}
    if not wanted:
        return []
    return list({name: example for name, example, *_why in _refused(data) if name in wanted}.values())


def _refused(data: Path, way: str = "") -> Iterator[tuple[str, Example, str, str]]:
    """Name, example, reason and detail of every refused answer, also those refused under other settings."""
    for row in _rows(data / REJECTS):
        question, answer = row.get("question"), row.get("answer")
        if not isinstance(question, str) or not isinstance(answer, str) or not answer.strip():
            continue
        passage = Provenance.from_row(row.get("passage"))
        example = asked_and_answered(question, answer, str(row.get("source", "")), passage)
        detail = str(row.get("detail", ""))
        if way and row.get("way") != way:
            detail = _("{detail} (refused under other settings)", detail=detail)
        yield identity(example), example, str(row.get("reason", "")), detail


def _examples(path: Path) -> Iterator[Example]:
    for row in _rows(path):
        with contextlib.suppress(ValueError):
            yield Example.from_row(row, "")


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    return (row for row in json_lines(path) if isinstance(row, dict))
