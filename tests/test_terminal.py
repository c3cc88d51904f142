"""The app in a real terminal: opened, closed under it, killed."""

import contextlib
import os
import pty
import select
import signal
import sys
import time
from typing import ClassVar

import pytest
import tiny_project

from tui_tuner.files import read_json_lines
from tui_tuner.project import open_project
from tui_tuner.project_lock import project_lock
from tui_tuner.training.runs import list_runs


class Terminal:
    opened: ClassVar[list["Terminal"]] = []

    def __init__(self, *command):
        self.pid, self.handle = pty.fork()
        self.opened.append(self)
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color", COLUMNS="80", LINES="24")
            os.execv(sys.executable, [sys.executable, "-m", "tui_tuner", *command])
        self.seen = b""

    def until(self, condition, seconds=120):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, self.seen[-2000:]
            if select.select([self.handle], [], [], 0.2)[0]:
                self.seen += os.read(self.handle, 65536)

    def type(self, text):
        os.write(self.handle, text.encode())

    def exit_code(self, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            # What it still prints has to be read, or it waits for its reader.
            try:
                if select.select([self.handle], [], [], 0.05)[0]:
                    os.read(self.handle, 65536)
            except OSError:
                pass
        os.kill(self.pid, signal.SIGKILL)
        raise AssertionError("it did not end")


@pytest.fixture(autouse=True)
def nothing_is_left_running():
    yield
    while Terminal.opened:
        terminal = Terminal.opened.pop()
        with contextlib.suppress(OSError):  # it has ended, as it should
            os.kill(terminal.pid, signal.SIGKILL)
            os.waitpid(terminal.pid, 0)


@pytest.fixture
def training(tmp_path):
    """The app in a terminal, training: project, terminal."""
    project = tiny_project.make(tmp_path, iters=100_000)
    terminal = Terminal("--project", str(project.folder))
    terminal.until(lambda: b"Environment" in terminal.seen)
    terminal.type("3")
    terminal.until(lambda: b"iterations" in terminal.seen)
    terminal.type("g")
    metrics = project.runs / "run-1" / "metrics.jsonl"
    terminal.until(lambda: any(row["event"] == "train_step" for row in read_json_lines(metrics)[0]))
    return project, terminal


def stopped_well(project):
    run = list_runs(open_project(project.folder))[-1]
    return run.state == "stopped" and (run.folder / "checkpoints").is_dir()


def test_a_closed_terminal_saves_and_ends(training):
    project, terminal = training
    os.close(terminal.handle)
    terminal.handle = os.open(os.devnull, os.O_RDONLY)
    assert terminal.exit_code() == 128 + signal.SIGHUP
    assert stopped_well(project)
    with project_lock(project):
        pass


def test_a_terminal_that_is_closed_and_was_not_read_for_long_ends_too(training):
    project, terminal = training
    # Nobody reads: what the app paints fills every buffer, and its event loop waits.
    terminal.type("l" * 400)
    os.kill(terminal.pid, signal.SIGHUP)
    done = os.waitpid(terminal.pid, 0)
    assert os.waitstatus_to_exitcode(done[1]) == 128 + signal.SIGHUP
    assert stopped_well(project)


def test_a_terminated_app_saves_and_ends(training):
    project, terminal = training
    os.kill(terminal.pid, signal.SIGTERM)
    assert terminal.exit_code() == 128 + signal.SIGTERM
    assert stopped_well(project)


def test_quitting_by_keys_saves_and_ends(training):
    project, terminal = training
    terminal.type("q")
    terminal.until(lambda: b"Still running" in terminal.seen)
    terminal.type("y")
    assert terminal.exit_code() == 0
    assert stopped_well(project)


def test_a_killed_app_leaves_a_run_that_can_be_shown_and_resumed(training):
    project, terminal = training
    metrics, checkpoints = (project.runs / "run-1" / name for name in ("metrics.jsonl", "checkpoints"))
    # Not its line in the metrics, which is written first: a run killed between the two begins again.
    terminal.until(lambda: any(path.name.isdigit() for path in checkpoints.glob("*")))
    os.kill(terminal.pid, signal.SIGKILL)
    os.waitpid(terminal.pid, 0)
    again = Terminal("--project", str(project.folder))
    again.until(lambda: b"Environment" in again.seen)
    again.type("3")
    again.until(lambda: b"resume" in again.seen)
    again.type("r")
    again.until(lambda: [row for row in read_json_lines(metrics)[0] if row.get("start_iteration", 0) > 0])
    again.type("q")
    again.until(lambda: b"Still running" in again.seen)
    again.type("y")
    assert again.exit_code() == 0
    assert stopped_well(project)
