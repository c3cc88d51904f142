"""Which documents a folder holds."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tui_tuner.errors import DatasetError
from tui_tuner.language import _

MARKDOWN = frozenset((".md", ".markdown", ".mdown", ".mkd", ".mdx"))
PLAIN = frozenset((".txt", ".text", ".rst", ".adoc", ".org"))
HTML = frozenset((".html", ".htm", ".xhtml"))
PDF = frozenset((".pdf",))
ENDINGS = MARKDOWN | PLAIN | HTML | PDF
# What others wrote and put beside one's own documents.
_SKIPPED = frozenset(("node_modules", "__pycache__"))


@dataclass
class Found:
    """What was found.

    Attributes:
        documents: each one's folder and, from there, its path, in a stable order.
        unsupported: files of other kinds.
        closed: folders that may not be looked into, with the reason.
    """

    documents: list[tuple[Path, str]] = field(default_factory=list)
    unsupported: list[str] = field(default_factory=list)
    closed: list[tuple[str, str]] = field(default_factory=list)


def find_documents(source: Path, passed: Callable[[], None] = lambda: None) -> Found:
    """The documents in `source`, a folder or one file; hidden files and folders are passed over.

    Args:
        source: where to look.
        passed: called at every file; what it raises ends the search.

    Raises:
        DatasetError: there is nothing of that name, or it is a file of another kind.
    """
    source = Path(os.path.abspath(source))  # noqa: PTH100 - links stay links, as the person named them
    found = Found()
    if source.is_dir():
        for folder, name in _files(source, found):
            passed()
            path = os.path.relpath(Path(folder, name), source.parent)
            if Path(name).suffix.lower() in ENDINGS:
                found.documents.append((source.parent, path))
            else:
                found.unsupported.append(path)
    elif not source.exists():
        raise DatasetError(_("there is no such file or folder"), where=os.fspath(source))
    elif source.suffix.lower() not in ENDINGS:
        raise DatasetError(
            _("documents of this kind cannot be read"),
            where=os.fspath(source),
            advice=_("Markdown, text, HTML and PDF can: {endings}.", endings=" ".join(sorted(ENDINGS))),
        )
    else:
        found.documents.append((source.parent, source.name))
    return found


def _files(source: Path, found: Found) -> Iterator[tuple[str, str]]:
    """Every file, folder by folder; a folder that links lead to again is looked into once."""

    def closed(error: OSError) -> None:
        found.closed.append((os.path.relpath(error.filename, source.parent), error.strerror or str(error)))

    seen: set[tuple[int, int]] = set()
    for folder, folders, files in os.walk(source, onerror=closed, followlinks=True):
        state = os.stat(folder)  # noqa: PTH116 - os.walk gives texts
        if (state.st_dev, state.st_ino) in seen:
            folders.clear()
            continue
        seen.add((state.st_dev, state.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _SKIPPED)
        yield from ((folder, name) for name in sorted(files) if not name.startswith("."))
