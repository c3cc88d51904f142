"""The two journals of follow-ups: what was finished, and the way to it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tui_tuner.dataset.checks import Objection
from tui_tuner.dataset.examples import asked_and_answered
from tui_tuner.dataset.follow_ups_there import Step, read_follow_ups
from tui_tuner.dataset.plan import FOLLOW_UP_STEPS, FOLLOW_UPS
from tui_tuner.dataset.refused_follow_ups import Turns
from tui_tuner.dataset.review import Decision
from tui_tuner.journal import Journal
from tui_tuner.language import ngettext
from tui_tuner.progress import Emit, Notice
from tui_tuner.teachers.teacher import Answer


class FollowUpJournals:
    """The follow-ups of this and of earlier sessions; each line is on the disk before it counts.

    Args:
        data: the dataset's folder.
        emit: hears of damaged lines; they stay in the file.
        way: how questions are answered now (`plan.way_of_answering`); what was refused in another way does not count.
        decisions: a person's: a refused follow-up that they took back is gone on with.

    Attributes:
        there: what follows on which conversation.
    """

    def __init__(self, data: Path, emit: Emit, way: str, decisions: Mapping[str, Decision]) -> None:
        self._way = way
        # Opened first: that cuts off what a crash has torn.
        self._follow_ups, self._steps = Journal(data / FOLLOW_UPS), Journal(data / FOLLOW_UP_STEPS)
        self.there = read_follow_ups(data, decisions, way)
        if damaged := self.there.damaged:
            text = ngettext(
                "{path}: {number} line is no follow-up and is not used",
                "{path}: {number} lines are no follow-ups and are not used",
                damaged,
                path=FOLLOW_UPS,
            )
            emit(Notice(text, "warning"))

    def keep_question(self, after: str, question: str, source: str) -> None:
        """Put an accepted question on the disk; its answer is still to come.

        Raises:
            StorageError: it could not be written; everything before it is whole.
        """
        row = {"after": after, "question": question, "source": source}
        self._steps.append(row)
        self.there.take_step(row, self._way)

    def keep(self, step: Step, answer: Answer, source: str) -> Turns:
        """Put a finished follow-up on the disk; return its turns.

        Raises:
            StorageError: it could not be written; everything before it is whole.
        """
        example = asked_and_answered(step.question, answer.text, source)
        self._follow_ups.append({"after": step.after, **example.as_row(), "source": source, "tokens": answer.tokens})
        self.there.after(step.after).finished[step.question] = example.messages
        return example.messages

    def refuse(self, step: Step, question: str, text: str, objection: Objection, source: str) -> None:
        """Put a refused question or answer on the disk, with why.

        Args:
            step: what was asked for.
            question: where that was a question, the one in what the teacher said; all of it where there is none in it.
            text: what the teacher said.
            objection: why it is refused.
            source: the teacher.

        Raises:
            StorageError: it could not be written; everything before it is whole.
        """
        said = {"question": step.question, "answer": text} if step.question else {"question": question, "text": text}
        why = {"reason": objection.reason, "detail": objection.text}
        row = {"after": step.after, **said, **why, "source": source, "way": self._way}
        self._steps.append(row)
        self.there.take_step(row, self._way)

    def close(self) -> None:
        """Close both files."""
        self._follow_ups.close()
        self._steps.close()

    def __enter__(self) -> FollowUpJournals:
        return self

    def __exit__(self, *_details: object) -> None:
        self.close()
