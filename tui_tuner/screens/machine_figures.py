"""How the machine stands, in rows of a label and a value of at most 14 cells."""

from __future__ import annotations

from tui_tuner.language import _
from tui_tuner.training.history import RunHistory

GIBIBYTE = 2**30
LITTLE = 0.1  # of all memory

Rows = list[tuple[str, str]]


def machine_figures(history: RunHistory) -> tuple[Rows, Rows]:
    """What a person had better know of the machine, and what is as it should be.

    How the machine stood is of interest only as long as the run goes on.
    """
    noteworthy: Rows = []
    calm: Rows = []
    if history.micro_batch is not None:
        noteworthy.append((_("rows at once"), str(history.micro_batch)))
    machine = history.machine
    if machine is None or not history.running:
        return noteworthy, calm

    def add(label: str, value: str, *, worth_knowing: bool) -> None:
        (noteworthy if worth_knowing else calm).append((label, value))

    free, total = machine.free_memory, machine.total_memory
    add(_("free memory"), f"{free / GIBIBYTE:.1f}/{total / GIBIBYTE:.1f} GB", worth_knowing=free < LITTLE * total)
    add(_("swap"), f"{machine.swap_used / GIBIBYTE:.1f} GB", worth_knowing=False)
    if machine.heat:
        add(_("heat"), machine.heat, worth_knowing=machine.slowed)
    if machine.battery_percent is not None or machine.on_battery:
        percent = f"{machine.battery_percent} %" if machine.battery_percent is not None else ""
        use = _("in use") if machine.on_battery else ""
        add(_("battery"), " ".join(filter(None, (percent, use))), worth_knowing=bool(machine.on_battery))
    return noteworthy, calm
