"""What a folder of documents would give: seen before anything is added."""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath

from tui_tuner.documents.adding import DocumentsPlan, find_all, passages_of
from tui_tuner.documents.passages import Passage
from tui_tuner.errors import TunerError
from tui_tuner.progress import Emit, StopToken

MOST_READ = 20  # documents tried for the first passages
SHOWN = 5  # passages


@dataclass(frozen=True)
class DocumentsSeen:
    """What was found.

    Attributes:
        plan: what was looked at.
        documents: how many there are to be read.
        endings: how many there are of each ending, the commonest first.
        unsupported: files of other kinds.
        closed: folders that may not be looked into.
        first: the first passages.
    """

    plan: DocumentsPlan
    documents: int
    endings: dict[str, int]
    unsupported: tuple[str, ...]
    closed: tuple[str, ...]
    first: tuple[Passage, ...]


def look_at_documents(plan: DocumentsPlan, *, emit: Emit, stop: StopToken) -> DocumentsSeen:
    """Find the documents of `plan`, and read the first ones. Emits `StageProgress`.

    Raises:
        DatasetError: there is no such file, or no document in it.
        Stopped: asked to.
    """
    found = find_all(plan.sources, emit=emit, stop=stop)
    endings = Counter(PurePath(name).suffix.lower() for _folder, name in found.documents)

    def passages() -> Iterator[Passage]:
        for folder, name in found.documents[:MOST_READ]:
            stop.check()
            with contextlib.suppress(TunerError):  # adding them says which could not be read
                yield from passages_of(folder, name, plan.passage_words)

    return DocumentsSeen(
        plan,
        len(found.documents),
        dict(endings.most_common()),
        tuple(found.unsupported),
        tuple(name for name, _reason in found.closed),
        tuple(itertools.islice(passages(), SHOWN)),
    )
