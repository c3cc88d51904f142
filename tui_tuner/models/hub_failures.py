"""What it means for a person when a model cannot be had from the hub, and what to do next."""

from __future__ import annotations

import errno
import os
import re
from typing import Any

from tui_tuner import figures
from tui_tuner.errors import ModelError, StorageError, TunerError, storage_error
from tui_tuner.language import _
from tui_tuner.plain_text import one_line

LOG_IN = "hf auth login"


def hub_address(repository: str = "") -> str:
    """Where the hub, or a repository, is to be seen; without a password that `HF_ENDPOINT` may hold."""
    endpoint = os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
    return f"{re.sub('//[^/@]*@', '//', endpoint).rstrip('/')}/{repository}".rstrip("/")


def failure(repository: str, answer: dict[str, Any], log: str) -> TunerError:
    """The error to raise.

    Args:
        repository: which one was asked for.
        answer: what the download's process said: `failure`, `text`, `token` (whether there is one).
        log: everything it wrote, in case it ended without an answer.
    """
    kind, has_token = answer.get("failure", ""), bool(answer.get("token"))
    if kind == "disk":
        return storage_error(OSError(errno.ENOSPC, ""), repository)
    if kind == "room":
        return _no_room(repository, answer)
    if kind in ("gated", "missing", "refused"):
        what, advice = _not_allowed(kind, hub_address(repository), has_token)
    elif kind in ("by_choice", "offline", "busy"):
        what, advice = _out_of_reach(kind)
    elif kind == "damaged":
        what = _("{name} does not arrive as the hub lists it, twice", name=one_line(answer["file"], 60))
        advice = _("A proxy or a mirror may change it: try another connection, or another HF_ENDPOINT.")
    else:
        lines = [line for line in (answer.get("text") or log).splitlines() if line.strip()]
        what = _("the download failed: {reason}", reason=one_line(lines[-1] if lines else "", 200))
        advice = _("Start it again: what has arrived is kept.")
    return ModelError(what, where=repository, advice=advice)


def _no_room(repository: str, answer: dict[str, Any]) -> StorageError:
    what = _(
        "the model takes {needed} more, {free} are free in {place}",
        needed=figures.size(answer["needed"]),
        free=figures.size(answer["free"]),
        place=answer["place"],
    )
    advice = _("Free some space, choose a smaller model, or set HF_HOME to a folder on another disk.")
    return StorageError(what, where=repository, advice=advice)


def _not_allowed(kind: str, address: str, has_token: bool) -> tuple[str, str]:
    if kind == "gated":
        what = _("this model is gated: its owner wants its terms accepted first")
        if has_token:
            return what, _(
                "Accept them at {address} with the account of your token; some owners take a while to answer.",
                address=address,
            )
        return what, _("Accept them at {address}, then log in with: {command}", address=address, command=LOG_IN)
    if kind == "missing":
        what = _("the hub has no such model, or it is private")
        if has_token:
            return what, _("Check the name at {address}; your token may not see it.", address=address)
        return what, _(
            "Check the name at {address}; for a private model log in with: {command}", address=address, command=LOG_IN
        )
    what = _("the hub refuses your token for this model") if has_token else _("the hub wants to know who asks")
    return what, _(
        "Make a token that may read it at {address}, then: {command}",
        address=hub_address("settings/tokens"),
        command=LOG_IN,
    )


def _out_of_reach(kind: str) -> tuple[str, str]:
    if kind == "by_choice":
        what = _("it is not on this machine, and HF_HUB_OFFLINE keeps the hub from being asked")
        return what, _("Unset HF_HUB_OFFLINE for the download, or choose a model already on this machine.")
    if kind == "busy":
        what = _("{hub} is too busy or has a fault", hub=hub_address())
        return what, _("Start it again in a while: what has arrived is kept.")
    what = _("{hub} cannot be reached", hub=hub_address())
    return what, _(
        "Check the connection and HF_ENDPOINT, or choose a model already on this machine; what has arrived is kept."
    )
