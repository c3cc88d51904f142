"""A cheap look at a project's documents. The screen looks often, and there may be megabytes of them.

What was read is kept for as long as the file is the same, and of the journal of questions only what is new is read.
"""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from tui_tuner.dataset.plan import PASSAGE_QUESTIONS
from tui_tuner.documents.passages import PASSAGES, name_of, read_passages
from tui_tuner.errors import StorageError
from tui_tuner.file_versions import while_unchanged


@dataclass(frozen=True)
class DocumentsState:
    """What there is of documents.

    Attributes:
        documents: how many there are.
        passages: passages they were cut into.
        questions: questions about those passages.
        name: of all passages together (`passages.name_of`).
    """

    documents: int = 0
    passages: int = 0
    questions: int = 0
    name: str = ""


def documents_state(data: Path) -> DocumentsState:
    """Look at the files in `data`; one that cannot be read counts as empty."""
    with contextlib.suppress(OSError, StorageError):
        documents, passages, known, name = _read(data / PASSAGES)
        asked = _journal(data / PASSAGE_QUESTIONS).counted()
        return DocumentsState(documents, passages, sum(asked[one] for one in known), name)
    return DocumentsState()


@while_unchanged
def _read(path: Path) -> tuple[int, int, frozenset[str], str]:
    """How many documents and passages there are, the names of the passages, and the name of all together."""
    passages = read_passages(path.parent)
    known = frozenset(passage.id for passage in passages)
    return len({passage.path for passage in passages}), len(passages), known, name_of(passages)


@dataclass
class _Journal:
    """The number of questions about each passage, as far as the journal was read."""

    path: Path
    read: int = 0
    file: int = 0
    questions: Counter[str] = field(default_factory=Counter)

    def counted(self) -> Counter[str]:
        """The numbers as they are now; none where there is no journal."""
        try:
            state = self.path.stat()
        except FileNotFoundError:
            return Counter()
        if state.st_ino != self.file or state.st_size < self.read:
            self.file, self.read, self.questions = state.st_ino, 0, Counter()
        with self.path.open("rb") as journal:
            journal.seek(self.read)
            new = journal.read()
        new = new[: new.rfind(b"\n") + 1]  # the last line may be in the making
        for line in new.splitlines():
            with contextlib.suppress(ValueError, TypeError, KeyError):
                row = json.loads(line)
                self.questions[row["passage"]["id"]] += len(row["questions"])
        self.read += len(new)
        return self.questions


@lru_cache(maxsize=2)
def _journal(path: Path) -> _Journal:
    return _Journal(path)
