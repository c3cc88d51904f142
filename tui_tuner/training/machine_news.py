"""What is told of the machine while it trains: how it stands, and what a person could do something about."""

from __future__ import annotations

import time

from tui_tuner import figures
from tui_tuner.environment.display import display_is_on, watchdog_advice
from tui_tuner.environment.power import Power
from tui_tuner.language import _
from tui_tuner.progress import Emit, Notice
from tui_tuner.training.events import MachineState, TrainStep
from tui_tuner.training.machine_watch import MachineLook, MachineWatch
from tui_tuner.training.slowing import Slowing

EVERY = 30.0  # seconds between two states, where nothing but memory changes


class MachineNews:
    """Tells what the watch has seen, from the thread that trains.

    Args:
        watch: looks at the machine.
        tell: hears of it.
    """

    def __init__(self, watch: MachineWatch, tell: Emit) -> None:
        self._watch, self._tell = watch, tell
        self._slowing, self._micro_batch = Slowing(), 0
        self._told: MachineLook | None = None
        self._due = watch.clock()

    def between_steps(self, iteration: int) -> None:
        """Tell how the machine stands, where that is due or something has changed."""
        seen, now = self._watch.seen, self._watch.clock()
        before = self._told
        if seen is None or (before is not None and now < self._due and not _differ(seen, before)):
            return
        self._told, self._due = seen, now + EVERY
        self._tell(_state(iteration, seen))
        if text := _charger(seen.power, before.power if before else None):
            self._tell(Notice(text, "warning" if seen.power and seen.power.on_battery else "info"))

    def after_report(self, step: TrainStep, micro_batch: int) -> None:
        """Tell where the machine became slower for a reason that is known.

        Args:
            step: the report.
            micro_batch: rows computed at once; another number has another pace.
        """
        seen = self._watch.seen
        if micro_batch != self._micro_batch:
            self._micro_batch, self._slowing = micro_batch, Slowing()
        if text := self._slowing.see(step.tokens_per_second, _hindrance(seen) if seen else ""):
            self._tell(Notice(text, "warning"))


def display_notices() -> list[Notice]:
    """What to know about a display that is on: only on a Mac, whose GPU serves it first."""
    if not display_is_on():
        return []
    why = _("while the display is on, macOS may stop the GPU in a long step (Impacting Interactivity).")
    return [Notice(f"{why} {watchdog_advice()}")]


def _differ(seen: MachineLook, before: MachineLook) -> bool:
    """Whether heat or power has changed; degrees and percents always do."""
    return _kind(seen) != _kind(before)


def _kind(seen: MachineLook) -> tuple[bool, bool]:
    return bool(seen.heat and seen.heat.slowed), bool(seen.power and seen.power.on_battery)


def _state(iteration: int, seen: MachineLook) -> MachineState:
    memory, heat, power = seen.memory, seen.heat, seen.power
    return MachineState(
        iteration=iteration,
        total_memory=memory.total,
        free_memory=memory.free,
        swap_used=memory.swap_used,
        heat=heat.words if heat else "",
        slowed=heat.slowed if heat else False,
        on_battery=power.on_battery if power else None,
        battery_percent=power.percent if power else None,
        time=time.time(),
    )


def _charger(power: Power | None, before: Power | None) -> str:
    """What is to be said of a charger that was taken out, or put back."""
    if power is None or power.on_battery == (before is not None and before.on_battery):
        return ""
    if not power.on_battery:
        return _("the charger is back")
    parts = [_("the charger is out")]
    if power.percent is not None:
        parts.append(_("battery at {percent} %", percent=power.percent))
    if power.seconds_left:
        parts.append(_("empty in about {time}", time=figures.duration(power.seconds_left)))
    return ", ".join(parts)


def _hindrance(seen: MachineLook) -> str:
    if seen.heat and seen.heat.slowed:
        return _("the machine is hot ({heat})", heat=seen.heat.words)
    return _("it runs on its battery") if seen.power and seen.power.on_battery else ""
