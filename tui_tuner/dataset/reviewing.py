"""The examples as a person reviews them: each with what the checks said and what the person decided."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tui_tuner.dataset.examples import Example, asked_and_answered, question_key
from tui_tuner.dataset.follow_ups_there import FollowUpsThere, read_follow_ups
from tui_tuner.dataset.plan import ANSWERS, IMPORTED, REJECTS, SET_ASIDE
from tui_tuner.dataset.review import Decision, identity
from tui_tuner.dataset.review_rows import ReviewRow, follow_up_rows
from tui_tuner.documents.passages import Provenance
from tui_tuner.files import json_lines
from tui_tuner.language import _

FIRST_SLICE, SLICE = 200, 500  # rows read before they are handed on: the first ones are to be seen at once


def review_slices(
    data: Path, decisions: Mapping[str, Decision], way: str = "", turns: int = 1
) -> Iterator[list[ReviewRow]]:
    """Every example that was brought along or answered, then every refused answer; the first ones at once.

    Each is followed by the follow-ups that were refused in its conversation.

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
    rows = _Reader(data, decisions, way, turns).rows()
    size = FIRST_SLICE
    while some := list(itertools.islice(rows, size)):
        yield some
        size = SLICE


def read_review_rows(data: Path, decisions: Mapping[str, Decision], way: str = "", turns: int = 1) -> list[ReviewRow]:
    """All of `review_slices` in one list."""
    return list(itertools.chain.from_iterable(review_slices(data, decisions, way, turns)))


class _Reader:
    """Makes the rows: those of examples, those of refused answers, each followed by its refused follow-ups."""

    def __init__(self, data: Path, decisions: Mapping[str, Decision], way: str, turns: int) -> None:
        self._data, self._decisions, self._way, self._turns = data, decisions, way, turns
        self._seen: set[str] = set()
        self._answered: set[str] = set()

    def rows(self) -> Iterator[ReviewRow]:
        there = read_follow_ups(self._data, self._decisions) if self._turns > 1 else FollowUpsThere({})
        why = {row["id"]: row for row in _rows(self._data / SET_ASIDE) if isinstance(row.get("id"), str)}
        refused = list(_refused(self._data, self._way))
        yield from self._examples(IMPORTED, why, bool(refused))
        for row in self._examples(ANSWERS, why, bool(refused)):
            yield from self._followed(row, there)
        for name, example, reason, detail in refused:
            if name not in self._seen:
                self._seen.add(name)
                settled = question_key(example.question) in self._answered
                row = ReviewRow(name, example, reason, detail, self._decisions.get(name), superseded=settled)
                yield from self._followed(row, there)

    def _examples(self, file: str, why: Mapping[str, dict[str, Any]], note: bool) -> Iterator[ReviewRow]:
        for example in _examples(self._data / file):
            name = identity(example)
            if name in self._seen:
                continue
            self._seen.add(name)
            if note:
                self._answered.add(question_key(example.question))
            decision, verdict = self._decisions.get(name), why.get(name)
            if verdict is None:
                yield ReviewRow(name, example, decision=decision)
                continue
            reason, detail, like = (str(verdict.get(key, "")) for key in ("reason", "detail", "like"))
            if reason == "by_hand":  # a person's decision, which the journal knows better
                reason = detail = ""
            elif like == name:  # word for word the same: the first one is learned, the others were set aside
                reason, like, detail = "", "", _("It is there more than once, and learned once.")
            yield ReviewRow(name, example, reason, detail, decision, like)

    def _followed(self, row: ReviewRow, there: FollowUpsThere) -> Iterator[ReviewRow]:
        stages = list(there.stages(row.written, self._turns))
        yield replace(row, written=stages[-1][0]) if len(stages) > 1 else row
        yield from follow_up_rows(row, stages, self._decisions, self._way)


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
    for row in json_lines(path):
        try:
            yield Example.from_row(row, "")
        except ValueError:
            continue


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    return (row for row in json_lines(path) if isinstance(row, dict))
