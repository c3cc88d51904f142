"""Comparisons as they are kept: one journal each, a line that says how it was made and one line per prompt answered."""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tui_tuner.errors import StorageError
from tui_tuner.evaluation.events import AnswerEnded, AnswerStarted, Column
from tui_tuner.files import read_json_lines
from tui_tuner.language import _
from tui_tuner.progress import Event
from tui_tuner.project import Project

FORMAT = 1


@dataclass(frozen=True)
class Answer:
    """One model's answer to one prompt.

    Attributes:
        text: the answer.
        tokens: how many the model wrote.
        tokens_per_second: while it wrote, without reading the prompt.
        seconds: from the question to the last word.
        finish: `stop` (the model ended its turn) or `length` (cut at the longest answer).
    """

    text: str
    tokens: int
    tokens_per_second: float
    seconds: float
    finish: str


@dataclass(frozen=True)
class Answered:
    """A prompt with the answers of both models."""

    prompt: str
    base: Answer
    tuned: Answer


@dataclass(frozen=True)
class Comparison:
    """A comparison read back.

    Attributes:
        path: its journal.
        made: what the journal's first line says: model, run, system prompt and settings; empty where it says nothing.
        answers: every prompt both models have answered.
    """

    path: Path
    made: dict[str, Any]
    answers: tuple[Answered, ...]


def new_comparison_path(project: Project, now: datetime | None = None) -> Path:
    """A path in the project's comparisons folder that is not taken, named after the time."""
    name = (now or datetime.now()).strftime("%Y-%m-%d_%H-%M-%S")
    path, number = project.comparisons / f"{name}.jsonl", 1
    while path.exists():
        number += 1
        path = project.comparisons / f"{name}_{number}.jsonl"
    return path


def answered_row(answered: Answered) -> dict[str, Any]:
    """One prompt's line of the journal."""
    return dataclasses.asdict(answered)


def answer_ended(index: int, column: Column, answer: Answer) -> AnswerEnded:
    """The event that says an answer."""
    figures = answer.tokens, answer.tokens_per_second, answer.seconds, answer.finish
    return AnswerEnded(index, column, answer.text, *figures)


def told_again(answers: Sequence[Answered], total: int) -> Iterator[Event]:
    """The events that say kept answers, so that whoever listens has the whole comparison."""
    for index, answered in enumerate(answers):
        yield AnswerStarted(index, total, answered.prompt, "base")
        yield answer_ended(index, "base", answered.base)
        yield AnswerStarted(index, total, answered.prompt, "tuned")
        yield answer_ended(index, "tuned", answered.tuned)


def read_comparison(path: Path) -> Comparison:
    """Read the comparison in `path`; lines that a crash or an editor has broken are left out.

    Raises:
        StorageError: it is not there, cannot be read, or was made by a newer version.
    """
    if not path.is_file():
        raise StorageError(_("there is no such comparison"), where=str(path), advice=_("Compare again."))
    rows, _bad_lines = read_json_lines(path)
    head = rows[0] if rows and isinstance(rows[0], dict) and "format" in rows[0] else {}
    if isinstance(head.get("format"), int) and head["format"] > FORMAT:
        raise StorageError(
            _("this comparison was made by a newer tuner"),
            where=str(path),
            advice=_("Update with: pip install --upgrade tui-tuner"),
        )
    answers = [answered for row in rows if (answered := _answered(row)) is not None]
    return Comparison(path, head, tuple(answers))


def unfinished_comparison(project: Project, made: dict[str, Any]) -> Comparison | None:
    """The newest comparison, if it was made in this very way and broke off before its last prompt.

    Raises:
        StorageError: it cannot be read, or was made by a newer version.
    """
    for newest in list_comparisons(project)[:1]:
        kept = read_comparison(newest)
        prompts = [answered.prompt for answered in kept.answers]
        if kept.made == made and prompts == made["prompts"][: len(prompts)] and len(prompts) < len(made["prompts"]):
            return kept
    return None


def has_finished_comparison(project: Project) -> bool:
    """Whether a comparison came to its last prompt; one that cannot be read did not."""
    for path in list_comparisons(project):
        with contextlib.suppress(StorageError):
            kept = read_comparison(path)
            if kept.answers and len(kept.answers) >= len(kept.made.get("prompts", ())):
                return True
    return False


def list_comparisons(project: Project) -> list[Path]:
    """The project's comparisons, newest first."""
    return sorted(project.comparisons.glob("*.jsonl"), key=_by_time, reverse=True)


def _by_time(path: Path) -> list[str | int]:
    # Two of the same second are told apart by a number: _2 comes before _10. Texts and numbers alternate.
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", path.stem)]


def _answered(row: Any) -> Answered | None:
    try:
        return Answered(str(row["prompt"]), Answer(**row["base"]), Answer(**row["tuned"]))
    except (TypeError, KeyError):
        return None
