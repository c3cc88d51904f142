"""What happened in a run, on its way to whoever watches and, line by line, into `metrics.jsonl`.

Lines reach the operating system at once, so that another process may watch, and the disk with every checkpoint. A
checkpoint remembers how long the file was: going on from it cuts the file there, and the history has no seam.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from tui_tuner.errors import StorageError
from tui_tuner.files import storage_errors
from tui_tuner.journal import Journal
from tui_tuner.progress import Emit, Event, StageProgress
from tui_tuner.training.run_tail import METRICS


class RunRecord:
    """Keeps a run's events and passes them on.

    Args:
        run: the run's folder.
        emit: who watches.
        keep: how many bytes of an earlier session's `metrics.jsonl` stay.

    Raises:
        StorageError: the file cannot be written.
    """

    def __init__(self, run: Path, emit: Emit, *, keep: int = 0) -> None:
        self._path, self._emit = run / METRICS, emit
        with storage_errors(self._path):
            if self._path.exists() and self._path.stat().st_size > keep:
                os.truncate(self._path, keep)
        self._journal = Journal(self._path)

    def tell(self, event: Event, *, flush_to_disk: bool = False) -> None:
        """Keep `event` and pass it on. How far a passing stage is, is passed on only.

        Raises:
            StorageError: the disk is full.
        """
        if not isinstance(event, StageProgress):
            self._append(event, flush_to_disk=flush_to_disk)
        self._emit(event)

    def _append(self, event: Event, *, flush_to_disk: bool) -> None:
        self._journal.append({"time": time.time(), **event.as_json()}, flush_to_disk=flush_to_disk)

    @contextlib.contextmanager
    def kept_if_done(self, event: Event) -> Iterator[int]:
        """Keep `event`, on the disk, then do the block; if that fails the event is taken back.

        Yields:
            The file's length in bytes with the event in it.
        """
        before = self._path.stat().st_size
        self._append(event, flush_to_disk=True)
        try:
            yield self._path.stat().st_size
        except BaseException:
            with contextlib.suppress(OSError):
                os.truncate(self._path, before)
            raise
        self._emit(event)

    def tell_the_end(self, event: Event) -> None:
        """Keep the last event if that is still possible, and pass it on in any case."""
        with contextlib.suppress(StorageError):
            self._append(event, flush_to_disk=True)
        self._emit(event)

    def close(self) -> None:
        """Close the file."""
        self._journal.close()
