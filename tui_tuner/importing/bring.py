"""Bringing rows into a project: every good one, once, and a list of those that cannot be used.

An import is in the project wholly or not at all: it is written beside and takes its place at the end.
"""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from tui_tuner.dataset.examples import SEED, Example
from tui_tuner.dataset.plan import IMPORTED, SEEDS
from tui_tuner.dataset.review import identity
from tui_tuner.errors import DatasetError, Stopped
from tui_tuner.files import read_json_lines, replacing
from tui_tuner.importing.events import FileImported, ImportEnded, RowRefused
from tui_tuner.importing.looking import Sighting, converted
from tui_tuner.importing.opening import open_source, reading
from tui_tuner.importing.rows import BadRow, Source
from tui_tuner.language import _
from tui_tuner.progress import Emit, Pace, StopToken

PROBLEMS = "import_problems.jsonl"
TOLD = 10  # bad rows of a file that are told one by one
LOOK_EVERY = 500  # rows between two looks at the stop token


@dataclass(frozen=True)
class ImportPlan:
    """What to import.

    Attributes:
        data: the project's folder of data.
        files: what was seen in each file, and how its rows are read.
        replace: start over instead of adding.
        target: the file in `data` that takes the conversations.
    """

    data: Path
    files: tuple[Sighting, ...]
    replace: bool = False
    target: str = IMPORTED


@dataclass(frozen=True)
class ImportReport:
    """What came of it: each file's counts, and the whole."""

    files: tuple[FileImported, ...]
    ended: ImportEnded


def import_rows(plan: ImportPlan, *, emit: Emit, stop: StopToken) -> ImportReport:
    """Read every file of `plan` and keep its conversations.

    Conversations that are there already are not kept twice, whichever file they are from.

    Emits `StageProgress` and `RowRefused` for each file, then `FileImported`, and `ImportEnded` at the end.

    Raises:
        DatasetError: a file cannot be read, or nobody said which column is which; nothing was imported.
        StorageError: the disk is full or not writable; nothing was imported.
        Stopped: asked to; nothing was imported.
    """
    for sighting in plan.files:
        if not sighting.shape.complete:
            raise DatasetError(
                _("nobody can tell which column is the question and which the answer"),
                where=str(sighting.path),
                advice=_(
                    "Say it: --map user=COLUMN --map assistant=COLUMN. Columns: {names}.",
                    names=", ".join(sighting.columns) or "-",
                ),
            )
    try:
        return _import(plan, emit, stop)
    except Stopped:
        raise Stopped(_("stopped; nothing was imported")) from None


def _import(plan: ImportPlan, emit: Emit, stop: StopToken) -> ImportReport:
    path, listed = plan.data / plan.target, plan.data / PROBLEMS
    with contextlib.ExitStack() as stack:
        out = stack.enter_context(replacing(path))
        known = set() if plan.replace else _copy(path, out)
        problems = stack.enter_context(replacing(listed))
        other = 0 if plan.replace else _copy_other_problems(listed, plan, problems)
        told = tuple(_Import(plan, sighting, known, out, problems, emit, stop).run() for sighting in plan.files)
        stop.check()
    there = bool(other or any(file.bad for file in told))
    if not there:
        listed.unlink(missing_ok=True)
    ended = ImportEnded(sum(file.kept for file in told), len(known), path, listed if there else None)
    emit(ended)
    return ImportReport(told, ended)


def _copy(path: Path, out: BinaryIO) -> set[str]:
    """Copy what is there, and tell by which names it is known; lines that are no examples stay as they are."""
    known: set[str] = set()
    if path.exists():
        with path.open("rb") as file:
            for line in file:
                out.write(line if line.endswith(b"\n") else line + b"\n")
                with contextlib.suppress(ValueError):
                    known.add(identity(Example.from_row(json.loads(line), "")))
    return known


def _copy_other_problems(path: Path, plan: ImportPlan, out: BinaryIO) -> int:
    """Keep what earlier imports of other files said; return how many."""
    names = {str(sighting.path) for sighting in plan.files}
    rows, _bad = read_json_lines(path)
    others = [row for row in rows if isinstance(row, dict) and row.get("file") not in names]
    for row in others:
        _write(out, row)
    return len(others)


def _write(out: BinaryIO, row: Any) -> None:
    out.write(json.dumps(row, ensure_ascii=False).encode("utf-8", "replace") + b"\n")


class _Import:
    """One file's way into the project."""

    def __init__(
        self,
        plan: ImportPlan,
        sighting: Sighting,
        known: set[str],
        out: BinaryIO,
        problems: BinaryIO,
        emit: Emit,
        stop: StopToken,
    ) -> None:
        # A person answers for the models of style, whatever file they were in.
        self._source = SEED if plan.target == SEEDS else ""
        self._sighting, self._known, self._out, self._problems = sighting, known, out, problems
        self._emit, self._stop = emit, stop
        self._reasons: Counter[str] = Counter()
        self._rows = self._kept = self._repeated = self._cut = 0

    def run(self) -> FileImported:
        """Read the file to its end."""
        seen = self._sighting
        with open_source(seen.path, seen.table) as source:
            pace = Pace(_("Importing"), seen.rows or None, _("rows"), self._emit)
            self._read(source, pace)
            pace.total = self._rows
            pace.reach(self._rows)
            pace.finish(seen.path.name)
        told = FileImported(
            seen.path.name,
            self._rows,
            self._kept,
            self._repeated,
            self._reasons.total(),
            dict(self._reasons.most_common()),
            self._cut,
        )
        self._emit(told)
        return told

    def _read(self, source: Source, pace: Pace) -> None:
        seen = self._sighting
        # Only reading has the file's own errors: a full disk is told by who writes.
        rows = source.rows()
        while True:
            with reading(seen.path):
                row = next(rows, None)
            if row is None:
                return
            if self._rows % LOOK_EVERY == 0:
                self._stop.check()
                if not seen.exact and self._rows and source.position:
                    pace.total = round(self._rows * source.size / source.position)
                pace.reach(self._rows, seen.path.name)
            self._rows += 1
            read = converted(row, seen.shape)
            if isinstance(read, BadRow):
                self._refuse(read)
                continue
            self._cut += read.cut
            self._keep(Example(read.messages, self._source or f"{seen.path.name}:{row.place}"))

    def _keep(self, example: Example) -> None:
        name = identity(example)
        if name in self._known:
            self._repeated += 1
            return
        self._known.add(name)
        self._kept += 1
        _write(self._out, {**example.as_row(), "source": example.source})

    def _refuse(self, bad: BadRow) -> None:
        seen = self._sighting
        self._reasons[bad.reason] += 1
        place = {"file": str(seen.path), seen.places: bad.place}
        _write(self._problems, {**place, "reason": bad.reason, "detail": bad.detail})
        if self._reasons.total() <= TOLD:
            self._emit(RowRefused(seen.path.name, bad.place, bad.reason, bad.detail))
