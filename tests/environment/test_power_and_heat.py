"""What the systems say of power and heat. The Mac's samples are of `pmset`'s own source and of people's terminals."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tui_tuner.environment import awake
from tui_tuner.environment.awake import caffeinate, kept_awake
from tui_tuner.environment.display import mac_display_is_on, tells_of_the_watchdog
from tui_tuner.environment.heat import Heat, heat_now, linux_heat, mac_heat, read_zones
from tui_tuner.environment.power import Power, linux_power, mac_power, power_now, read_supplies


@pytest.mark.parametrize(
    ("battery", "power"),
    [
        (
            "Now drawing from 'Battery Power'\n"
            " -InternalBattery-0 (id=22806627)\t78%; discharging; 5:05 remaining present: true\n",
            Power(True, 78, 18_300),
        ),
        (
            "Now drawing from 'Battery Power'\n"
            " -InternalBattery-0 (id=1234567)\t14%; discharging; (no estimate) present: true\n",
            Power(True, 14, None),
        ),
        (
            "Now drawing from 'AC Power'\n"
            " -InternalBattery-0 (id=22806627)\t83%; charging; 1:00 remaining present: true\n",
            Power(False, 83, None),
        ),
        (
            "Now drawing from 'AC Power'\n -InternalBattery-0 (id=123)\t80%; AC attached; not charging present: true\n",
            Power(False, 80, None),
        ),
        (
            "Now drawing from 'UPS Power'\n -BackUPS 650 (id=1)\t95%; discharging; 0:42 remaining\n",
            Power(True, 95, 2520),
        ),
        ("Now drawing from 'AC Power'\n", Power(False)),
        ("", None),
    ],
)
def test_the_power_of_a_mac(battery, power):
    assert mac_power(battery) == power


def supply(folder: Path, name: str, **files: str) -> None:
    (folder / name).mkdir(parents=True)
    for file, content in files.items():
        (folder / name / file).write_text(content + "\n")


def test_the_power_of_a_laptop_with_linux(tmp_path):
    supply(tmp_path, "AC", type="Mains", online="0")
    supply(tmp_path, "BAT0", type="Battery", status="Discharging", capacity="63")
    supply(tmp_path, "hidpp_battery_0", type="Battery", scope="Device", status="Discharging", capacity="5")
    assert linux_power(read_supplies(tmp_path)) == Power(True, 63)
    (tmp_path / "AC" / "online").write_text("1\n")
    (tmp_path / "BAT0" / "status").write_text("Charging\n")
    assert linux_power(read_supplies(tmp_path)) == Power(False, 63)


def test_a_machine_without_a_battery_has_none(tmp_path):
    assert linux_power(read_supplies(tmp_path)) is None
    assert linux_power(read_supplies(tmp_path / "missing")) is None
    supply(tmp_path, "hidpp_battery_0", type="Battery", scope="Device", status="Discharging", capacity="5")
    assert linux_power(read_supplies(tmp_path)) is None


NOTHING_RECORDED = (
    "Note: No thermal warning level has been recorded\n"
    "Note: No performance warning level has been recorded\n"
    "Note: No CPU power status has been recorded\n"
)
LIMITED = (
    "2026-08-20 05:08:37 -0700 CPU Power notify\n"
    "\tCPU_Scheduler_Limit \t= 80\n\tCPU_Available_CPUs \t= 12\n\tCPU_Speed_Limit \t= 62\n"
)
FREE = LIMITED.replace("62", "100").replace("80", "100")
PRESSURE = "com.apple.system.thermalpressurelevel {}\n"


@pytest.mark.parametrize(
    ("therm", "pressure", "heat"),
    [
        (NOTHING_RECORDED, PRESSURE.format(0), Heat(False, "nominal")),
        (NOTHING_RECORDED, PRESSURE.format(1), Heat(True, "moderate")),
        (NOTHING_RECORDED, PRESSURE.format(2), Heat(True, "heavy")),
        (NOTHING_RECORDED, "", Heat(False, "nominal")),
        (NOTHING_RECORDED + FREE, PRESSURE.format(0), Heat(False, "nominal")),
        (LIMITED, PRESSURE.format(0), Heat(True, "held at 62 %")),
        ("2026-01-05 10:00:00 +0100 Thermal Warning Level = 5\n", "", Heat(True, "warning level 5")),
        ("", PRESSURE.format(3), Heat(True, "trapping")),
        ("", PRESSURE.format(9), None),
        ("", "", None),
    ],
)
def test_the_heat_of_a_mac(therm, pressure, heat):
    assert mac_heat(therm, pressure) == heat


def test_the_heat_of_a_machine_with_linux(tmp_path):
    zone = {"type": "x86_pkg_temp", "trip_point_0_type": "passive", "trip_point_0_temp": "95000"}
    supply(tmp_path, "thermal_zone0", temp="47000", **zone)
    supply(tmp_path, "thermal_zone1", temp="61500", trip_point_0_type="critical", trip_point_0_temp="60000")
    supply(tmp_path, "cooling_device0", type="Processor")
    assert linux_heat(read_zones(tmp_path)) == Heat(False, "62 °C")
    (tmp_path / "thermal_zone0" / "temp").write_text("96000\n")
    assert linux_heat(read_zones(tmp_path)) == Heat(True, "96 °C")


def test_zones_that_cannot_be_read_say_nothing(tmp_path):
    assert linux_heat(read_zones(tmp_path)) is None
    supply(tmp_path, "thermal_zone0", trip_point_0_type="passive", trip_point_0_temp="-274000")
    assert linux_heat(read_zones(tmp_path)) is None


def test_this_machine_says_something_or_nothing():
    assert isinstance(heat_now(), Heat | None)
    assert isinstance(power_now(), Power | None)


@pytest.mark.parametrize(
    ("state", "on"),
    [
        ("Current System Capabilities are: CPU Graphics Audio Network \nCurrent Power State: 4\n", True),
        ("Current System Capabilities are: CPU Audio Network \nCurrent Power State: 4\n", False),
        ("Internal failure\n", False),
        ("", False),
    ],
)
def test_whether_a_mac_has_its_display_on(state, on):
    assert mac_display_is_on(state) is on


def test_which_errors_are_the_watchdogs():
    metal = "[METAL] Command buffer execution failed: {}."
    stopped = "Impacting Interactivity (0000000e:kIOGPUCommandBufferCallbackErrorImpactingInteractivity)"
    late = "Caused GPU Timeout Error (00000002:kIOGPUCommandBufferCallbackErrorTimeout)"
    full = "Insufficient Memory (00000008:kIOGPUCommandBufferCallbackErrorOutOfMemory)"
    assert [tells_of_the_watchdog(metal.format(text)) for text in (stopped, late, full)] == [True, True, False]


def test_a_mac_is_kept_awake_by_its_own_tool_and_its_display_is_not():
    assert caffeinate(4711) == ["caffeinate", "-i", "-w", "4711"]


@pytest.fixture
def helper(monkeypatch):
    """As on a Mac, with a process that waits in the place of `caffeinate`."""
    waits = "import signal; print(flush=True); signal.pause()"
    started = []
    popen = subprocess.Popen

    def start(command, **more):
        started.append(popen(command, **more))
        return started[-1]

    monkeypatch.setattr(awake, "on_mac", lambda: True)
    monkeypatch.setattr(awake, "caffeinate", lambda pid: [sys.executable, "-c", waits])
    monkeypatch.setattr(subprocess, "Popen", start)
    return started


def test_the_helper_lives_as_long_as_the_work(helper):
    with pytest.raises(KeyError), kept_awake():
        (process,) = helper
        assert process.poll() is None
        raise KeyError
    assert process.returncode == -signal.SIGTERM


def test_nothing_is_started_where_it_is_not_wanted(helper):
    with kept_awake(wanted=False):
        pass
    assert not helper


def test_a_mac_without_its_tool_works_all_the_same(monkeypatch, caplog):
    monkeypatch.setattr(awake, "on_mac", lambda: True)
    monkeypatch.setattr(awake, "caffeinate", lambda pid: [os.devnull + "/caffeinate"])
    with kept_awake():
        pass
    assert "not kept awake" in caplog.text
