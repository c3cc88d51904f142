"""What is asked in a comparison: prompts, each with the answer that is expected where one is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui_tuner.choices import CompareChoice
from tui_tuner.dataset.held_out import held_out_questions
from tui_tuner.encodings import decode
from tui_tuner.errors import DatasetError
from tui_tuner.files import BadLine, json_lines, storage_errors
from tui_tuner.language import _, ngettext
from tui_tuner.project import Project

MOST_NAMED = 8  # lines


@dataclass(frozen=True)
class Prompt:
    """One question.

    Attributes:
        text: the question.
        expected: the answer that is expected; empty where nobody says.
    """

    text: str
    expected: str = ""


def prompts_of(project: Project) -> tuple[Prompt, ...]:
    """What the project asks: what was typed, then what its prompts file has; without either, held-out examples.

    Raises:
        DatasetError: there is nothing to ask, or a mistake in the prompts file; names the line.
        StorageError: a file cannot be read.
    """
    choice = project.choices.compare
    typed = [Prompt(text.strip()) for text in choice.prompts if text.strip()]
    if choice.prompts_file:
        typed += read_prompts(project.folder / Path(choice.prompts_file).expanduser())
    found = _each_once(typed) or _held_out(project, choice)
    if not found:
        raise DatasetError(
            _("there is nothing to ask: no prompts were chosen, and there are no held-out examples"),
            where=str(project.data / "valid.jsonl"),
            advice=_('Name some, for example: tuner compare --prompt "How do I start?"'),
        )
    return found


def _each_once(prompts: Sequence[Prompt]) -> tuple[Prompt, ...]:
    """The prompts in order, each once, with what is expected wherever that is said."""
    found: dict[str, str] = {}
    for prompt in prompts:
        found[prompt.text] = found.get(prompt.text) or prompt.expected
    return tuple(Prompt(text, expected) for text, expected in found.items())


def read_prompts(path: Path) -> list[Prompt]:
    """The prompts in `path`: one a line, or in a `.jsonl` file `{"prompt": ..., "expected": ...}` a line.

    Raises:
        DatasetError: there are none, lines are none, all of which are named, or it is no text.
        StorageError: it is not there or cannot be read.
    """
    with storage_errors(path):
        content = path.read_bytes()
    if path.suffix.lower() == ".jsonl":
        found = _from_rows(path)
    else:
        try:
            text = decode(content)
        except DatasetError as error:
            raise DatasetError(error.what, where=str(path), advice=_("Write one question a line.")) from error
        found = [Prompt(line.strip()) for line in text.splitlines() if line.strip()]
    if not found:
        raise DatasetError(_("there is no prompt in it"), where=str(path), advice=_("Write one a line."))
    return found


def _from_rows(path: Path) -> list[Prompt]:
    found: list[Prompt] = []
    wrong: list[int] = []
    for number, row in enumerate(json_lines(path), start=1):
        prompt = None if isinstance(row, BadLine) else _prompt(row)
        if prompt is None:
            wrong.append(row.line if isinstance(row, BadLine) else number)
        else:
            found.append(prompt)
    if wrong:
        lines = ", ".join(map(str, wrong[:MOST_NAMED])) + ("…" if len(wrong) > MOST_NAMED else "")
        raise DatasetError(
            ngettext("this line is no prompt", "{number} lines are no prompts: {lines}", len(wrong), lines=lines),
            where=f"{path}:{wrong[0]}",
            advice=_("Each should be like {example}", example='{"prompt": "Why?", "expected": "Because."}'),
        )
    return found


def _prompt(row: Any) -> Prompt | None:
    text, expected = (row.get("prompt"), row.get("expected")) if isinstance(row, dict) else (None, None)
    if not isinstance(text, str) or not text.strip() or not isinstance(expected, str | None):
        return None
    return Prompt(text.strip(), (expected or "").strip())


def _held_out(project: Project, choice: CompareChoice) -> tuple[Prompt, ...]:
    """The first examples that were not learned from: of the test's rows, or else of those that chose the adapter."""
    for name in ("test.jsonl", "valid.jsonl"):
        found: dict[str, Prompt] = {}
        for row in json_lines(project.data / name):
            prompt = _opening(row)
            if prompt is not None:
                found.setdefault(prompt.text, prompt)
            if len(found) == choice.held_out:
                break
        if found:
            return tuple(found.values())
    return tuple(Prompt(text) for text in held_out_questions(project.data, choice.held_out))


def _opening(row: Any) -> Prompt | None:
    """A row's first question and the answer to it; None where it has none that can be read."""
    if not isinstance(row, dict):
        return None
    if isinstance(row.get("prompt"), str):
        asked, answered = row["prompt"], row.get("completion")
    else:
        turns = [turn for turn in row["messages"] if isinstance(turn, dict)] if _has_turns(row) else []
        place = next((place for place, turn in enumerate(turns) if turn.get("role") == "user"), len(turns))
        asked = turns[place].get("content") if place < len(turns) else None
        following = turns[place + 1] if place + 1 < len(turns) else {}
        answered = following.get("content") if following.get("role") == "assistant" else None
    if not isinstance(asked, str) or not asked.strip():
        return None
    return Prompt(asked.strip(), answered.strip() if isinstance(answered, str) else "")


def _has_turns(row: dict[str, Any]) -> bool:
    return isinstance(row.get("messages"), list)
