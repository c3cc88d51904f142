"""A person's own decisions about examples, kept as a journal: each can be undone, also in a later session."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tui_tuner.dataset.examples import Example, name_of
from tui_tuner.files import read_json_lines
from tui_tuner.journal import Journal
from tui_tuner.language import ngettext
from tui_tuner.models.prompts import Message
from tui_tuner.progress import Emit, Notice, ignore_event

Verdict = Literal["accept", "reject", "edit"]


@dataclass(frozen=True)
class Decision:
    """What a person decided about an example.

    Attributes:
        verdict: `accept` and `edit` go before every check, `reject` sets it aside.
        edited: what takes its place after an edit.
        number: the line of the journal it is from; what was decided later has a higher one.
    """

    verdict: Verdict
    edited: Example | None = None
    number: int = field(default=0, compare=False)


def identity(example: Example) -> str:
    """What an example is known by, whatever file it is in and whoever wrote it: the same turns, the same name.

    Follow-ups do not count: what a person decided about an example still holds when it has grown.
    """
    return name_of(example.beginning)


class Review:
    """The decisions in a journal, the last one of each example, or refused follow-up, counting.

    Examples that were decided together are one line of the journal: a crash keeps all of them or none, and one undo
    takes all of them back.

    Args:
        path: the journal; made with the first decision.
        emit: hears of lines that cannot be read; they stay in the file and do not count.

    Attributes:
        decisions: what counts now, by `identity`, or by the name of a refused follow-up.
    """

    def __init__(self, path: Path, emit: Emit = ignore_event) -> None:
        self._path = path
        self.decisions: dict[str, Decision] = {}
        self._before: list[dict[str, Decision | None]] = []  # what each line that counts has replaced
        self._lines = 0
        rows, bad = read_json_lines(path)
        damaged = len(bad)
        for row in rows:
            try:
                self._apply(_change(row, self._lines + 1))
            except (ValueError, TypeError, KeyError, AttributeError):
                damaged += 1
        if damaged:
            text = ngettext(
                "{path}: {number} decision cannot be read and does not count",
                "{path}: {number} decisions cannot be read and do not count",
                damaged,
                path=path,
            )
            emit(Notice(text, "warning"))

    def decide(self, name: str, verdict: Verdict, messages: Sequence[Message] = (), source: str = "") -> None:
        """Keep a decision about the example known by `name`; an edit brings its new turns.

        Raises:
            ValueError: the edited turns are no conversation that ends with an answer; says why.
            StorageError: it could not be written, and does not count.
        """
        row: dict[str, Any] = {"id": name, "decision": verdict}
        if verdict == "edit":
            row |= {"messages": [dict(message) for message in messages], "source": source}
        self._write(row)

    def decide_together(self, names: Iterable[str], verdict: Literal["accept", "reject"]) -> None:
        """Keep the same decision about several examples.

        Raises:
            StorageError: it could not be written, and counts for none of them.
        """
        self._write({"ids": list(names), "decision": verdict})

    def undo(self) -> tuple[str, ...]:
        """Take back what was decided last and still counts; return which examples it was about, none if there is none.

        Raises:
            StorageError: it could not be written, and the decision still counts.
        """
        if not self._before:
            return ()
        names = tuple(self._before[-1])
        self._write({"decision": "undo"})
        return names

    def _write(self, row: dict[str, Any]) -> None:
        change = _change(row, self._lines + 1)
        with Journal(self._path) as journal:
            journal.append(row)
        self._apply(change)

    def _apply(self, change: dict[str, Decision] | None) -> None:
        """Take a line's decisions in; None takes the last ones back."""
        self._lines += 1
        if change is not None:
            self._before.append({name: self.decisions.get(name) for name in change})
            self.decisions.update(change)
        elif self._before:
            for name, decision in self._before.pop().items():
                if decision is None:
                    del self.decisions[name]
                else:
                    self.decisions[name] = decision


def _change(row: Any, number: int) -> dict[str, Decision] | None:
    """What a line of the journal decides; None where it takes back.

    Raises:
        ValueError: it is no decision, or one with turns that are no example; so do TypeError, KeyError, AttributeError.
    """
    verdict = row["decision"]
    if verdict == "undo":
        return None
    if verdict == "edit":
        return {str(row["id"]): Decision("edit", Example.from_row(row, ""), number)}
    names = row["ids"] if "ids" in row else [row["id"]]
    if verdict not in ("accept", "reject") or not isinstance(names, list):
        raise ValueError(verdict)
    return dict.fromkeys(map(str, names), Decision(verdict, number=number))
