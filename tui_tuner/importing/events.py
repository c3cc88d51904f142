"""What happens while files are imported."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tui_tuner.progress import Event


@dataclass(frozen=True)
class RowRefused(Event):
    """A row cannot be used; only the first few of a file are told, all are in `data/import_problems.jsonl`.

    Attributes:
        file: its name.
        row: the line, item or rowid.
        reason: what is wrong.
        detail: what is special about this one; may be empty.
    """

    file: str
    row: int
    reason: str
    detail: str = ""


@dataclass(frozen=True)
class FileImported(Event):
    """A file was read to its end.

    Attributes:
        file: its name.
        rows: rows in it.
        kept: of them new conversations.
        repeated: of them conversations that were there already.
        bad: of them rows that cannot be used.
        reasons: how many for each reason, the commonest first.
        cut: conversations whose last question had no answer and was left out.
    """

    file: str
    rows: int
    kept: int
    repeated: int
    bad: int
    reasons: dict[str, int]
    cut: int


@dataclass(frozen=True)
class ImportEnded(Event):
    """All files are in the project.

    Attributes:
        kept: new conversations of all files.
        there: conversations in `path` now.
        path: the file they are in.
        problems: the file with all rows that cannot be used; None where there is none.
    """

    kept: int
    there: int
    path: Path
    problems: Path | None
