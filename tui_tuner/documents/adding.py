"""Adding documents to a project: found, read, cut, and kept as passages."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tui_tuner.documents.blocks import count_words
from tui_tuner.documents.cutting import Piece, cut
from tui_tuner.documents.folder import ENDINGS, Found, find_documents
from tui_tuner.documents.passages import Passage, passage_id, read_passages, write_passages
from tui_tuner.documents.reading import read_document
from tui_tuner.errors import DatasetError, Stopped, TunerError
from tui_tuner.language import _
from tui_tuner.progress import Emit, Event, Pace, StopToken, ignore_event
from tui_tuner.project import Project

LOOK_EVERY = 256  # files between two looks at the stop token


@dataclass(frozen=True)
class DocumentsPlan:
    """Which documents are to be added, and how.

    Attributes:
        data: the dataset's folder.
        sources: files and folders.
        passage_words: the longest passage.
        replace: start over instead of adding.
    """

    data: Path
    sources: tuple[Path, ...]
    passage_words: int
    replace: bool = False


@dataclass(frozen=True)
class Unreadable:
    """A document that could not be read, and why."""

    file: str
    reason: str


@dataclass(frozen=True)
class DocumentsAdded(Event):
    """The passages are written.

    Attributes:
        documents: how many were read.
        passages: into how many pieces they were cut.
        words: in all of them.
        new: passages that were not there before.
        gone: passages that were there before and no longer are.
        all_passages: in the project now.
        unreadable: documents that could not be read; passages they had before are kept.
        unsupported: files of other kinds.
    """

    documents: int
    passages: int
    words: int
    new: int
    gone: int
    all_passages: int
    unreadable: tuple[Unreadable, ...]
    unsupported: tuple[str, ...]


def plan_documents(project: Project, sources: Sequence[Path], *, replace: bool = False) -> DocumentsPlan:
    """The plan to add `sources` to `project`; with `replace` they take the place of all documents there are."""
    return DocumentsPlan(project.data, tuple(sources), project.choices.dataset.passage_words, replace)


def add_documents(plan: DocumentsPlan, *, emit: Emit, stop: StopToken) -> DocumentsAdded:
    """Cut the documents of `plan` into passages and keep them.

    They take the place of those that the same files and folders gave before; passages of other documents stay. What a
    document that cannot be read gave before stays too.

    Raises:
        DatasetError: there is no such file, or no document in it.
        StorageError: the disk is full or not writable; the passages are as they were.
        Stopped: asked to; the passages are as they were.
    """
    try:
        return _add(plan, emit, stop)
    except Stopped:
        raise Stopped(_("stopped; nothing was imported")) from None


def _add(plan: DocumentsPlan, emit: Emit, stop: StopToken) -> DocumentsAdded:
    found = find_all(plan.sources, emit=ignore_event, stop=stop)
    pace = Pace(_("Documents"), len(found.documents), _("documents"), emit)
    read: list[Passage] = []
    unreadable = [Unreadable(name, reason) for name, reason in found.closed]
    unread: set[Path] = set()
    for folder, name in found.documents:
        stop.check()
        try:
            read += passages_of(folder, name, plan.passage_words)
        except TunerError as error:
            unreadable.append(Unreadable(_writable(name), ". ".join(filter(None, (error.what, error.advice)))))
            unread.add(folder / name)
        pace.advance(detail=name)
    before = read_passages(plan.data, emit)
    kept = [passage for passage in before if passage.path in unread or not _replaced(passage, plan)]
    write_passages(plan.data, [*kept, *read])
    pace.finish()
    added = _added(before, kept, read, len(found.documents) - len(unread), unreadable, found)
    emit(added)
    return added


def find_all(sources: Sequence[Path], *, emit: Emit, stop: StopToken) -> Found:
    """The documents in all of `sources`, each once. Emits `StageProgress`.

    Raises:
        DatasetError: one of them does not exist, or there is no document in any.
        Stopped: asked to.
    """
    found = Found()
    pace = Pace(_("Looking"), None, _("files"), emit)

    def passed() -> None:
        pace.done += 1
        if pace.done % LOOK_EVERY == 0:
            stop.check()
            pace.reach(pace.done)

    for source in sources:
        stop.check()
        one = find_documents(source, passed)
        found.documents += one.documents
        found.unsupported += one.unsupported
        found.closed += one.closed
    found.documents, found.unsupported = list(dict.fromkeys(found.documents)), list(dict.fromkeys(found.unsupported))
    pace.reach(pace.done)
    pace.finish()
    if not found.documents:
        raise DatasetError(
            _("there are no documents here"),
            where=", ".join(map(os.fspath, sources)),
            advice=_("Markdown, text, HTML and PDF can be read: {endings}.", endings=" ".join(sorted(ENDINGS))),
        )
    return found


def passages_of(folder: Path, name: str, longest: int) -> list[Passage]:
    """The passages of the document `name` in `folder`.

    Raises:
        DatasetError: it cannot be read; says why.
        StorageError: it may not be read.
    """
    return [_passage(piece, folder, name) for piece in cut(read_document(folder / name), longest)]


def _passage(piece: Piece, folder: Path, name: str) -> Passage:
    heading = " > ".join(piece.heading)
    text = piece.text
    return Passage(
        passage_id(text), _writable(name), _writable(os.fspath(folder)), heading, piece.line, text, count_words(text)
    )


def _writable(name: str) -> str:
    """A file's name as it can be written into a file: one that is not in UTF-8 has halves of characters."""
    return os.fsencode(name).decode("utf-8", "replace")


def _replaced(passage: Passage, plan: DocumentsPlan) -> bool:
    """Whether what was read now takes the place of `passage`."""
    roots = (os.path.abspath(source) for source in plan.sources)  # noqa: PTH100 - as they were found
    return plan.replace or any(passage.path.is_relative_to(root) for root in roots)


def _added(
    before: Sequence[Passage],
    kept: Sequence[Passage],
    read: Sequence[Passage],
    documents: int,
    unreadable: Sequence[Unreadable],
    found: Found,
) -> DocumentsAdded:
    old, now = ({passage.id for passage in passages} for passages in (before, [*kept, *read]))
    return DocumentsAdded(
        documents=documents,
        passages=len(read),
        words=sum(passage.words for passage in read),
        new=len(now - old),
        gone=len(old - now),
        all_passages=len(kept) + len(read),
        unreadable=tuple(unreadable),
        unsupported=tuple(map(_writable, found.unsupported)),
    )
