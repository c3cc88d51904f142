"""How memory and swap stand at this moment: cheap enough to ask every second."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tui_tuner.environment.memory import CGROUP, linux_memory, mac_memory
from tui_tuner.environment.system import content_of, on_mac, output_of, parse_colons, sysctl

Pressure = Literal["normal", "warning", "critical"]

MAC_NAMES = ("hw.memsize", "vm.swapusage", "kern.memorystatus_vm_pressure_level")
# The kernel's own verdict, which it also sends to applications; 1, 2 and 4 are its numbers.
MAC_PRESSURES: Mapping[str, Pressure] = {"1": "normal", "2": "warning", "4": "critical"}
UNITS: Mapping[str, int] = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


@dataclass(frozen=True)
class MemoryNow:
    """Amounts in bytes.

    Attributes:
        total: in this machine, or in the container this process is confined to.
        free: what can be had without swapping.
        swap_used: what is swapped out, of all programs together.
        pressure: the system's own verdict; None where it gives none.
    """

    total: int
    free: int
    swap_used: int
    pressure: Pressure | None = None


def memory_now() -> MemoryNow | None:
    """How it stands; None where it cannot be read."""
    if on_mac():
        return mac_memory_now(sysctl(*MAC_NAMES), output_of(["vm_stat"]))
    limits = (content_of(CGROUP / "memory.max"), content_of(CGROUP / "memory.current"))
    return linux_memory_now(content_of(Path("/proc/meminfo")), *limits)


def mac_memory_now(values: Mapping[str, str], vm_stat: str) -> MemoryNow | None:
    """Read `sysctl`'s values of `MAC_NAMES` and `vm_stat`'s table. Never run on a Mac; samples of both are tested."""
    facts = mac_memory(dict(values), vm_stat)
    if not facts.total:
        return None
    # `total = 2048.00M  used = 320.50M  free = 1727.50M  (encrypted)`, with a comma where the language has one.
    used = re.search(r"used = ([\d.,]+)([KMGT]?)", values.get("vm.swapusage", ""))
    swap = int(float(used[1].replace(",", ".")) * UNITS[used[2]]) if used else 0
    pressure = MAC_PRESSURES.get(values.get("kern.memorystatus_vm_pressure_level", ""))
    return MemoryNow(facts.total, facts.free, swap, pressure)


def linux_memory_now(meminfo: str, cgroup_limit: str = "", cgroup_used: str = "") -> MemoryNow | None:
    """Read `/proc/meminfo`, and a container's own limit where it has one."""
    facts = linux_memory(meminfo, cgroup_limit, cgroup_used)
    if not facts.total:
        return None
    table = parse_colons(meminfo)
    total, free = (_kilobytes(table.get(name, "")) for name in ("SwapTotal", "SwapFree"))
    return MemoryNow(facts.total, facts.free, max(total - free, 0))


def _kilobytes(text: str) -> int:
    found = re.match(r"\s*(\d+)", text)
    return int(found[1]) * 1024 if found else 0
