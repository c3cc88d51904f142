"""All examples of a project in one place: written by a person, brought along, answered by a teacher.

What is nearly the same as an earlier one is set aside, not thrown away: `data/set_aside.jsonl` names each with its
reason and what it resembles.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui_tuner.dataset.examples import Example, question_key
from tui_tuner.dataset.near_duplicates import NearDuplicates
from tui_tuner.files import read_json_lines, write_json_lines
from tui_tuner.language import _
from tui_tuner.progress import Emit, Notice, StopToken

LOOK_EVERY = 256  # examples between two looks at the stop token


@dataclass(frozen=True)
class SetAside:
    """An example that is not learned, and the question of the one it nearly repeats."""

    example: Example
    resembles: str

    def as_row(self) -> dict[str, Any]:
        """Its line in `data/set_aside.jsonl`."""
        return {
            **self.example.as_row(),
            "source": self.example.source,
            "reason": "near_duplicate",
            "resembles": self.resembles,
        }


@dataclass(frozen=True)
class Gathered:
    """What may be learned from, without the seed examples, and what was set aside."""

    kept: tuple[Example, ...]
    set_aside: tuple[SetAside, ...]


def read_imported(path: Path, emit: Emit) -> list[Example]:
    """The examples that were brought along; none where there is no file. Damaged lines are counted and said.

    Raises:
        StorageError: it cannot be read.
    """
    rows, bad = read_json_lines(path)
    examples, damaged = [], len(bad)
    for row in rows:
        try:
            examples.append(Example.from_row(row, path.name))
        except ValueError:
            damaged += 1
    if damaged:
        text = _("{path}: {number} lines are no examples and are not used", path=path, number=damaged)
        emit(Notice(text, "warning"))
    return examples


def gather(
    seeds: Sequence[Example],
    imported: Iterable[Example],
    answered: Iterable[Example],
    *,
    near_duplicate: float,
    stop: StopToken,
) -> Gathered:
    """Put the examples together; of those that nearly repeat one another the first one stays.

    Seed examples come first and always stay, then what was brought along in its order, then answers in the order of
    their questions, so that the same examples give the same result whenever each of them was finished.

    Raises:
        Stopped: asked to.
    """
    known = NearDuplicates(near_duplicate)
    questions: list[str] = []
    for example in seeds:
        known.add(example.asked)
        questions.append(example.question)
    kept: list[Example] = []
    aside: list[SetAside] = []
    ordered = [*imported, *sorted(answered, key=_key)]
    for number, example in enumerate(ordered):
        if number % LOOK_EVERY == 0:
            stop.check()
        place = known.like(example.asked)
        if place is not None:
            aside.append(SetAside(example, questions[place]))
            continue
        known.add(example.asked)
        questions.append(example.question)
        kept.append(example)
    return Gathered(tuple(kept), tuple(aside))


def write_set_aside(path: Path, gathered: Gathered) -> None:
    """Replace `path` with what was set aside; no file where nothing was and none is there.

    Raises:
        StorageError: the disk is full or not writable.
    """
    if gathered.set_aside or path.exists():
        write_json_lines(path, [one.as_row() for one in gathered.set_aside])


def _key(example: Example) -> str:
    return question_key(example.asked)
