"""One process at a time makes a folder of the cache, which all projects on this machine share."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from tui_tuner.files import storage_errors
from tui_tuner.progress import Emit, Notice, StopToken

LOOK_EVERY = 0.5  # seconds between two tries for the lock


@contextlib.contextmanager
def only_one(folder: Path, waiting: str, *, emit: Emit, stop: StopToken) -> Iterator[None]:
    """Hold a lock that a dead process does not hold; wait while another process makes the same folder.

    Args:
        folder: what is made; the lock is beside it.
        waiting: what is said where another one makes it.
        emit: hears it.
        stop: asked while waiting.

    Raises:
        StorageError: the place is not writable.
        Stopped: asked to.
    """
    with storage_errors(folder.parent):
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = (folder.parent / f"{folder.name}.lock").open("a")
    with lock:
        told = False
        while not _try_lock(lock.fileno(), folder.parent):
            if not told:
                emit(Notice(waiting))
                told = True
            stop.wait(LOOK_EVERY)
        yield


def _try_lock(handle: int, folder: Path) -> bool:
    with storage_errors(folder):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
