"""What runs in the process that downloads a repository (`hub` starts it).

It answers in lines of JSON on stdout: first `total` and `cached` (bytes of the files wanted and of those already here)
and `files` (`name`, `size`, `blob` and `part` of those still to come, whose growth is watched from outside); then
`remark` (a file's name, and `again` or `checking`) when there is one; at the end `folder`, or `failure` with what is
known of it.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tui_tuner.models.hub_transfer import Damaged, HubFile, NoRoom, fetch_file, patiently, require_room

AT_ONCE = 4  # files
ASKED_AT_ONCE = 8
ORPHAN_LOOK = 0.5  # seconds between two looks whether our parent still lives


def main(repository: str, patterns: list[str]) -> int:
    """Download `repository` and say so on stdout; return the exit code."""
    # The growth of the files is watched from outside; bars would only fill the log.
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    end_with_parent()
    try:
        from huggingface_hub import snapshot_download

        _fetch(_plan(repository, patterns))
        # Everything is in the cache by now: this puts the names in place, the way the library's version has it.
        say(folder=patiently(lambda: snapshot_download(repository, allow_patterns=patterns)))
    except Exception as error:
        say(failure=failure_kind(error), text=without_secrets(error), token=has_token(), **_details(error))
        return 1
    return 0


def end_with_parent() -> None:
    """A killed parent cannot end us: nobody would know of this download any more."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(ORPHAN_LOOK)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def _plan(repository: str, patterns: list[str]) -> list[HubFile]:
    """The files still to be fetched, largest first."""
    from huggingface_hub import HfApi, try_to_load_from_cache

    info = patiently(lambda: HfApi().model_info(repository, files_metadata=True))
    listed = [one for one in info.siblings or [] if any(fnmatch.fnmatch(one.rfilename, glob) for glob in patterns)]
    here = [
        one for one in listed if isinstance(try_to_load_from_cache(repository, one.rfilename, revision=info.sha), str)
    ]
    missing = [one for one in listed if one not in here]
    with ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
        files = list(pool.map(lambda one: HubFile.of(repository, str(info.sha), one), missing))
    cached = sum(one.size or 0 for one in here) + sum(file.size for file in files if file.blob.exists())
    files = sorted((file for file in files if not file.blob.exists()), key=lambda file: -file.size)
    say(total=cached + sum(file.size for file in files), cached=cached, files=[file.as_json() for file in files])
    require_room(files)
    return files


def _fetch(files: list[HubFile]) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        jobs = [pool.submit(fetch_file, file, lambda name, state: say(remark=[name, state])) for file in files]
        try:
            for job in jobs:
                job.result()
        except BaseException:
            for job in jobs:
                job.cancel()
            raise


def say(**words: object) -> None:
    """Tell whoever started this process."""
    sys.stdout.write("\n" + json.dumps(words) + "\n")
    sys.stdout.flush()


def without_secrets(error: BaseException) -> str:
    """What an error says, without what an address may carry: a password, or a signature that opens a file."""
    text = f"{type(error).__name__}: {error}"
    return re.sub(r"(https?://)(?:[^/\s@]*@)?([^\s?'\"]*)(\?[^\s'\"]*)?", r"\1\2", text)


def has_token() -> bool:
    """Whether one was sent; which one is nobody's business."""
    from huggingface_hub import get_token

    return bool(get_token())


def _details(error: BaseException) -> dict[str, object]:
    if isinstance(error, Damaged):
        return {"file": str(error)}
    return {"needed": error.needed, "free": error.free, "place": error.place} if isinstance(error, NoRoom) else {}


def _kind_of_status(status: int) -> str:
    if status == 401 and not has_token():
        return "missing"  # so it hides private ones too
    if status in (401, 403):
        return "refused"
    return "busy" if status == 429 or status >= 500 else "other"


def failure_kind(error: BaseException | None) -> str:
    """What a failure of the hub's library means.

    Returns:
        gated, missing, refused (the token, or what it may do), by_choice (offline), offline, busy, damaged, room, disk,
        or other.
    """
    import errno

    from huggingface_hub import errors

    from tui_tuner.models.hub_transfer import status_of

    chain: list[Any] = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__
    for one in chain:
        if isinstance(one, errors.GatedRepoError):  # before "missing", whose subclass it is
            return "gated"
        if isinstance(one, errors.RepositoryNotFoundError | errors.RevisionNotFoundError):
            return "missing"
        if isinstance(one, NoRoom | Damaged):
            return "room" if isinstance(one, NoRoom) else "damaged"
        if isinstance(one, errors.OfflineModeIsEnabled):
            return "by_choice"
        if isinstance(one, OSError) and one.errno in (errno.ENOSPC, errno.EDQUOT):
            return "disk"
        if (status := status_of(one)) is not None:
            return _kind_of_status(status)
    unreachable = (errors.LocalEntryNotFoundError, ConnectionError, TimeoutError)
    names = {kind.__name__ for one in chain for kind in type(one).__mro__}
    return "offline" if any(isinstance(one, unreachable) for one in chain) or "TransportError" in names else "other"
