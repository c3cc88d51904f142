"""What the held-out examples ask: the first questions of `valid.jsonl`, for those who want to hear a model answer."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tui_tuner.errors import TunerError
from tui_tuner.files import json_lines, read_json

Turns = tuple[tuple[str, str], ...]
"""Role and text of each turn, the last one the user's."""


def held_out_openings(data: Path) -> Iterator[Turns]:
    """Each held-out example up to its first answer, each once, in the order of the file.

    A text, in a template of whatever model, does not say where its question is; the dataset's report does.

    Raises:
        StorageError: the file cannot be read.
    """
    seen: set[Turns] = set()
    rows = 0
    for row in json_lines(data / "valid.jsonl"):
        rows += 1
        opening = _opening(row)
        if opening and opening not in seen:
            seen.add(opening)
            yield opening
    if rows and not seen:
        yield from _reported(data)


def held_out_questions(data: Path, most: int) -> tuple[str, ...]:
    """The first questions of the first held-out examples, each once; at most `most`.

    Raises:
        StorageError: the file cannot be read.
    """
    questions: dict[str, None] = {}
    for opening in held_out_openings(data):
        questions.setdefault(next(text for role, text in opening if role == "user"))
        if len(questions) == most:
            break
    return tuple(questions)


def _opening(row: Any) -> Turns:
    if not isinstance(row, dict):
        return ()
    prompt, turns = row.get("prompt"), row.get("messages")
    if isinstance(prompt, str):
        return (("user", prompt.strip()),) if prompt.strip() else ()
    opening: list[tuple[str, str]] = []
    for turn in turns if isinstance(turns, list) else ():
        role, text = (turn.get("role"), turn.get("content")) if isinstance(turn, dict) else (None, None)
        if not isinstance(role, str) or not isinstance(text, str):
            return ()
        if role == "assistant":
            break
        opening.append((role, text.strip()))
    return tuple(opening) if opening and opening[-1][0] == "user" and opening[-1][1] else ()


def _reported(data: Path) -> Iterator[Turns]:
    with contextlib.suppress(TunerError):
        report = read_json(data / "report.json")
        named = report.get("held_out_questions", []) if isinstance(report, dict) else []
        for question in dict.fromkeys(question for question in named if isinstance(question, str)):
            yield (("user", question),)
