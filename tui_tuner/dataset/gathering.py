"""All examples of a project in one place: written by a person, brought along, answered by a teacher.

What a check objects to, what nearly repeats an earlier one and what a person rejected is set aside, not thrown away:
`data/set_aside.jsonl` has each with its reason. A person's decision goes before every check.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tui_tuner.dataset.checks import Objection, objection
from tui_tuner.dataset.examples import Example, question_key
from tui_tuner.dataset.grounding import turns_objection
from tui_tuner.dataset.near_duplicates import NearDuplicates
from tui_tuner.dataset.plan import DatasetPlan
from tui_tuner.dataset.review import Decision, identity
from tui_tuner.files import read_json_lines, write_json_lines
from tui_tuner.language import _, ngettext
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Emit, Notice, StopToken

LOOK_EVERY = 256  # examples between two looks at the stop token


@dataclass(frozen=True)
class SetAside:
    """An example that is not learned, and why.

    Attributes:
        example: as it was written or brought along.
        objection: what was found.
        like: the `identity` of the example that it nearly repeats; empty where it repeats none.
    """

    example: Example
    objection: Objection
    like: str = ""

    def as_row(self) -> dict[str, Any]:
        """Its line in `data/set_aside.jsonl`."""
        why = {"reason": self.objection.reason, "detail": self.objection.text}
        row = {**self.example.as_row(), **self.example.origin, "id": identity(self.example), **why}
        return row | ({"like": self.like} if self.like else {})


@dataclass(frozen=True)
class Gathered:
    """What may be learned from, without the seed examples, and what was set aside.

    Attributes:
        kept: what may be learned from.
        set_aside: the others, each with its reason.
        known: the questions of the seed examples and of those kept, compared with one another.
    """

    kept: tuple[Example, ...]
    set_aside: tuple[SetAside, ...]
    known: NearDuplicates = field(compare=False)

    @property
    def reasons(self) -> dict[str, int]:
        """How many were set aside for each reason, the commonest first."""
        return dict(Counter(one.objection.reason for one in self.set_aside).most_common())


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
        text = ngettext(
            "{path}: {number} line is no example and is not used",
            "{path}: {number} lines are no examples and are not used",
            damaged,
            path=path,
        )
        emit(Notice(text, "warning"))
    return examples


def gather(
    plan: DatasetPlan,
    imported: Iterable[Example],
    answered: Iterable[Example],
    decisions: Mapping[str, Decision],
    stop: StopToken,
) -> Gathered:
    """Put the examples together; of those that nearly repeat one another the first one stays.

    Seed examples come first and always stay, then what was brought along in its order, then answers in the order of
    their questions, so that the same examples give the same result whenever each of them was finished.

    Args:
        plan: its seed examples and its thresholds.
        imported: what was brought along.
        answered: what a teacher answered.
        decisions: a person's, by `identity`.
        stop: looked at now and then.

    Raises:
        Stopped: asked to.
    """
    known = NearDuplicates(plan.quality.near_duplicate)
    originals: list[Example] = []  # as they were before an edit, each at its place in `known`

    def keep(learned: Example, original: Example) -> None:
        known.add(learned.asked)
        originals.append(original)

    for example in plan.seed_examples:
        keep(example, example)
    kept: list[Example] = []
    aside: list[SetAside] = []
    for number, example in enumerate([*imported, *sorted(answered, key=_key)]):
        if number % LOOK_EVERY == 0:
            stop.check()
        decision = decisions.get(identity(example)) if decisions else None
        if decision is None:
            example, found = _judged(example, plan, known, originals)
        elif decision.verdict == "reject":
            found = SetAside(example, Objection("by_hand", _("rejected in the review")))
        else:
            found = None
        if found is not None:
            aside.append(found)
            continue
        learned = decision.edited if decision is not None and decision.edited else example
        keep(learned, example)
        kept.append(learned)
    return Gathered(tuple(kept), tuple(aside), known)


def _outdated(example: Example, plan: DatasetPlan) -> Objection | None:
    """An objection where the passage that `example` was written from is there no longer."""
    if example.passage is None or example.passage.id in plan.passages_by_id:
        return None
    text = _("what it was written from, {place}, has changed or is gone", place=one_line(example.passage.place, 200))
    return Objection("outdated", text)


def _objection(example: Example, plan: DatasetPlan) -> Objection | None:
    """What the checks say against `example`, those of its passage among them."""
    example = example.without_taken_back()
    found = objection(example, plan.quality)
    passage = plan.passages_by_id.get(example.passage.id) if example.passage else None
    return found if found is not None or passage is None else turns_objection(example, passage, plan.quality)


def _judged(
    example: Example, plan: DatasetPlan, known: NearDuplicates, originals: list[Example]
) -> tuple[Example, SetAside | None]:
    """The example without those last follow-ups that a check objects to, and what is wrong where that is not enough.

    What a person took back stays, and with it what it follows on.
    """
    found = _objection(example, plan)
    while found is not None and (shorter := example.without_last_follow_up()) is not None:
        example = shorter
        found = _objection(example, plan)
    found = _outdated(example, plan) or found
    return example, SetAside(example, found) if found is not None else _repeats(example, known, originals)


def _repeats(example: Example, known: NearDuplicates, originals: list[Example]) -> SetAside | None:
    place = known.like(example.asked)
    if place is None:
        return None
    first = originals[place]
    text = _("nearly the same as: {question}", question=one_line(first.question, 200))
    return SetAside(example, Objection("near_duplicate", text), identity(first))


def write_set_aside(path: Path, gathered: Gathered) -> None:
    """Replace `path` with what was set aside; no file where nothing was and none is there.

    Raises:
        StorageError: the disk is full or not writable.
    """
    if gathered.set_aside or path.exists():
        write_json_lines(path, [one.as_row() for one in gathered.set_aside])


def _key(example: Example) -> str:
    return question_key(example.asked)
