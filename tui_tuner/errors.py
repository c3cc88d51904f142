"""The one tree of errors a person can act on.

    TunerError                    what happened, where, what to do next
    ├── UsageError                a wrong argument (exit code 2)
    ├── ConfigurationError        a mistake in a TOML file: file, line, what was expected (exit code 2)
    ├── ProjectError              no project here, of a newer version, not writable
    │   └── ProjectLocked         another process works on it
    ├── StorageError              disk full, folder read-only, file gone
    ├── ModelError                a model is missing, incomplete or cannot be loaded
    ├── TeacherError              the server or model that writes the data
    │   ├── TeacherUnavailable    passes: worth another try (503, reset, time-out)
    │   │   ├── ServerAway        nobody listens there now (teachers/server_errors.py)
    │   │   │   └── ServerBusy    its queue is full (teachers/server_errors.py)
    │   │   ├── Unfinished        an answer that ended early (teachers/server_errors.py)
    │   │   └── FailedMidway      an error amid an answer (teachers/server_errors.py)
    │   └── TeacherRefused        does not pass: 400, 404, an unknown model
    │       ├── EmptyAnswer       nothing at all (teachers/server_errors.py)
    │       └── TooLong           does not fit into the model's context (teachers/server_errors.py)
    ├── DatasetError              no usable examples, an unreadable file
    ├── TrainingError             cannot start, cannot go on
    ├── ExportError               fusing or exporting failed
    │   └── NameTaken             there is something of that name already (export/ollama_export.py)
    ├── ContextFull               a conversation fills the model's context (chat/context.py)
    ├── EngineBusy                the MLX thread has another heavy job
    └── Stopped                   not a failure: the person asked, everything done is kept (exit code 130)

Anything else that escapes is a defect of ours: it is written with its traceback to the log file, never to the screen.
"""

from __future__ import annotations

import errno

from tui_tuner.language import _


class TunerError(Exception):
    """Something a person can act on.

    Args:
        what: what happened, one sentence.
        where: file (with line), server or model it happened with; may be empty.
        advice: what to do next, one sentence; a command to copy where there is one.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", advice: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.advice = advice

    def __str__(self) -> str:
        first = f"{self.where}: {self.what}" if self.where else self.what
        return f"{first}\n{self.advice}" if self.advice else first


class UsageError(TunerError):
    """A wrong argument on the command line."""

    exit_code = 2


class ConfigurationError(TunerError):
    """A mistake in a TOML file or in a `--set`."""

    exit_code = 2


class ProjectError(TunerError):
    """The project folder cannot be used."""


class ProjectLocked(ProjectError):
    """Another live process works on the project."""


class StorageError(TunerError):
    """A file could not be read or written."""


class ModelError(TunerError):
    """A model is missing, incomplete or cannot be loaded."""


class TeacherError(TunerError):
    """Whoever writes the data failed."""


class TeacherUnavailable(TeacherError):
    """The teacher may answer later: worth another try."""


class TeacherRefused(TeacherError):
    """The teacher will not answer this, however often it is asked."""


class DatasetError(TunerError):
    """The dataset cannot be made or used."""


class TrainingError(TunerError):
    """Training cannot start or cannot go on."""


class ExportError(TunerError):
    """The tuned model could not be fused or exported."""


class EngineBusy(TunerError):
    """The MLX thread is doing another heavy job."""


class Stopped(TunerError):
    """The person asked to stop; everything done so far is kept."""

    exit_code = 130


def storage_error(error: OSError, where: str) -> StorageError:
    """Say what an `OSError` at `where` means for the person and what to do."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageError(
            _("the disk is full"), where=where, advice=_("Free some space, then start again: it continues.")
        )
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return StorageError(
            _("this place is not writable"), where=where, advice=_("Choose another folder or change its permissions.")
        )
    return StorageError(error.strerror or str(error), where=where, advice=_("Check the path and try again."))
