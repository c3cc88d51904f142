"""Comparisons as they are kept: one journal each, a line that says how it was made and one line per answer."""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tui_tuner.errors import StorageError
from tui_tuner.evaluation.events import AnswerEnded, AnswerStarted, ComparisonBegun
from tui_tuner.evaluation.losses import Loss
from tui_tuner.evaluation.opinions import Opinion, Opinions
from tui_tuner.evaluation.prompts import Prompt
from tui_tuner.files import read_json_lines
from tui_tuner.language import _
from tui_tuner.progress import Event
from tui_tuner.project import Project

FORMAT = 2
OLD_COLUMNS = ("base", "tuned")  # of format 1, which had a line per prompt with the answers of both


@dataclass(frozen=True)
class Answer:
    """One model's answer to one prompt.

    Attributes:
        text: the answer.
        tokens: how many the model wrote.
        tokens_per_second: while it wrote, without reading the prompt.
        seconds: from the question to the last word.
        finish: `stop` (the model ended its turn) or `length` (cut at the longest answer).
        together: it was written together with others; its speed is not that of one written alone.
    """

    text: str
    tokens: int
    tokens_per_second: float
    seconds: float
    finish: str
    together: bool = False


@dataclass(frozen=True)
class Answered:
    """A prompt with the answers it has so far, by column."""

    prompt: str
    answers: Mapping[str, Answer]
    expected: str = ""


@dataclass(frozen=True)
class Comparison:
    """A comparison as it is kept.

    Attributes:
        path: its journal.
        made: what the journal's first line says: model, columns, prompts, system prompt and settings.
        labels: how a person reads each column, by its name, in the order they are shown.
        prompts: what is asked.
        answers: what was answered, by the prompt's place and the column.
        losses: how well each column foretells the held-out answers, where that was measured.
        judgements: what a judge said.
        votes: what a person said.
    """

    path: Path
    made: dict[str, Any]
    labels: dict[str, str]
    prompts: tuple[Prompt, ...]
    answers: dict[tuple[int, str], Answer] = field(default_factory=dict)
    losses: dict[str, Loss] = field(default_factory=dict)
    judgements: Opinions = field(default_factory=dict)
    votes: Opinions = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """Who answers."""
        return tuple(self.labels)

    @property
    def answered(self) -> tuple[Answered, ...]:
        """Every prompt that anybody has answered, in order."""
        rows = []
        for place, prompt in enumerate(self.prompts):
            found = {name: self.answers[place, name] for name in self.columns if (place, name) in self.answers}
            if found:
                rows.append(Answered(prompt.text, found, prompt.expected))
        return tuple(rows)

    @property
    def finished(self) -> bool:
        """Whether everybody has answered everything, and all that was to be measured and judged is there."""
        answered = bool(self.prompts) and len(self.answers) >= len(self.prompts) * len(self.labels)
        judged = len(self.judgements) >= 2 * len(self.prompts) * (len(self.labels) - 1) or not self.made.get("judge")
        return answered and judged and all(name in self.losses for name in self.made.get("losses", ()))


def new_comparison_path(project: Project, now: datetime | None = None) -> Path:
    """A path in the project's comparisons folder that is not taken, named after the time."""
    name = (now or datetime.now()).strftime("%Y-%m-%d_%H-%M-%S")
    path, number = project.comparisons / f"{name}.jsonl", 1
    while path.exists():
        number += 1
        path = project.comparisons / f"{name}_{number}.jsonl"
    return path


def answer_row(index: int, column: str, answer: Answer) -> dict[str, Any]:
    """One answer's line of the journal."""
    return {"index": index, "column": column, **dataclasses.asdict(answer)}


def loss_row(column: str, loss: Loss) -> dict[str, Any]:
    """One column's loss as a line of the journal."""
    return {"column": column, "loss": loss.as_row()}


def answer_ended(index: int, column: str, answer: Answer) -> AnswerEnded:
    """The event that says an answer."""
    return AnswerEnded(index, column, **dataclasses.asdict(answer))


