"""Memory: how much there is, how much is free, how much of it MLX may use, and whether the base model fits."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from tui_tuner import figures
from tui_tuner.environment.check import CheckResult, Fix
from tui_tuner.environment.model_size import ModelSize
from tui_tuner.environment.system import content_of, on_mac, output_of, parse_colons, sysctl
from tui_tuner.language import _

GIBIBYTE = 2**30
LEAST_FREE = 2 * GIBIBYTE  # training the starter model took 1.3 to 2.0 GB
# Weights once, and on top the adapters, their gradients and a batch's activations.
SHARE_OF_WEIGHTS, FOR_TRAINING = 1.2, GIBIBYTE
PAGE_SIZE = 16384  # of Apple Silicon, where `vm_stat` does not say it
CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class MemoryFacts:
    """Amounts in bytes.

    Attributes:
        total: in this machine, or in the container this process is confined to.
        free: what can be had without swapping.
        for_mlx: what MLX may use; None where only MLX itself could say.
    """

    total: int
    free: int
    for_mlx: int | None


def check_memory(for_mlx: int | None, model: ModelSize | None) -> CheckResult:
    """Judge this machine's memory.

    Args:
        for_mlx: what MLX says it may use (its working set on Metal), None where it was not asked.
        model: the base model's size, where known.
    """
    facts = memory_facts()
    return judge_memory(replace(facts, for_mlx=for_mlx) if for_mlx else facts, model)


def memory_facts() -> MemoryFacts:
    """This machine's memory, as its system tells it."""
    return _mac_facts() if on_mac() else _linux_facts()


def usable(facts: MemoryFacts) -> int:
    """Bytes that training may take: what MLX may use where that is known, else what Metal allows on such a Mac.

    Metal's limit is two thirds of the memory up to 32 GB and three quarters beyond, as long as nobody changed it.
    """
    if facts.for_mlx is not None:
        return facts.for_mlx
    return facts.total * 2 // 3 if facts.total <= 32 * GIBIBYTE else facts.total * 3 // 4


def needed_for(weights: int) -> int:
    """Bytes that teaching a model of so many bytes of weights takes at least, about: no dataset is known yet."""
    return int(weights * SHARE_OF_WEIGHTS) + FOR_TRAINING


def _mac_facts() -> MemoryFacts:
    """Read with tools only a Mac has; not run on a Mac yet, their parsers are tested."""
    values = sysctl("hw.memsize", "iogpu.wired_limit_mb")
    return mac_memory(values, output_of(["vm_stat"]))


def mac_memory(values: dict[str, str], vm_stat: str) -> MemoryFacts:
    """Read `sysctl`'s values and `vm_stat`'s table.

    Free is what nobody uses and what is kept only in case it is used again (inactive, speculative).
    """
    found = re.search(r"page size of (\d+) bytes", vm_stat)
    page = int(found[1]) if found else PAGE_SIZE
    table = parse_colons(vm_stat)
    pages = sum(_whole(table.get(f"Pages {kind}", "")) for kind in ("free", "inactive", "speculative"))
    # 0 is the system's own limit, which only MLX can name; another number was set by the person.
    limit = _whole(values.get("iogpu.wired_limit_mb", "")) * 2**20
    return MemoryFacts(_whole(values.get("hw.memsize", "")), pages * page, limit or None)


def _linux_facts() -> MemoryFacts:
    limits = (content_of(CGROUP / "memory.max"), content_of(CGROUP / "memory.current"))
    return linux_memory(content_of(Path("/proc/meminfo")), *limits)


def linux_memory(meminfo: str, cgroup_limit: str = "", cgroup_used: str = "") -> MemoryFacts:
    """Read `/proc/meminfo`, and a container's own limit where it has one."""
    table = parse_colons(meminfo)
    total, free = (_whole(table.get(name, "")) * 1024 for name in ("MemTotal", "MemAvailable"))
    limit = _whole(cgroup_limit)  # "max" where there is none
    if 0 < limit < total:
        total, free = limit, min(free, max(limit - _whole(cgroup_used), 0))
    return MemoryFacts(total, free, free)


def judge_memory(facts: MemoryFacts, model: ModelSize | None) -> CheckResult:
    """Judge whether `model` fits, as far as it is known."""
    why = _("A model that does not fit into memory trains many times slower, or not at all.")
    if not facts.total:
        return CheckResult("memory", _("Memory"), "warning", _("could not be read"), why)
    words = [_("{total}, {free} free", total=figures.memory(facts.total), free=figures.memory(facts.free))]
    if facts.for_mlx:
        words.append(_("MLX may use {amount}", amount=figures.memory(facts.for_mlx)))
    needed = needed_for(model.weights) if model else 0
    short = needed > (facts.for_mlx or facts.total)
    if short:
        words.append(_("the base model needs about {amount}", amount=figures.memory(needed)))
        why = _("The base model does not fit: choose a smaller one, or one with fewer bits.")
    if not short and facts.free >= LEAST_FREE:
        return CheckResult("memory", _("Memory"), "ok", " · ".join(words), why)
    return CheckResult("memory", _("Memory"), "warning", " · ".join(words), why, _fix())


def _fix() -> Fix:
    command = 'open -a "Activity Monitor"' if on_mac() else "ps -eo rss,comm --sort=-rss | head"
    return Fix(command, None, _("see what takes memory"))


def _whole(text: str) -> int:
    """The number a text begins with: `16384 kB`, `123456.`; 0 where there is none."""
    found = re.match(r"\s*(\d+)", text)
    return int(found[1]) if found else 0
