"""One file of a repository, from the hub into its cache; goes on where an earlier process was killed.

The hub's own library names its half-done files at random, so that a killed download of some gigabytes begins anew. Here
a part has one name, and what the library would do afterwards, link it from the snapshot, is left to it. Runs in the
download's own process.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE = 4  # tries in a row that bring nothing
FIRST_WAIT, LONGEST_WAIT = 0.5, 8.0  # seconds before another try
ROOM = 64_000_000  # bytes, so that the disk is not left without one
BLOCK = 1 << 20

Remark = Callable[[str, str], None]


class Damaged(Exception):
    """What arrived is not what the hub lists, twice."""


class NoRoom(Exception):
    """The files do not fit on the disk.

    Args:
        needed: bytes still to come.
        free: bytes there are.
        place: the cache.
    """

    def __init__(self, needed: int, free: int, place: str) -> None:
        super().__init__(f"{needed} bytes to come, {free} free in {place}")
        self.needed, self.free, self.place = needed, free, place


@dataclass(frozen=True)
class HubFile:
    """A file to be fetched.

    Attributes:
        name: its path in the repository.
        size: bytes.
        url: where it is; the hub may send us on from there.
        sha256: of its content; empty where the hub does not list one, as for small files.
        blob: where the hub's cache keeps it once it is whole.
    """

    name: str
    size: int
    url: str
    sha256: str
    blob: Path

    @property
    def part(self) -> Path:
        """What has arrived so far."""
        return self.blob.with_name(f"{self.blob.name}.tuner.incomplete")

    @property
    def lock(self) -> Path:
        """The lock the hub's library takes for the same file."""
        repository = self.blob.parents[1]
        return repository.parent / ".locks" / repository.name / f"{self.blob.name}.lock"

    def as_json(self) -> dict[str, Any]:
        """What whoever watches needs."""
        return {"name": self.name, "size": self.size, "blob": str(self.blob), "part": str(self.part)}

    @classmethod
    def of(cls, repository: str, commit: str, listed: Any) -> HubFile:
        """The file the hub's API lists as `listed`, a `RepoSibling`, at `commit`; asks for its headers.

        Raises:
            Exception: whatever the hub's library raises where it may not be had.
        """
        from huggingface_hub import get_hf_file_metadata, hf_hub_url
        from huggingface_hub.constants import HF_HUB_CACHE
        from huggingface_hub.file_download import repo_folder_name

        url = hf_hub_url(repository, listed.rfilename, revision=commit)
        found = patiently(lambda: get_hf_file_metadata(url))
        size = found.size if found.size is not None else listed.size
        # A name that could leave the folder is none.
        if size is None or not re.fullmatch(r"\w[\w.-]*", found.etag or ""):
            raise ValueError(f"the hub tells neither size nor version of {listed.rfilename}")
        folder = Path(HF_HUB_CACHE) / repo_folder_name(repo_id=repository, repo_type="model")
        sha256 = str(getattr(listed.lfs, "sha256", "") or "") if listed.lfs else ""
        return cls(listed.rfilename, int(size), url, sha256, folder / "blobs" / str(found.etag))


def require_room(files: Sequence[HubFile]) -> None:
    """Check that what is still to come of `files` fits on the disk.

    Raises:
        NoRoom: it does not.
    """
    if not files:
        return
    place = files[0].blob.parent
    while not place.exists():
        place = place.parent
    needed, free = sum(file.size - min(_length(file.part), file.size) for file in files), shutil.disk_usage(place).free
    if needed and needed + ROOM > free:
        raise NoRoom(needed + ROOM, free, str(place))


def patiently(ask: Callable[[], Any]) -> Any:
    """What `ask` gives; asked again where trying again may help.

    Raises:
        Exception: whatever it raises in the end.
    """
    wait = FIRST_WAIT
    for _try in range(PATIENCE - 1):
        try:
            return ask()
        except Exception as error:
            if not passes(error):
                raise
        time.sleep(wait)
        wait = min(2 * wait, LONGEST_WAIT)
    return ask()


def fetch_file(file: HubFile, remark: Remark) -> None:
    """Bring `file` into the cache, from where its part ends.

    Args:
        file: which.
        remark: hears the file's name, and what takes time besides the transfer: `again`, `checking`.

    Raises:
        Damaged: twice another content than the hub lists.
        Exception: whatever the hub's library raises and trying again does not mend.
    """
    from huggingface_hub.utils import WeakFileLock

    for folder in (file.blob.parent, file.lock.parent):
        folder.mkdir(parents=True, exist_ok=True)
    with WeakFileLock(file.lock):
        for last_try in (False, True):
            if file.blob.exists():  # another process was quicker
                return
            _transfer(file, remark)
            if _is_whole(file, remark):
                break
            file.part.unlink(missing_ok=True)
            if last_try:
                raise Damaged(file.name)
        with file.part.open("rb") as part:
            os.fsync(part.fileno())
        file.part.replace(file.blob)


def _transfer(file: HubFile, remark: Remark) -> None:
    """Let the part grow to the file's size, or beyond; each try goes on where the one before ended."""
    tries, wait = PATIENCE, FIRST_WAIT
    while True:
        before = _length(file.part)
        if before > file.size:
            file.part.unlink()
            before = 0
        try:
            _get(file, before)
            return
        except Exception as error:
            now = _length(file.part)
            if now > file.size:
                return
            tries, wait = (PATIENCE, FIRST_WAIT) if now > before else (tries - 1, wait)
            if not passes(error):
                raise
            if not tries:
                if status_of(error) in (None, 416) and isinstance(error, OSError):  # it ends before its end
                    raise Damaged(file.name) from error
                raise
            remark(file.name, "again")
            time.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)


def _get(file: HubFile, begin: int) -> None:
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers

    with file.part.open("ab") as part:
        # Compressed on the way, a file could not be gone on with.
        headers = {**build_hf_headers(), "Accept-Encoding": "identity"}
        http_get(file.url, part, resume_size=begin, headers=headers, expected_size=file.size)


def passes(error: BaseException) -> bool:
    """Whether another try may go better: a connection that broke, a server that is busy, a file that ended early."""
    status = status_of(error)
    if status is not None:
        return status in (408, 416, 429) or status >= 500
    if any(kind.__name__ == "TransportError" for kind in type(error).__mro__):  # of httpx, in whichever edition
        return True
    by_choice = type(error).__name__ == "OfflineModeIsEnabled"
    return isinstance(error, OSError) and error.errno is None and not by_choice


def status_of(error: BaseException) -> int | None:
    """The HTTP status of a refusal; None where it is something else."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) else None


def _is_whole(file: HubFile, remark: Remark) -> bool:
    if _length(file.part) != file.size:
        return False
    if not file.sha256:
        return True
    remark(file.name, "checking")
    digest = hashlib.sha256()
    with file.part.open("rb") as part:
        while block := part.read(BLOCK):
            digest.update(block)
    return digest.hexdigest() == file.sha256


def _length(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
