"""The follow-ups on the disk, and what each conversation goes on with.

`data/follow_ups.jsonl` has each finished follow-up, `data/follow_up_steps.jsonl` what was paid for on the way: a
question that waits for its answer, and what was refused, with its reason. Each line names the conversation it goes on
with by its turns: where those change, what followed on the old ones no longer follows, and is still in the file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tui_tuner.dataset.examples import Example, name_of
from tui_tuner.dataset.plan import FOLLOW_UP_STEPS, FOLLOW_UPS
from tui_tuner.dataset.refused_follow_ups import RefusedFollowUp, Turns, in_force
from tui_tuner.dataset.review import Decision
from tui_tuner.files import read_json_lines


class Step(NamedTuple):
    """What a conversation needs next: a question, or, where there is one, its answer.

    Attributes:
        after: the conversation, by its `name_of`.
        question: empty where that is what it needs.
    """

    after: str
    question: str = ""


@dataclass
class Continuation:
    """All there is to go on with one conversation.

    Attributes:
        questions: those that the checks accepted.
        finished: follow-ups with a good answer, by their question.
        refused: what the checks refused, in the order it came.
    """

    questions: list[str] = field(default_factory=list)
    finished: dict[str, Turns] = field(default_factory=dict)
    refused: list[RefusedFollowUp] = field(default_factory=list)

    def unaided(self) -> Turns:
        """What it would go on with if nobody had taken anything back; empty where nothing is finished."""
        # An answered question that was refused has its answer because somebody took it back.
        refused = {one.question for one in self.refused if not one.answer}.difference(self.questions)
        return next((turns for asked, turns in reversed(self.finished.items()) if asked not in refused), ())

    def following(self, decisions: Mapping[str, Decision]) -> tuple[Turns, bool]:
        """The question and answer it goes on with, none where they are not there; whether a person took them back."""
        taken = in_force(self.refused, decisions) if self.refused else None
        if taken is None:
            return self.unaided(), False
        return (taken.turns, True) if taken.answer else (self.finished.get(taken.question, ()), False)

    def waiting(self, decisions: Mapping[str, Decision]) -> str:
        """The question that waits for its answer; empty where one has to be found first."""
        taken = in_force(self.refused, decisions) if self.refused else None
        if taken is not None:
            return taken.question
        return self.questions[-1] if self.questions else ""


class FollowUpsThere:
    """What follows on which conversation.

    Args:
        decisions: a person's: what they took back goes before what the checks accepted.

    Attributes:
        tries: how often each step was refused the way things are asked now.
        reasons: how often each reason was given the way things are asked now.
        damaged: lines of finished follow-ups that are none.
    """

    def __init__(self, decisions: Mapping[str, Decision]) -> None:
        self._decisions = decisions
        self._known: dict[str, Continuation] = {}
        self.tries: Counter[Step] = Counter()
        self.reasons: Counter[str] = Counter()
        self.damaged = 0

    def after(self, name: str) -> Continuation:
        """All there is to go on with the conversation of this `name_of`; new where there is nothing yet."""
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = Continuation()
        return known

    def waiting(self, name: str) -> str:
        """The question that waits for its answer after the conversation of this `name_of`; empty where none does."""
        known = self._known.get(name)
        return known.waiting(self._decisions) if known else ""

    def stages(self, example: Example, turns: int) -> Iterator[tuple[Example, Continuation | None]]:
        """`example` as it grows up to `turns` questions, each time with all there is to go on with; last as it is now.

        Nothing goes on with a conversation that has as many turns as wanted.
        """
        while self._known and example.turns < turns:
            known = self._known.get(name_of(example.messages))
            yield example, known
            following, by_hand = known.following(self._decisions) if known else ((), False)
            if not following:
                return
            example = example.followed_by(following, by_hand=by_hand)
        yield example, None

    def grown(self, example: Example, turns: int) -> Example:
        """`example` with as many of its follow-ups as there are, up to `turns` questions in all."""
        for stage, _known in self.stages(example, turns):
            example = stage
        return example

    def take_step(self, row: Mapping[str, Any], way: str) -> None:
        """Take in a line of `data/follow_up_steps.jsonl`."""
        after, question = str(row["after"]), row.get("question")
        if "reason" not in row:
            if isinstance(question, str):
                self.after(after).questions.append(question)
            return
        refused = RefusedFollowUp.from_row(row)
        if refused is not None:
            self.after(after).refused.append(refused)
        if row.get("way") == way:
            self.tries[Step(after, str(question) if "answer" in row else "")] += 1
            self.reasons[str(row["reason"])] += 1


def read_follow_ups(data: Path, decisions: Mapping[str, Decision], way: str = "") -> FollowUpsThere:
    """Read both files.

    Args:
        data: the dataset's folder.
        decisions: a person's.
        way: how questions are answered now (`plan.way_of_answering`).

    Raises:
        StorageError: a file cannot be read.
    """
    there = FollowUpsThere(decisions)
    for row in read_json_lines(data / FOLLOW_UP_STEPS)[0]:
        if isinstance(row, dict) and isinstance(row.get("after"), str):
            there.take_step(row, way)
    rows, bad = read_json_lines(data / FOLLOW_UPS)
    there.damaged = len(bad)
    for row in rows:
        try:
            messages = Example.from_row(row, "").messages
            if [message["role"] for message in messages] != ["user", "assistant"]:
                raise ValueError(messages)
            finished = there.after(str(row["after"])).finished
        except (ValueError, KeyError):
            there.damaged += 1  # by hand: it is asked for again
        else:
            finished[messages[0]["content"]] = messages
    return there
