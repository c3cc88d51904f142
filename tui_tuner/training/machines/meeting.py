"""How the machines of a run come together: at ports no other run has, and not waited for longer than makes sense.

MLX waits for ever for a machine that does not come, and lets no other thread run meanwhile (mlx 0.32: `init` keeps the
interpreter's lock). So the time is looked at where training was started, and what waits is ended from outside.
"""

from __future__ import annotations

import contextlib
import os
import random
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from tui_tuner.errors import TrainingError
from tui_tuner.language import _
from tui_tuner.progress import Emit, Event, StageProgress
from tui_tuner.training.machines.hosts import JACCL, NCCL, RING, Hosts

MEETING_SECONDS = 120.0  # a cold disk, a first import and a slow ssh take less
PORTS = range(20_000, 32_000)  # below those that Linux and macOS give to outgoing connections
MLX_STARTING_PORT = 32_323
RANK_NAMES = ("MLX_RANK", "OMPI_COMM_WORLD_RANK")


@dataclass(frozen=True)
class MachineHere(Event):
    """A machine has started and now waits for the others; `rank` is its number, from 0."""

    rank: int


@dataclass(frozen=True)
class MachinesMet(Event):
    """All machines talk to each other."""


def own_rank() -> int:
    """This machine's number before it has met the others; -1 where whoever started it does not say."""
    return next((int(os.environ[name]) for name in RANK_NAMES if os.environ.get(name, "").isdigit()), -1)


def port_options(hosts: Hosts) -> list[str]:
    """What `mlx.launch` is told, so that two runs on one machine do not meet at the same ports."""
    if hosts.backend == RING:  # one for each address of each machine
        return ["--starting-port", str(free_port(hosts.addresses))]
    if hosts.backend in JACCL:  # the first machine's alone
        return ["--starting-port", str(free_port())]
    if hosts.backend == NCCL:
        return ["--nccl-port", str(free_port())]
    return []  # MPI finds its own


def free_port(count: int = 1) -> int:
    """The first of `count` ports in a row on which nobody listens here; by chance, so that two runs differ."""
    for _try in range(100):
        first = random.choice(PORTS[: len(PORTS) - count])
        with contextlib.ExitStack() as sockets:
            try:
                for port in range(first, first + count):
                    sockets.enter_context(socket.socket()).bind(("", port))
            except OSError:
                continue
            return first
    return MLX_STARTING_PORT


class Meeting:
    """Who has come so far, and how long the others are waited for.

    Args:
        hosts: who is to come.
        emit: hears how many are here.
        patience: seconds that may pass without another one coming, or without all of them finding each other.
        now: seconds that never go backwards.
    """

    def __init__(
        self, hosts: Hosts, emit: Emit, patience: float = MEETING_SECONDS, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._hosts, self._emit, self._patience, self._now = hosts, emit, patience, now
        self._here: set[int] = set()
        self._since = now()
        self.over = False

    def hear(self, event: Event) -> bool:
        """Take in what a machine says; whether it was about this."""
        if isinstance(event, MachineHere):
            self._here.add(event.rank)
            self._since = self._now()
        elif isinstance(event, MachinesMet):
            self.over = True
        else:
            return False
        everybody = len(self._hosts.names)
        came = everybody if self.over else len(self._here)
        self._emit(StageProgress(_("machines come together"), came, everybody, _("machines"), ended=self.over))
        return True

    def look(self) -> None:
        """Look at the clock.

        Raises:
            TrainingError: nobody came for too long; who is missing, and what to see to.
        """
        if self.over or self._now() - self._since < self._patience:
            return
        missing = [rank for rank in range(len(self._hosts.names)) if rank not in self._here]
        seconds = round(self._patience)
        if not missing:
            raise TrainingError(
                _("the machines have all started, but did not reach each other within {seconds} s", seconds=seconds),
                where=str(self._hosts.path),
                advice=_(
                    "See that the ips in this file are theirs and answer to ping from each other, and that their"
                    " firewalls let Python take connections; or set machines.hosts to nothing and train here alone."
                ),
            )
        names = ", ".join(map(self._hosts.name, missing))
        raise TrainingError(
            _("{machines} did not start within {seconds} s", machines=names, seconds=seconds),
            where=str(self._hosts.path),
            advice=_(
                "See that it is awake, that this lets you in without a question, and that tuner is installed there in"
                " the same folder: ssh {name}",
                name=self._hosts.ssh(missing[0]),
            ),
        )
