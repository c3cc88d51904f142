"""Where the machine's power comes from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tui_tuner.environment.system import content_of, on_mac, output_of

SUPPLIES = Path("/sys/class/power_supply")


@dataclass(frozen=True)
class Power:
    """Where it comes from.

    Attributes:
        on_battery: whether the battery, or an uninterruptible supply, is being drained.
        percent: how full the battery is, 0 to 100; None where there is none, or it does not say.
        seconds_left: until it is empty, as the system estimates it; None where it does not.
    """

    on_battery: bool
    percent: int | None = None
    seconds_left: int | None = None


def power_now() -> Power | None:
    """Where it comes from now; None where the system does not say."""
    if on_mac():
        return mac_power(output_of(["pmset", "-g", "batt"]))
    return linux_power(read_supplies(SUPPLIES))


def mac_power(pmset_batt: str) -> Power | None:
    """Read `pmset -g batt`. Never run on a Mac; what it writes there is tested.

    Now drawing from 'Battery Power'
     -InternalBattery-0 (id=22806627)   78%; discharging; 5:05 remaining present: true
    """
    source = re.search(r"drawing from '([^']*)'", pmset_batt)
    if source is None:
        return None
    on_battery = source[1] != "AC Power"
    percent = re.search(r"(\d+)%", pmset_batt)
    left = re.search(r"(\d+):(\d\d) remaining", pmset_batt)  # "(no estimate)" at first
    seconds = 60 * (60 * int(left[1]) + int(left[2])) if left and on_battery else None
    return Power(on_battery, int(percent[1]) if percent else None, seconds)


def read_supplies(folder: Path) -> list[dict[str, str]]:
    """What Linux knows of each supply: its files `type`, `scope`, `online`, `status` and `capacity`."""
    names = ("type", "scope", "online", "status", "capacity")
    return [{name: content_of(path / name).strip() for name in names} for path in sorted(folder.glob("*"))]


def linux_power(supplies: list[dict[str, str]]) -> Power | None:
    """Read the kernel's own account (Documentation/ABI/testing/sysfs-class-power)."""
    # A mouse's battery is one too: its scope is the device.
    batteries = [supply for supply in supplies if _is(supply, "Battery") and supply.get("scope") != "Device"]
    mains = [supply for supply in supplies if _is(supply, "Mains") or _is(supply, "USB")]
    if not batteries and not mains:
        return None
    percents = [int(battery["capacity"]) for battery in batteries if battery.get("capacity", "").isdigit()]
    discharging = any(battery.get("status") == "Discharging" for battery in batteries)
    plugged = any(supply.get("online") == "1" for supply in mains)
    return Power(discharging and not plugged, min(percents, default=None))


def _is(supply: Mapping[str, str], kind: str) -> bool:
    return supply.get("type") == kind
