"""Training on several machines as the machine sees it on which it is started: `mlx.launch`, watched and stopped."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import queue
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tui_tuner.choices import TrainingChoice
from tui_tuner.errors import Stopped, TrainingError
from tui_tuner.files import storage_errors
from tui_tuner.jobs import JobEnded
from tui_tuner.language import _
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Emit, Event, Notice, StageProgress, StopToken
from tui_tuner.training.event_lines import event_from_json
from tui_tuner.training.machines.hosts import Hosts
from tui_tuner.training.machines.meeting import MEETING_SECONDS, MachineHere, MachinesMet, Meeting, port_options
from tui_tuner.training.plan import TrainingPlan
from tui_tuner.training.runs import RunSummary, summarize

STOP, PAUSE, UNPAUSE = "stop", "pause", "unpause"
LOOK_SECONDS = 0.2
PATIENCE_SECONDS = 60.0  # for everything to be on the disk
KEPT_LINES = 8  # of what the machines complain about


@dataclass(frozen=True)
class Order:
    """What each machine is started with.

    Attributes:
        plan: the run.
        backend: how they talk, by MLX's name.
        starter: the process that started them.
        mark: a file that is only on the machine where training was started.
    """

    plan: TrainingPlan
    backend: str
    starter: int
    mark: str

    def as_json(self) -> str:
        """Read by `from_json`."""
        return json.dumps(dataclasses.asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> Order:
        """What `as_json` wrote."""
        said: dict[str, Any] = json.loads(text)
        plan: dict[str, Any] = said["plan"]
        # JSON knows no tuples and no paths.
        paths: dict[str, Any] = {name: Path(plan[name]) for name in ("model", "data", "run")}
        choice = TrainingChoice(**_with_tuples(plan.pop("choice")))
        said["plan"] = TrainingPlan(**_with_tuples(plan) | paths | {"choice": choice})
        return cls(**said)


def _with_tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}


def train_on(
    hosts: Hosts, plan: TrainingPlan, *, emit: Emit, stop: StopToken, patience: float = MEETING_SECONDS
) -> RunSummary:
    """Train the run of `plan` on all of `hosts`; see `training.train`.

    Every machine needs the same Python environment, model and data in the same folders; the run's folder is kept on
    the first one alone, which is this machine. `patience` is how many seconds they may need to come together.

    Raises:
        Stopped: asked to; everything is kept.
        TrainingError: a machine did not come, is not ready, or failed; what was done is kept.
    """
    with _mark(plan) as mark:
        order = Order(plan, hosts.backend, os.getpid(), mark)
        emit(Notice(_("training on {machines}", machines=", ".join(map(hosts.name, range(len(hosts.names)))))))
        ended, complaints = _watched(_command(hosts, order), emit, stop, Meeting(hosts, emit, patience))
    if ended is None:
        raise TrainingError(
            _("the machines could not train together: {why}", why=_why(complaints) or _("they said nothing")),
            where=str(hosts.path),
            advice=_("See that ssh reaches each of them without a password, and that tuner is installed there alike."),
        )
    if ended.outcome == "stopped":
        raise Stopped(ended.message)
    if ended.outcome == "failed":
        why = _why(complaints)
        raise TrainingError(f"{ended.message} ({why})" if why else ended.message, advice=ended.advice)
    return summarize(plan.run)


@contextlib.contextmanager
def _mark(plan: TrainingPlan) -> Iterator[str]:
    with storage_errors(plan.run.parent):
        plan.run.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(prefix=".started-here-", dir=plan.run.parent) as file:
            yield file.name


def _command(hosts: Hosts, order: Order) -> list[str]:
    launch = Path(sysconfig.get_path("scripts"), "mlx.launch")
    where = ["--hostfile", str(hosts.path), "--backend", hosts.backend, *port_options(hosts)]
    program = [sys.executable, "-m", "tui_tuner.training.machines.rank", order.as_json()]
    return [sys.executable, str(launch), *where, "--", *program]


def _watched(command: list[str], emit: Emit, stop: StopToken, meeting: Meeting) -> tuple[JobEnded | None, deque[str]]:
    """Run the machines to their end; how the leading one ended, and what any of them complained about."""
    # A session of their own: Ctrl-C here is for this process, which asks them to stop.
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    assert process.stdin and process.stdout and process.stderr
    lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    complaints: deque[str] = deque(maxlen=KEPT_LINES)
    readers = [
        threading.Thread(target=_read, args=(process.stdout, lines), daemon=True),
        threading.Thread(target=_collect, args=(process.stderr, complaints), daemon=True),
    ]
    for reader in readers:
        reader.start()
    ended = None
    messenger = _Messenger(process.stdin, stop)
    try:
        while True:
            messenger.pass_on()
            meeting.look()
            if stop.requested and not meeting.over:
                raise Stopped(_("stopped before the machines had come together"))
            try:
                line = lines.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                continue
            if line is None:
                break
            event = _event(line)
            if isinstance(event, JobEnded):
                ended = event
            elif event is not None and not meeting.hear(event):
                emit(event)
    finally:
        # Machines that still wait for each other hear nothing, and have nothing to keep.
        _end(process, patience=PATIENCE_SECONDS if meeting.over else 0.0)
        for reader in readers:
            reader.join()
    return ended, complaints


def _end(process: subprocess.Popen[bytes], patience: float) -> None:
    """Wait for what is ending; where it does not within `patience` seconds, end it."""
    assert process.stdin
    with contextlib.suppress(OSError):
        process.stdin.write(STOP.encode() + b"\n")
        process.stdin.flush()
    try:
        process.wait(timeout=patience)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class _Messenger:
    """Passes on what is asked of this process."""

    def __init__(self, pipe: IO[bytes], stop: StopToken) -> None:
        self._pipe, self._stop = pipe, stop
        self._said = UNPAUSE

    def pass_on(self) -> None:
        """Say what has changed since the last time."""
        due = STOP if self._stop.requested else PAUSE if self._stop.paused else UNPAUSE
        if due != self._said:
            self._said = due
            with contextlib.suppress(OSError):
                self._pipe.write(due.encode() + b"\n")
                self._pipe.flush()


def _read(pipe: IO[bytes], lines: queue.SimpleQueue[bytes | None]) -> None:
    for line in pipe:
        lines.put(line)
    lines.put(None)


def _collect(pipe: IO[bytes], complaints: deque[str]) -> None:
    for line in pipe:
        text = one_line(line.decode("utf-8", "replace"), 300).strip()
        if text:
            complaints.append(text)


def _event(line: bytes) -> Event | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    if not isinstance(row, dict):
        return None
    kinds: dict[str, type[Event]] = {
        "stage_progress": StageProgress,
        "job_ended": JobEnded,
        "machine_here": MachineHere,
        "machines_met": MachinesMet,
    }
    kind = kinds.get(str(row.pop("event", "")) if row.get("event") in kinds else "")
    return kind(**row) if kind else event_from_json(row)


def _why(complaints: deque[str]) -> str:
    """The last thing a machine said of its own; what mlx.launch and the ring say of others is known."""
    own = [line for line in complaints if not line.startswith("[")]
    return own[-1] if own else ""
