"""What follows on an example: further questions of the same conversation, with their answers.

`data/follow_ups.jsonl` has each finished follow-up, `data/follow_up_steps.jsonl` what was paid for on the way: a
question that waits for its answer, and what was refused, with its reason. Each line names the conversation it goes on
with by its turns: where those change, what followed on the old ones no longer follows, and is still in the file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tui_tuner.dataset.checks import Objection
from tui_tuner.dataset.examples import Example, asked_and_answered, name_of
from tui_tuner.dataset.plan import FOLLOW_UP_STEPS, FOLLOW_UPS
from tui_tuner.files import Journal, read_json_lines
from tui_tuner.language import _
from tui_tuner.models.prompts import Message
from tui_tuner.progress import Emit, Notice
from tui_tuner.teachers.teacher import Answer

Turns = tuple[Message, ...]


def read_follow_ups(data: Path) -> dict[str, Turns]:
    """Each finished follow-up, a question and its answer, by the name of the conversation before it.

    Raises:
        StorageError: the file cannot be read.
    """
    return dict(_finished(read_json_lines(data / FOLLOW_UPS)[0]))


def grown(example: Example, follow_ups: Mapping[str, Turns], turns: int) -> Example:
    """`example` with as many of its follow-ups as there are, up to `turns` questions in all."""
    while follow_ups and example.turns < turns:
        following = follow_ups.get(name_of(example.messages))
        if following is None:
            break
        example = example.followed_by(following)
    return example


def _finished(rows: list[Any]) -> Iterator[tuple[str, Turns]]:
    for row in rows:
        try:
            messages = Example.from_row(row, "").messages
            if [message["role"] for message in messages] == ["user", "assistant"]:
                yield str(row["after"]), messages
        except (ValueError, KeyError):
            continue  # damaged by hand: it is asked for again


class FollowUpJournals:
    """The follow-ups of this and of earlier sessions, and the way to them.

    Args:
        data: the dataset's folder.
        emit: hears of damaged lines; they stay in the file.
        way: how questions are answered now (`plan.way_of_answering`); what was refused in another way does not count.

    Attributes:
        finished: questions with their answers by the name of the conversation before them.
        questions: those that wait for an answer, by the same name.
        tries: refused questions by the name of the conversation, refused answers by that of the conversation with the
            question.
        reasons: how often each reason was given.
    """

    def __init__(self, data: Path, emit: Emit, way: str) -> None:
        self._way = way
        self.questions: dict[str, str] = {}
        self.tries: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self._follow_ups, self._steps = Journal(data / FOLLOW_UPS), Journal(data / FOLLOW_UP_STEPS)
        rows, bad = read_json_lines(data / FOLLOW_UPS)
        found = list(_finished(rows))
        self.finished: dict[str, Turns] = dict(found)
        if damaged := len(bad) + len(rows) - len(found):
            text = _("{path}: {number} lines are no follow-ups and are not used", path=FOLLOW_UPS, number=damaged)
            emit(Notice(text, "warning"))
        for row in read_json_lines(data / FOLLOW_UP_STEPS)[0]:
            if isinstance(row, dict) and isinstance(row.get("after"), str):
                self._read_step(row)

    def _read_step(self, row: dict[str, Any]) -> None:
        if "reason" not in row:
            if isinstance(row.get("question"), str):
                self.questions[row["after"]] = row["question"]
        elif row.get("way") == self._way:
            self.tries[row["after"]] += 1
            self.reasons[str(row["reason"])] += 1

    def keep_question(self, after: str, question: str, source: str) -> None:
        """Put an accepted question on the disk; its answer is still to come.

        Raises:
            StorageError: it could not be written; everything before it is whole.
        """
        self._steps.append({"after": after, "question": question, "source": source})
        self.questions[after] = question

    def keep(self, after: str, question: str, answer: Answer, source: str) -> Turns:
        """Put a finished follow-up on the disk; return its turns.

        Raises:
            StorageError: it could not be written; everything before it is whole.
        """
        example = asked_and_answered(question, answer.text, source)
        self._follow_ups.append({"after": after, **example.as_row(), "source": source, "tokens": answer.tokens})
        self.finished[after] = example.messages
        return example.messages

    def refuse(self, after: str, text: str, objection: Objection, source: str) -> None:
        """Put a refused question or answer on the disk, with why.

        Raises:
            StorageError: it could not be written; everything before it is whole.
        """
        row = {"after": after, "text": text, "reason": objection.reason, "detail": objection.text}
        self._steps.append({**row, "source": source, "way": self._way})
        self.tries[after] += 1
        self.reasons[objection.reason] += 1

    def close(self) -> None:
        """Close both files."""
        self._follow_ups.close()
        self._steps.close()

    def __enter__(self) -> FollowUpJournals:
        return self

    def __exit__(self, *_details: object) -> None:
        self.close()
