"""The two journals of the answers: those accepted, and those refused with their reason."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from tui_tuner.dataset.checks import Objection
from tui_tuner.dataset.examples import Example, question_key
from tui_tuner.dataset.plan import ANSWERS, REJECTS
from tui_tuner.documents.passages import Provenance
from tui_tuner.files import read_json_lines
from tui_tuner.journal import Journal
from tui_tuner.language import _, ngettext
from tui_tuner.progress import Emit, Notice
from tui_tuner.teachers.teacher import Answer


class AnswerJournals:
    """What was answered in this and in earlier sessions.

    A line torn by a crash is dropped with a `Notice`; so is one that a hand has damaged, but it stays in the file.

    Args:
        data: the dataset's folder.
        emit: hears of damaged lines.
        way: how questions are answered now (`plan.way_of_answering`); what was refused in another way does not count.

    Attributes:
        kept: accepted examples by the key of their question, in the order they came.
        tries: refused answers so far by the key of their question.
        reasons: how often each reason was given.
    """

    def __init__(self, data: Path, emit: Emit, way: str) -> None:
        self._way = way
        self.kept: dict[str, Example] = {}
        self.tries: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self._answers, self._rejects = Journal(data / ANSWERS), Journal(data / REJECTS)
        self._read_answers(data / ANSWERS, emit)
        self._read_rejects(data / REJECTS)
        if self._answers.torn:
            text = _("The last answer was torn when an earlier session ended; it will be asked again.")
            emit(Notice(text, "warning"))

    def _read_answers(self, path: Path, emit: Emit) -> None:
        rows, bad = read_json_lines(path)
        damaged = len(bad)
        for row in rows:
            try:
                example = Example.from_row(row, "")
            except ValueError:
                damaged += 1
            else:
                self.kept.setdefault(question_key(example.question), example)
        if damaged:
            text = ngettext(
                "{path}: {number} line is no example and is not used",
                "{path}: {number} lines are no examples and are not used",
                damaged,
                path=path,
            )
            emit(Notice(text, "warning"))

    def _read_rejects(self, path: Path) -> None:
        rows, _bad = read_json_lines(path)
        for row in rows:
            if not isinstance(row, dict) or row.get("way") != self._way:
                continue
            if isinstance(row.get("question"), str):
                self.tries[question_key(row["question"])] += 1
                self.reasons[str(row.get("reason", ""))] += 1

    def keep(self, example: Example, answer: Answer) -> None:
        """Put an accepted example on the disk.

        Raises:
            StorageError: it could not be written; everything before it is whole.
        """
        self._answers.append({**example.as_row(), **example.origin, "tokens": answer.tokens})
        self.kept[question_key(example.question)] = example

    def refuse(
        self, question: str, text: str, objection: Objection, source: str, passage: Provenance | None = None
    ) -> None:
        """Put a refused answer on the disk, with why.

        Raises:
            StorageError: it could not be written; everything before it is whole.
        """
        row: dict[str, Any] = {"question": question, "answer": text, "reason": objection.reason}
        row |= {"detail": objection.text, "source": source, "way": self._way}
        self._rejects.append({**row, "passage": passage.as_row()} if passage else row)
        self.tries[question_key(question)] += 1
        self.reasons[objection.reason] += 1

    def close(self) -> None:
        """Close both files."""
        self._answers.close()
        self._rejects.close()

    def __enter__(self) -> AnswerJournals:
        return self

    def __exit__(self, *_details: object) -> None:
        self.close()
