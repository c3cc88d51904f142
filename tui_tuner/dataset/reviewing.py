"""The examples as a person reviews them: each with what the checks said and what the person decided."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from tui_tuner.dataset.examples import Example, asked_and_answered, question_key
from tui_tuner.dataset.plan import ANSWERS, IMPORTED, REJECTS, SET_ASIDE
from tui_tuner.dataset.review import Decision, identity
from tui_tuner.files import read_json_lines

Order = Literal["file", "question", "length", "source"]
ORDERS: tuple[Order, ...] = ("file", "question", "length", "source")


@dataclass(frozen=True)
class ReviewRow:
    """An example in the review.

    Attributes:
        name: its `identity`, by which decisions know it; an edit does not change it.
        written: the example as it was written or brought along.
        reason: why it was set aside when the training files were last made; empty where it was not.
        detail: the reason as a sentence.
        decision: the person's, None where there is none.
    """

    name: str
    written: Example
    reason: str = ""
    detail: str = ""
    decision: Decision | None = None

    @property
    def example(self) -> Example:
        """What would be learned: the edited one where there is one."""
        return self.decision.edited if self.decision and self.decision.edited else self.written

    @property
    def learned(self) -> bool:
        """Whether it will be in the training files when they are made next."""
        return self.decision.verdict != "reject" if self.decision else not self.reason

    @property
    def standing(self) -> str:
        """The one word it can be filtered by: `kept`, `accepted`, `edited`, `rejected`, or the checks' reason."""
        if self.decision is None:
            return self.reason or "kept"
        return {"accept": "accepted", "edit": "edited", "reject": "rejected"}[self.decision.verdict]


def read_review_rows(data: Path, decisions: Mapping[str, Decision]) -> list[ReviewRow]:
    """Every example that was brought along or answered, and every refused answer to a question without a good one.

    Seed examples are not among them: they are edited in their file. Lines that cannot be read are left out here; making
    the training files says how many there are.

    Raises:
        StorageError: a file cannot be read.
    """
    why = {row["id"]: row for row in _rows(data / SET_ASIDE) if isinstance(row.get("id"), str)}
    rows: dict[str, ReviewRow] = {}
    for example in (*_examples(data / IMPORTED), *_examples(data / ANSWERS)):
        name = identity(example)
        verdict = why.get(name, {})
        reason, detail = str(verdict.get("reason", "")), str(verdict.get("detail", ""))
        if reason == "by_hand":  # a person's decision, which the journal knows better
            reason = detail = ""
        rows.setdefault(name, ReviewRow(name, example, reason, detail, decisions.get(name)))
    refused = list(_refused(data))
    answered = {question_key(row.written.question) for row in rows.values()} if refused else set()
    for row in refused:
        if question_key(row.written.question) not in answered:
            rows.setdefault(row.name, replace(row, decision=decisions.get(row.name)))
    return list(rows.values())


def taken_back(data: Path, decisions: Mapping[str, Decision]) -> list[Example]:
    """Refused answers that a person accepted or edited.

    Raises:
        StorageError: a file cannot be read.
    """
    wanted = {name for name, decision in decisions.items() if decision.verdict != "reject"}
    if not wanted:
        return []
    return list({row.name: row.written for row in _refused(data) if row.name in wanted}.values())


def selected(
    rows: Iterable[ReviewRow], *, words: str = "", standing: str = "", order: Order = "file"
) -> list[ReviewRow]:
    """The rows that contain all `words` in any turn, source or reason, and have this `standing`, in `order`.

    Args:
        rows: in the order of their files.
        words: separated by spaces; upper and lower case are the same.
        standing: one of `ReviewRow.standing`; empty takes all.
        order: `length` puts the longest first.
    """
    wanted = words.casefold().split()
    found = [row for row in rows if standing in ("", row.standing) and (not wanted or _has(row, wanted))]
    if order == "question":
        found.sort(key=lambda row: row.example.question.casefold())
    elif order == "length":
        found.sort(key=_length, reverse=True)
    elif order == "source":
        found.sort(key=lambda row: row.written.source)
    return found


def _has(row: ReviewRow, wanted: list[str]) -> bool:
    turns = (message["content"] for message in row.example.messages)
    text = "\n".join((*turns, row.written.source, row.standing)).casefold()
    return all(word in text for word in wanted)


def _length(row: ReviewRow) -> int:
    return sum(len(message["content"]) for message in row.example.messages)


def _refused(data: Path) -> Iterator[ReviewRow]:
    for row in _rows(data / REJECTS):
        question, answer = row.get("question"), row.get("answer")
        if not isinstance(question, str) or not isinstance(answer, str) or not answer.strip():
            continue
        example = asked_and_answered(question, answer, str(row.get("source", "")))
        yield ReviewRow(identity(example), example, str(row.get("reason", "")), str(row.get("detail", "")))


def _examples(path: Path) -> Iterator[Example]:
    for row in _rows(path):
        with contextlib.suppress(ValueError):
            yield Example.from_row(row, "")


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    rows, _bad = read_json_lines(path)
    return (row for row in rows if isinstance(row, dict))
