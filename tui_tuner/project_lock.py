"""Who works on a project: one process at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator

from tui_tuner.errors import ProjectLocked, storage_error
from tui_tuner.files import storage_errors
from tui_tuner.language import _
from tui_tuner.project import Project


@contextlib.contextmanager
def project_lock(project: Project) -> Iterator[None]:
    """Hold the project for this process. A dead process holds nothing: the system releases its lock.

    Raises:
        ProjectLocked: another process works on it; names its process id.
        StorageError: the folder cannot be written.
    """
    path = project.folder / ".lock"
    with storage_errors(path):
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(handle, 32, 0).decode(errors="replace").strip()
            raise ProjectLocked(
                _("another tuner works on this project (process {holder})", holder=holder or "?"),
                where=str(project.folder),
                advice=_("Wait for it to end, or stop it, then try again."),
            ) from None
        except OSError as error:
            raise storage_error(error, str(path)) from error
        with contextlib.suppress(OSError):  # the number is a courtesy; the lock holds without it
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)


def is_worked_on(project: Project) -> bool:
    """Whether a process works on the project just now, this one included. Any doubt means no."""
    try:
        handle = os.open(project.folder / ".lock", os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(handle)
    return False
