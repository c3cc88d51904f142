"""Models of the Hugging Face hub: found in its cache on this machine, or downloaded into it.

The download runs in a process of its own (`hub_download`), because the hub's library cannot be asked to stop; its
progress is seen from how the files in the cache grow. What has arrived stays, also of a file half-way, and the next
start goes on from there.
"""

from __future__ import annotations

import contextlib
import dataclasses
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui_tuner.files import storage_errors
from tui_tuner.language import _, ngettext
from tui_tuner.models.hub_failures import failure
from tui_tuner.models.watched_process import run_watched, said_in
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Emit, Event, Pace, StageProgress, StopToken

MEGABYTE = 1_000_000
# Of the files mlx-lm asks for (`mlx_lm.utils.DEFAULT_ALLOW_PATTERNS`, which cannot be read without importing MLX) those
# that are not programs; and what says under which licence the model may be used and passed on.
WANTED = (
    *("*.json", "*.jsonl", "*.jinja", "*.txt"),
    *("README.md", "LICENSE*", "NOTICE*"),
    *("model*.safetensors", "tokenizer.model", "tiktoken.model", "*.tiktoken"),
)
CODE = ("*.py",)

PACKAGE_ROOT = Path(__file__).parents[2]
# Not `-m`: that would let a `random.py` in the person's folder stand in for Python's own.
CHILD = """
import sys
sys.path = [sys.argv[1], *filter(None, sys.path)]
from tui_tuner.models.hub_download import main
sys.exit(main(sys.argv[2], sys.argv[3:]))
"""


@dataclass(frozen=True)
class FileProgress:
    """How far one file of a download is, in MB."""

    name: str
    done: float
    total: float


@dataclass(frozen=True)
class DownloadProgress(StageProgress):
    """How far a download is.

    Attributes:
        files: those that are not there from an earlier start, the largest first.
    """

    files: tuple[FileProgress, ...] = ()


def patterns(*, code: bool) -> tuple[str, ...]:
    """Which files of a repository are wanted; `code` says whether its Python files are."""
    return (*WANTED, *CODE) if code else WANTED


def cached_snapshot(repository: str, *, code: bool = False) -> Path | None:
    """The newest snapshot of `repository` in the hub's cache; asks no network, and may be incomplete."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(repository, local_files_only=True, allow_patterns=list(patterns(code=code))))
    except (LocalEntryNotFoundError, HFValidationError):
        return None


def download_snapshot(repository: str, *, code: bool = False, emit: Emit, stop: StopToken) -> Path:
    """Download `repository` into the hub's cache and return the folder of its newest snapshot.

    Args:
        repository: its name on the hub.
        code: also its Python files, which nothing runs unless the person trusts this model.
        emit: hears of `DownloadProgress`.
        stop: asked several times a second.

    Raises:
        ModelError: gated, missing, private, unreachable or damaged; says which and what to do.
        StorageError: it does not fit on the disk, or the cache is not writable.
        Stopped: asked to; what has arrived stays in the cache, and the next call goes on from there.
    """
    with storage_errors(tempfile.gettempdir()), tempfile.TemporaryDirectory(prefix="tuner-hub-") as place:
        log = Path(place) / "download.log"
        growth = _Growth(repository, log, emit)
        command = [sys.executable, "-c", CHILD, str(PACKAGE_ROOT), repository, *patterns(code=code)]
        run_watched(command, log=log, stop=stop, look=growth.look)
        answer = said_in(log)
        if "folder" not in answer:
            raise failure(repository, answer, log.read_text(errors="replace"))
        growth.end()
    return Path(answer["folder"])


class _Growth:
    """Turns the growth of the hub's cache into progress, once the child has said how much there is to fetch."""

    def __init__(self, repository: str, log: Path, emit: Emit) -> None:
        self._stage, self._log, self._emit = _("Fetch {model}", model=repository), log, emit
        self._plan: dict[str, Any] = {}
        self._files: tuple[FileProgress, ...] = ()
        self._pace: Pace | None = None
        self._looks_without_growth = 0

    def look(self) -> None:
        answer = said_in(self._log)
        if "total" not in answer:
            return
        self._plan = answer
        self._files = tuple(_progress_of(file) for file in answer["files"])
        done = answer["cached"] / MEGABYTE + sum(file.done for file in self._files)
        if self._pace is None:
            # What an earlier start left is no speed of this one.
            self._pace = Pace(self._stage, answer["total"] / MEGABYTE, "MB", self._tell, done=done)
        else:
            grows = done > self._pace.done
            self._looks_without_growth = 0 if grows else self._looks_without_growth + 1
            self._pace.reach(min(done, answer["total"] / MEGABYTE), self._detail())

    def end(self) -> None:
        if self._pace is not None:
            self._pace.reach(self._plan["total"] / MEGABYTE)
            self._pace.finish()

    def _detail(self) -> str:
        name, state = self._plan.get("remark", ("", ""))
        under_way = [file for file in self._files if 0 < file.done < file.total]
        if state == "checking" and not under_way:
            return _("checking {name}", name=one_line(name, 60))
        if state == "again" and self._looks_without_growth > 2:
            return _("the connection broke, trying again: {name}", name=one_line(name, 60))
        whole = sum(file.done >= file.total for file in self._files)
        words = [
            ngettext(
                "{done} of {all} file", "{done} of {all} files", len(self._files), done=whole, all=len(self._files)
            )
        ]
        words += [f"{one_line(file.name, 44)} {file.done / file.total:.0%}" for file in under_way[:2]]
        return " · ".join(words)

    def _tell(self, event: Event) -> None:
        assert isinstance(event, StageProgress)
        plain = {field.name: getattr(event, field.name) for field in dataclasses.fields(StageProgress)}
        self._emit(DownloadProgress(**plain, files=self._files))


def _progress_of(file: dict[str, Any]) -> FileProgress:
    done = 0
    for path in (file["part"], file["blob"]):
        with contextlib.suppress(OSError):  # not begun, or renamed between two looks
            done = max(done, Path(path).stat().st_size)
    return FileProgress(file["name"], min(done, file["size"]) / MEGABYTE, file["size"] / MEGABYTE)
