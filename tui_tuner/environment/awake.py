"""Keeping the machine awake while it works, though nobody touches it. The display may sleep, and had better."""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
from collections.abc import Iterator

from tui_tuner.environment.system import on_mac

log = logging.getLogger(__name__)

PATIENCE = 2.0  # seconds for the helper to end


def caffeinate(pid: int) -> list[str]:
    """The command that keeps a Mac from sleeping for want of something to do, as long as process `pid` lives.

    -i is about the system, not the display (-d); -w ends it with us, also when we are killed (caffeinate(8)). A closed
    lid is stronger than it. Never run on a Mac.
    """
    return ["caffeinate", "-i", "-w", str(pid)]


@contextlib.contextmanager
def kept_awake(*, wanted: bool = True) -> Iterator[None]:
    """Keep a Mac awake for the length of a block; does nothing elsewhere, or where it is not `wanted`."""
    if not (wanted and on_mac()):
        yield
        return
    try:
        process = subprocess.Popen(
            caffeinate(os.getpid()),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except OSError as error:  # it is part of every macOS; without it the machine may fall asleep, and no more
        log.warning("this machine is not kept awake: %s", error)
        yield
        return
    try:
        yield
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