def told_again(kept: Comparison) -> Iterator[Event]:
    """The events that say a kept comparison, so that whoever listens has all of it."""
    texts, expected = [p.text for p in kept.prompts], [p.expected for p in kept.prompts]
    yield ComparisonBegun(kept.columns, tuple(kept.labels.values()), tuple(texts), tuple(expected))
    for (index, column), answer in sorted(kept.answers.items(), key=lambda item: item[0][0]):
        yield AnswerStarted(index, len(texts), texts[index], column)
        yield answer_ended(index, column, answer)


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
    if head.get("format") != FORMAT:
        return _old_comparison(path, head, rows)
    labels = {name: str(facts.get("label", name)) for name, facts in _tables(head.get("columns"))}
    prompts = tuple(
        Prompt(str(row.get("text", "")), str(row.get("expected", ""))) for row in _rows(head.get("prompts"))
    )
    kept = Comparison(path, head, labels, prompts)
    for row in _rows(rows[1:]):
        if "loss" in row:
            with contextlib.suppress(TypeError, KeyError, ValueError):
                kept.losses[str(row["column"])] = Loss.of_row(row["loss"])
            continue
        if "opinion" in row:
            with contextlib.suppress(TypeError, KeyError, ValueError):
                opinion = Opinion.of_row(row)
                (kept.judgements if opinion.judge else kept.votes)[opinion.key] = opinion
            continue
        index, column = row.get("index"), row.get("column")
        if isinstance(index, int) and 0 <= index < len(prompts) and isinstance(column, str) and column in labels:
            with contextlib.suppress(TypeError):
                kept.answers[index, column] = Answer(**{key: row[key] for key in row if key not in ("index", "column")})
    return kept


def _old_comparison(path: Path, head: dict[str, Any], rows: list[Any]) -> Comparison:
    answered: dict[str, dict[str, Answer]] = {}
    for row in _rows(rows):
        with contextlib.suppress(TypeError, KeyError):
            answered[str(row["prompt"])] = {name: Answer(**row[name]) for name in OLD_COLUMNS}
    asked = [str(text) for text in head.get("prompts", ())]
    texts = [*asked, *(text for text in answered if text not in asked)]
    run = str(head.get("run", ""))
    labels = {"base": "base", "tuned": _("tuned {run}", run=run) if run else "tuned"}
    answers = {(texts.index(text), name): answer for text, both in answered.items() for name, answer in both.items()}
    return Comparison(path, head, labels, tuple(Prompt(text) for text in texts), answers)


def _rows(value: Any) -> list[dict[str, Any]]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _tables(value: Any) -> list[tuple[str, dict[str, Any]]]:
    found = value.items() if isinstance(value, dict) else ()
    return [(name, facts) for name, facts in found if isinstance(facts, dict)]


def runs_in(kept: Comparison) -> set[str]:
    """The names of the runs whose answers are in it."""
    named = {str(facts.get("run", "")) for _name, facts in _tables(kept.made.get("columns"))}
    return (named | {str(kept.made.get("run", ""))}) - {""}


def unfinished_comparison(project: Project, made: dict[str, Any]) -> Comparison | None:
    """The newest comparison, if it was made in this very way and broke off before its last answer.

    Raises:
        StorageError: it cannot be read, or was made by a newer version.
    """
    for newest in list_comparisons(project)[:1]:
        kept = read_comparison(newest)
        if kept.made == made and not kept.finished:
            return kept
    return None


def has_finished_comparison(project: Project) -> bool:
    """Whether a comparison came to its last answer; one that cannot be read did not."""
    for path in list_comparisons(project):
        with contextlib.suppress(StorageError):
            if read_comparison(path).finished:
                return True
    return False


def kept_comparisons(project: Project) -> list[Comparison]:
    """The project's comparisons that can be read and hold an answer, the newest first."""
    found = []
    for path in list_comparisons(project):
        with contextlib.suppress(StorageError):
            kept = read_comparison(path)
            if kept.answers:
                found.append(kept)
    return found


def list_comparisons(project: Project) -> list[Path]:
    """The project's comparisons, newest first."""
    return sorted(project.comparisons.glob("*.jsonl"), key=_by_time, reverse=True)


def _by_time(path: Path) -> list[str | int]:
    # Two of the same second are told apart by a number: _2 comes before _10. Texts and numbers alternate.
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", path.stem)]
