"""A person's own decisions about examples, kept as a journal: each can be undone, also in a later session."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tui_tuner.dataset.examples import Example
from tui_tuner.files import Journal, read_json_lines
from tui_tuner.language import _
from tui_tuner.models.prompts import Message
from tui_tuner.progress import Emit, Notice, ignore_event

Verdict = Literal["accept", "reject", "edit"]


@dataclass(frozen=True)
class Decision:
    """What a person decided about an example.

    Attributes:
        verdict: `accept` and `edit` go before every check, `reject` sets it aside.
        edited: what takes its place after an edit.
    """

    verdict: Verdict
    edited: Example | None = None


def identity(example: Example) -> str:
    """What an example is known by, whatever file it is in and whoever wrote it: the same turns, the same name."""
    # With their lengths, so that no text can look like the end of a turn and the beginning of the next one.
    turns = "".join(f"{message['role']} {len(message['content'])} {message['content']}" for message in example.messages)
    return hashlib.blake2b(turns.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


class Review:
    """The decisions in a journal, the last one of each example counting.

    Args:
        path: the journal; made with the first decision.
        emit: hears of lines that cannot be read; they stay in the file and do not count.

    Attributes:
        decisions: what counts now, by `identity`.
    """

    def __init__(self, path: Path, emit: Emit = ignore_event) -> None:
        self._path = path
        self._history: list[tuple[str, Decision]] = []
        rows, bad = read_json_lines(path)
        damaged = len(bad)
        for row in rows:
            try:
                self._apply(row)
            except (ValueError, TypeError, KeyError, AttributeError):
                damaged += 1
        if damaged:
            text = _("{path}: {number} decisions cannot be read and do not count", path=path, number=damaged)
            emit(Notice(text, "warning"))
        self._count()

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

    def undo(self) -> str | None:
        """Take the last decision back that still counts; return which example it was about, None where there is none.

        Raises:
            StorageError: it could not be written, and the decision still counts.
        """
        if not self._history:
            return None
        name = self._history[-1][0]
        self._write({"decision": "undo"})
        return name

    def _write(self, row: dict[str, Any]) -> None:
        before = list(self._history)
        self._apply(row)
        try:
            with Journal(self._path) as journal:
                journal.append(row)
        except BaseException:
            self._history = before
            raise
        finally:
            self._count()

    def _apply(self, row: dict[str, Any]) -> None:
        verdict = row["decision"]
        if verdict == "undo":
            if self._history:
                self._history.pop()
        elif verdict in ("accept", "reject"):
            self._history.append((str(row["id"]), Decision(verdict)))
        elif verdict == "edit":
            self._history.append((str(row["id"]), Decision("edit", Example.from_row(row, ""))))
        else:
            raise ValueError(verdict)

    def _count(self) -> None:
        self.decisions: dict[str, Decision] = dict(self._history)
