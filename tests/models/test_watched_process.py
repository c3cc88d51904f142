from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tui_tuner.errors import Stopped, StorageError
from tui_tuner.models.watched_process import run_watched
from tui_tuner.progress import StopToken

# A process with a child of its own; both would live for minutes.
FAMILY = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
print(os.getpid(), child.pid, flush=True)
time.sleep(300)
"""


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A killed grandchild whose new parent has not collected it yet is dead all the same.
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_gives_the_exit_code_and_keeps_what_was_said(tmp_path):
    log = tmp_path / "log"
    looks = []
    program = "import os, sys; print(os.environ['WORD']); sys.stderr.write('alas'); sys.exit(3)"
    code = run_watched(
        [sys.executable, "-c", program],
        log=log,
        stop=StopToken(),
        look=lambda: looks.append(1),
        environment={"WORD": "hello"},
    )
    assert code == 3
    assert "hello" in log.read_text() and "alas" in log.read_text()
    assert looks


def test_stop_ends_the_process_and_its_children(tmp_path):
    log, stop = tmp_path / "log", StopToken()

    def stop_once_both_run() -> None:
        if log.read_text().endswith("\n"):
            stop.request()

    with pytest.raises(Stopped):
        run_watched([sys.executable, "-c", FAMILY], log=log, stop=stop, look=stop_once_both_run)
    parent, child = (int(word) for word in log.read_text().split())
    assert not is_alive(parent)
    # Its own parent is gone, so the system takes the child away, a moment later.
    patience = StopToken()
    for _look in range(200):
        if not is_alive(child):
            break
        patience.wait(0.05)
    assert not is_alive(child)


def test_a_program_that_is_not_there(tmp_path):
    with pytest.raises(StorageError):
        run_watched([str(tmp_path / "nothing")], log=tmp_path / "log", stop=StopToken(), look=lambda: None)
