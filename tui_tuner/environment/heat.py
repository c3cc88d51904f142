"""Whether the machine is so hot that the system slows it down."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tui_tuner.environment.system import content_of, on_mac, output_of
from tui_tuner.language import _

ZONES = Path("/sys/class/thermal")
# What `powermetrics` calls the levels of `com.apple.system.thermalpressurelevel`. "Moderate" slows a GPU down already.
PRESSURE = "com.apple.system.thermalpressurelevel"
PRESSURES: Mapping[int, str] = {0: "nominal", 1: "moderate", 2: "heavy", 3: "trapping", 4: "sleeping"}


@dataclass(frozen=True)
class Heat:
    """How hot it is.

    Attributes:
        slowed: whether the system holds the machine back.
        words: the same for a person: "nominal", "heavy", "held at 62 %", "93 °C".
    """

    slowed: bool
    words: str


def heat_now() -> Heat | None:
    """How hot it is now; None where the system does not say."""
    if on_mac():
        return mac_heat(output_of(["pmset", "-g", "therm"]), output_of(["notifyutil", "-g", PRESSURE]))
    return linux_heat(read_zones(ZONES))


def mac_heat(pmset_therm: str, notifyutil: str = "") -> Heat | None:
    """Read `pmset -g therm` and `notifyutil -g` of `PRESSURE`. Never run on a Mac; what they write there is tested.

    On Apple's own chips `pmset` mostly finds that no warning was recorded, also while the chip is held back; the
    pressure that `thermald` publishes says more, and needs no root. It is not documented by Apple, and a system that
    does not know it answers 0.
    """
    limit = re.search(r"CPU_Speed_Limit\s*=\s*(\d+)", pmset_therm)
    if limit and int(limit[1]) < 100:
        return Heat(True, _("held at {percent} %", percent=int(limit[1])))
    pressure = re.search(rf"{re.escape(PRESSURE)}\s+(\d+)", notifyutil)
    if pressure and int(pressure[1]) in PRESSURES:
        return Heat(int(pressure[1]) > 0, PRESSURES[int(pressure[1])])
    warning = re.search(r"Thermal Warning Level = (\d+)", pmset_therm)
    if warning and int(warning[1]) > 0:
        return Heat(True, _("warning level {level}", level=int(warning[1])))
    return Heat(False, PRESSURES[0]) if "thermal warning level" in pmset_therm.lower() else None


def read_zones(folder: Path) -> list[dict[str, str]]:
    """What Linux knows of each thermal zone: its files `temp`, and `trip_point_*_type` with `trip_point_*_temp`."""
    zones = []
    for zone in sorted(folder.glob("thermal_zone*")):
        names = ["temp", *(path.name for path in zone.glob("trip_point_*"))]
        zones.append({name: content_of(zone / name).strip() for name in names})
    return zones


def linux_heat(zones: list[dict[str, str]]) -> Heat | None:
    """Read the kernel's own account (Documentation/driver-api/thermal/sysfs-api.rst), in thousandths of a degree.

    Above a zone's passive trip point the kernel holds the processor back.
    """
    hottest, slowed = None, False
    for zone in zones:
        temperature = _whole(zone.get("temp", ""))
        if temperature is None:
            continue
        hottest = max(temperature, hottest or temperature)
        for name, kind in zone.items():
            if name.endswith("_type") and kind in ("passive", "hot"):
                limit = _whole(zone.get(f"{name.removesuffix('_type')}_temp", ""))
                slowed = slowed or (limit is not None and 0 < limit <= temperature)
    return Heat(slowed, _("{degrees} °C", degrees=round(hottest / 1000))) if hottest is not None else None


def _whole(text: str) -> int | None:
    return int(text) if re.fullmatch(r"-?\d+", text) else None
