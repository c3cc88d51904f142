"""What runs in the process that downloads a repository (`hub` starts it).

It answers in lines of JSON on stdout: first `total`, `cached` (bytes of the files wanted and of those already here) and
`blobs` (the folder that will grow) with its size `before`; at the end `folder`, or `failure` (gated, missing, offline,
disk or other) with a `text`.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sys
from pathlib import Path
from typing import Any

BLOCK = 512  # bytes; what POSIX counts `st_blocks` in


def main(repository: str, patterns: list[str]) -> int:
    """Download `repository` and say so on stdout; return the exit code."""
    # The growth of the cache is watched from outside; bars would only fill the log.
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    try:
        from huggingface_hub import snapshot_download

        _plan(repository, patterns)
        _say(folder=snapshot_download(repository, allow_patterns=patterns))
    except Exception as error:
        _say(failure=failure_kind(error), text=f"{type(error).__name__}: {error}")
        return 1
    return 0


def _plan(repository: str, patterns: list[str]) -> None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.constants import HF_HUB_CACHE

    files: list[Any] = snapshot_download(repository, allow_patterns=patterns, dry_run=True)
    blobs = Path(HF_HUB_CACHE, f"models--{repository.replace('/', '--')}", "blobs")
    _say(
        total=sum(file.file_size or 0 for file in files),
        cached=sum(file.file_size or 0 for file in files if file.is_cached),
        blobs=str(blobs),
        before=folder_size(blobs),
    )


def folder_size(folder: Path) -> int:
    """Bytes the files in `folder` hold; 0 where it does not exist."""
    total = 0
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            with contextlib.suppress(OSError):  # renamed between the listing and the look
                status = path.stat()
                # A part may be written out of order: what is allocated counts, not where its last byte lies.
                total += min(status.st_size, status.st_blocks * BLOCK)
    return total


def _say(**words: object) -> None:
    sys.stdout.write("\n" + json.dumps(words) + "\n")
    sys.stdout.flush()


def failure_kind(error: BaseException | None) -> str:
    """What a failure of the hub's library means: gated, missing, offline, disk or other."""
    from huggingface_hub import errors

    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__  # a dry run wraps what really happened
    for one in chain:
        if isinstance(one, errors.GatedRepoError):  # before "missing", whose subclass it is
            return "gated"
        if isinstance(one, errors.RepositoryNotFoundError | errors.RevisionNotFoundError):
            return "missing"
        if isinstance(one, OSError) and one.errno in (errno.ENOSPC, errno.EDQUOT):
            return "disk"
    offline = (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled, ConnectionError, TimeoutError)
    names = {type(one).__name__ for one in chain}
    if any(isinstance(one, offline) for one in chain) or names & {"ConnectError", "ConnectTimeout", "ProxyError"}:
        return "offline"
    return "other"
