"""The comparisons a project keeps, read again: whole, broken off, of an earlier version, or damaged."""

from __future__ import annotations

import contextlib
import dataclasses
import re
from pathlib import Path
from typing import Any

from tui_tuner.errors import StorageError
from tui_tuner.evaluation.comparisons import FORMAT, Answer, Comparison
from tui_tuner.evaluation.losses import Loss
from tui_tuner.evaluation.opinions import Opinion
from tui_tuner.evaluation.prompts import Prompt
from tui_tuner.files import read_json_lines
from tui_tuner.language import _
from tui_tuner.project import Project

OLD_COLUMNS = ("base", "tuned")  # of format 1, which had a line per prompt with the answers of both


def read_comparison(path: Path) -> Comparison:
    """Read the comparison in `path`; lines that a crash or an editor has broken are left out, and counted.

    Raises:
        StorageError: it is not there, cannot be read, is no comparison, or was made by a newer version.
    """
    if not path.is_file():
        raise StorageError(_("there is no such comparison"), where=str(path), advice=_("Compare again."))
    rows, bad_lines = read_json_lines(path)
    head = rows[0] if rows and isinstance(rows[0], dict) and "format" in rows[0] else {}
    if isinstance(head.get("format"), int) and head["format"] > FORMAT:
        raise StorageError(
            _("this comparison was made by a newer tuner"),
            where=str(path),
            advice=_("Update with: pip install --upgrade tui-tuner"),
        )
    kept = _comparison(path, head) if head.get("format") == FORMAT else _old_comparison(path, head, rows)
    if not kept.labels or not kept.prompts:
        raise StorageError(
            _("this is no comparison, or its first line, which says how it was made, is damaged"),
            where=str(path),
            advice=_("Take it out of the folder, or put it back from a copy; the other comparisons are as they were."),
        )
    if head.get("format") != FORMAT:
        return kept
    understood = [_take(kept, row) for row in rows[1:]]
    return dataclasses.replace(kept, damaged=len(bad_lines) + understood.count(False))


def _comparison(path: Path, head: dict[str, Any]) -> Comparison:
    labels = {name: str(facts.get("label", name)) for name, facts in _tables(head.get("columns"))}
    prompts = tuple(
        Prompt(str(row.get("text", "")), str(row.get("expected", ""))) for row in _rows(head.get("prompts"))
    )
    return Comparison(path, head, labels, prompts)


def _take(kept: Comparison, row: Any) -> bool:
    """Add what a line of the journal says; False where it says nothing that can be understood."""
    with contextlib.suppress(TypeError, KeyError, ValueError):
        if "loss" in row:
            _require_column(kept, row)
            kept.losses[row["column"]] = Loss.of_row(row["loss"])
        elif set(row) == set(judge_row("")):
            kept.made["judge"] = str(row["judge"])
            kept.judgements.clear()
        elif "opinion" in row:
            opinion = Opinion.of_row(row)
            _require_column(kept, row["opinion"])
            (kept.judgements if opinion.judge else kept.votes)[opinion.key] = opinion
        else:
            _require_column(kept, row)
            kept.answers[row["index"], row["column"]] = Answer.of_row(row)
        return True
    return False


def _require_column(kept: Comparison, row: dict[str, Any]) -> None:
    if row["column"] not in kept.labels or not 0 <= int(row.get("index", 0)) < len(kept.prompts):
        raise ValueError("of another comparison")


def _old_comparison(path: Path, head: dict[str, Any], rows: list[Any]) -> Comparison:
    answered: dict[str, dict[str, Answer]] = {}
    for row in _rows(rows):
        with contextlib.suppress(TypeError, KeyError, ValueError):
            answered[str(row["prompt"])] = {name: Answer.of_row(row[name]) for name in OLD_COLUMNS}
    prompts = head.get("prompts", ())
    asked = [str(text) for text in prompts] if isinstance(prompts, list) else []
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


def comparison_to_go_on_with(project: Project, made: dict[str, Any]) -> Comparison | None:
    """The newest comparison, if it was made in this very way and broke off, or has another judge to hear."""
    for newest in list_comparisons(project)[:1]:
        with contextlib.suppress(StorageError):  # one that cannot be read stays as it is, and another is made
            kept = read_comparison(newest)
            same = {**kept.made, "judge": ""} == {**made, "judge": ""}
            another = made["judge"] not in ("", kept.made.get("judge"))
            if same and (another or not kept.finished):
                return kept
    return None


def judge_row(name: str) -> dict[str, Any]:
    """The line of the journal that says who judges from here on; what others judged before counts no more."""
    return {"judge": name}


def newest_comparison(project: Project) -> Comparison | None:
    """The newest one that holds an answer.

    Raises:
        StorageError: there is one that cannot be read, and none that can.
    """
    problem: StorageError | None = None
    for path in list_comparisons(project):
        try:
            kept = read_comparison(path)
        except StorageError as error:
            problem = problem or error
            continue
        if kept.answers:
            return kept
    if problem is not None:
        raise problem
    return None


def has_finished_comparison(project: Project) -> bool:
    """Whether a comparison came to its last answer; one that cannot be read did not."""
    for path in list_comparisons(project):
        with contextlib.suppress(StorageError):
            if read_comparison(path).finished:
                return True
    return False


def kept_comparisons(project: Project) -> tuple[list[Comparison], list[StorageError]]:
    """The project's comparisons that hold an answer, newest first, and what is wrong with those nobody can read."""
    found: list[Comparison] = []
    problems: list[StorageError] = []
    for path in list_comparisons(project):
        try:
            kept = read_comparison(path)
        except StorageError as error:
            problems.append(error)
            continue
        if kept.answers:
            found.append(kept)
    return found, problems


def list_comparisons(project: Project) -> list[Path]:
    """The project's comparisons, newest first; an empty file is one that was killed before its first word."""
    found = [path for path in project.comparisons.glob("*.jsonl") if path.is_file() and path.stat().st_size]
    return sorted(found, key=_by_time, reverse=True)


def _by_time(path: Path) -> list[str | int]:
    # Two of the same second are told apart by a number: _2 comes before _10. Texts and numbers alternate.
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", path.stem)]
