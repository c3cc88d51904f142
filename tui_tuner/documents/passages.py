"""Passages as they are kept: one JSON object a line in `data/passages.jsonl`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path, PurePath
from typing import Any

from tui_tuner.files import read_json_lines, write_json_lines
from tui_tuner.language import _, ngettext
from tui_tuner.progress import Emit, Notice, ignore_event

PASSAGES = "passages.jsonl"


@dataclass(frozen=True)
class Provenance:
    """Where something was written from: the passage, as it is noted beside questions and answers.

    Attributes:
        id: the passage.
        file: its document.
        heading: the headings it stood under.
        line: where it began; in a PDF the page.
    """

    id: str
    file: str
    heading: str
    line: int

    @property
    def place(self) -> str:
        """As a person reads it: "guide.md:12"; in a PDF the page."""
        if PurePath(self.file).suffix.lower() == ".pdf":
            return _("{file}, page {page}", file=self.file, page=self.line)
        return f"{self.file}:{self.line}"

    def as_row(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)

    @classmethod
    def from_row(cls, row: Any) -> Provenance | None:
        """Read what `as_row` made; None where it is none."""
        texts = ("id", "file", "heading")
        if not isinstance(row, dict) or not all(isinstance(row.get(name), str) for name in texts):
            return None
        line = row.get("line")
        return cls(row["id"], row["file"], row["heading"], line if isinstance(line, int) else 1)


@dataclass(frozen=True)
class Passage:
    """A piece of a document that questions can be asked about.

    Attributes:
        id: known by its text: the same words have the same name wherever they stand.
        file: the document, from `folder`.
        folder: where it was found.
        heading: the headings it stands under: "Guide > Backups > Restore"; empty where there are none.
        line: where it begins in the file; in a PDF the page.
        text: what it says.
        words: how many, as far as its size for a language model is concerned.
    """

    id: str
    file: str
    folder: str
    heading: str
    line: int
    text: str
    words: int

    @property
    def path(self) -> Path:
        """The document's whole path."""
        return Path(self.folder, self.file)

    @property
    def place(self) -> str:
        """Where it stands, as a person reads it: "guide.md:12"; in a PDF the page."""
        return self.provenance.place

    @property
    def provenance(self) -> Provenance:
        """What is noted of it beside questions and answers."""
        return Provenance(self.id, self.file, self.heading, self.line)

    @classmethod
    def from_row(cls, row: Any) -> Passage:
        """Read its row.

        Raises:
            ValueError: it is none.
        """
        kinds: dict[str, type] = {
            "id": str, "file": str, "folder": str, "heading": str, "line": int, "text": str, "words": int
        }  # fmt: skip
        if not isinstance(row, dict) or not all(isinstance(row.get(name), kind) for name, kind in kinds.items()):
            raise ValueError(_("this is no passage"))
        return cls(**{name: row[name] for name in kinds})


def passage_id(text: str) -> str:
    """What a passage is known by."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def name_of(passages: Iterable[Passage]) -> str:
    """A name for all of `passages` together: the same passages have the same one; empty for none."""
    names = "\n".join(sorted(passage.id for passage in passages))
    return passage_id(names) if names else ""


def read_passages(data: Path, emit: Emit = ignore_event) -> list[Passage]:
    """The passages kept in the folder `data`; none where there is no file. Damaged lines are counted and said.

    Raises:
        StorageError: the file cannot be read.
    """
    path = data / PASSAGES
    rows, bad = read_json_lines(path)
    passages, damaged = [], len(bad)
    for row in rows:
        try:
            passages.append(Passage.from_row(row))
        except ValueError:
            damaged += 1
    if damaged:
        text = ngettext(
            "{path}: {number} line is no passage and is not used",
            "{path}: {number} lines are no passages and are not used",
            damaged,
            path=path,
        )
        emit(Notice(text, "warning"))
    return passages


def write_passages(data: Path, passages: Iterable[Passage]) -> None:
    """Replace the passages in the folder `data`.

    Raises:
        StorageError: the disk is full or not writable; the file is as it was.
    """
    write_json_lines(data / PASSAGES, [asdict(passage) for passage in passages])
