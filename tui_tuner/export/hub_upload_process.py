"""The process in which an upload to the hub runs; it speaks to whoever started it in lines of JSON.

`sent`: bytes the hub has by now; `at`: the file in work; `listed`: the repository's files with their sizes, at the end;
otherwise `failure`, `text` and `token` (whether there is one).
"""

from __future__ import annotations

import io
import json
import os
import time
from pathlib import Path
from typing import Any

from tui_tuner.models.hub_download import end_with_parent, failure_kind, has_token, say, without_secrets

SECONDS_BETWEEN_WORDS = 0.2


class Public(Exception):
    """The repository is public, and a private one was wanted."""


class Counted(io.BufferedReader):
    """A file that tells how far it was read."""

    def __init__(self, path: str, before: int, name: str) -> None:
        super().__init__(io.FileIO(path))
        self._before, self._name, self._last = before, name, 0.0

    def read(self, size: int | None = -1, /) -> bytes:
        """As any file; says now and then where it is."""
        found = super().read(size)
        now = time.monotonic()
        if now - self._last > SECONDS_BETWEEN_WORDS:
            self._last = now
            say(sent=self._before + self.tell(), at=self._name)
        return found


def main(order: str) -> int:
    """Upload what the file `order` says."""
    # The newer way of sending goes around the proxies and mirrors the hub's settings name.
    os.environ.setdefault("HF_HUB_DISABLE_XET", "1")
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    end_with_parent()
    try:
        upload(json.loads(Path(order).read_bytes()))
    except Public:
        say(failure="public")
        return 1
    except Exception as error:
        say(failure=failure_kind(error), text=_story(error), token=has_token())
        return 1
    return 0


def _story(error: BaseException | None) -> str:
    """What went wrong, and below it what was behind that: the hub's own words are often there alone."""
    lines = []
    while error is not None:
        lines.append(without_secrets(error))
        error = error.__cause__
    return "\n".join(lines)


def upload(order: dict[str, Any]) -> None:
    """Send file by file what the hub does not have, commit, and list what is there."""
    from huggingface_hub import CommitOperationAdd, HfApi

    api, repository = HfApi(), order["repository"]
    api.create_repo(repository, private=order["private"], exist_ok=True)
    if order["private"] and not api.model_info(repository).private:
        raise Public
    additions, sent = [], 0
    for file in order["files"]:
        size = Path(file["path"]).stat().st_size
        with Counted(file["path"], sent, file["name"]) as content:
            addition = CommitOperationAdd(file["name"], content)
            # One after the other: each that was sent whole stays there, whatever happens to the next.
            api.preupload_lfs_files(repository, [addition], num_threads=1, free_memory=False)
        addition.path_or_fileobj = file["path"]
        additions.append(addition)
        sent += size
        say(sent=sent, at=file["name"])
    api.create_commit(repository, additions, commit_message=order["message"])
    info = api.model_info(repository, files_metadata=True)
    say(listed={one.rfilename: one.size for one in info.siblings or []})
