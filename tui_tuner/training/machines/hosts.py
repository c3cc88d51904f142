"""The file that names the machines, in the form of `mlx.launch --hostfile`, which `mlx.distributed_config` writes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui_tuner.errors import ConfigurationError
from tui_tuner.files import storage_errors
from tui_tuner.language import _
from tui_tuner.plain_text import one_line

RING, NCCL = "ring", "nccl"
JACCL = ("jaccl", "jaccl-ring")


@dataclass(frozen=True)
class Hosts:
    """The machines of a run.

    Attributes:
        path: the file that names them.
        names: what `ssh` calls each; the first one leads and is this machine.
        backend: how they talk, by MLX's name: ring, jaccl, nccl, mpi.
        addresses: how many network addresses all of them have together.
    """

    path: Path
    names: tuple[str, ...]
    backend: str
    addresses: int

    def name(self, rank: int) -> str:
        """The machine with this rank, as a person tells it from the others."""
        return _("machine {number} ({name})", number=rank + 1, name=self.ssh(rank))

    def ssh(self, rank: int) -> str:
        """What `ssh` calls the machine with this rank, to be shown."""
        return one_line(self.names[rank], 60)


def read_hosts(path: Path) -> Hosts:
    """Read the file that names the machines.

    Raises:
        StorageError: it cannot be read.
        ConfigurationError: it is none, or names fewer than two machines.
    """
    with storage_errors(path):
        content = path.read_bytes()
    try:
        said: Any = json.loads(content)
    except ValueError as error:
        raise _mistake(path, _("it is not JSON ({error})", error=one_line(str(error), 100))) from error
    backend = said.get("backend", "") if isinstance(said, dict) else ""
    rows = said.get("hosts") if isinstance(said, dict) else said
    if not isinstance(rows, list) or not all(isinstance(row, dict) and isinstance(row.get("ssh"), str) for row in rows):
        raise _mistake(path, _("it is no list of hosts, each with its ssh name"))
    if len(rows) < 2:
        raise _mistake(path, _("it names fewer than two machines"))
    if not isinstance(backend, str):
        raise _mistake(path, _("its backend is no name"))
    backend = backend or RING
    for row in rows:
        if not isinstance(row.get("ips", []), list):
            raise _mistake(path, _("the ips of {host} are no list", host=one_line(row["ssh"], 60)))
        if backend == RING and not row.get("ips"):
            raise _mistake(path, _("{host} has no ips, which the ring backend needs", host=one_line(row["ssh"], 60)))
    addresses = sum(len(row.get("ips", [])) for row in rows)
    return Hosts(path.absolute(), tuple(row["ssh"] for row in rows), backend, addresses)


def _mistake(path: Path, what: str) -> ConfigurationError:
    return ConfigurationError(
        _("this names no machines to train on: {what}", what=what),
        where=str(path),
        advice=_("Have it written by: mlx.distributed_config --hosts first.local,second.local --output-hostfile FILE"),
    )
