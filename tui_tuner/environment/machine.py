"""The machine, its system and its Python: what decides whether MLX runs here at all, and on what."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from tui_tuner.environment.check import CheckResult, Fix
from tui_tuner.environment.system import content_of, on_mac, output_of, parse_colons, sysctl
from tui_tuner.language import _, ngettext
from tui_tuner.plain_text import one_line

OLDEST_MACOS = (14, 0)  # MLX's wheels ask for it
OLDEST_PYTHON, NEWEST_PYTHON = (3, 10), (3, 13)
CHIP_NAMES = ("machdep.cpu.brand_string", "hw.optional.arm64", "sysctl.proc_translated")


def check_chip() -> CheckResult:
    """Apple Silicon, and a Python that runs on it natively. Not run on a Mac yet; `judge_chip` is tested."""
    return judge_chip(sysctl(*CHIP_NAMES), platform.machine()) if on_mac() else judge_other_machine()


def judge_chip(facts: Mapping[str, str], python_machine: str) -> CheckResult:
    """Judge what `sysctl` says of a Mac's chip.

    Args:
        facts: the values of `CHIP_NAMES`; an Intel Mac knows only the first.
        python_machine: what this Python was built for: "arm64" or "x86_64".
    """
    name = _("Apple Silicon")
    why = _("MLX computes on the GPU of Apple's own chips; a Python for Intel processors cannot reach it.")
    brand = one_line(facts.get("machdep.cpu.brand_string", ""), 40) or _("unknown chip")
    translated = facts.get("sysctl.proc_translated") == "1"
    apple = brand.startswith("Apple") or translated or facts.get("hw.optional.arm64") == "1"
    if not apple:
        return CheckResult("apple_silicon", name, "missing", _("{brand}: MLX needs an Apple chip", brand=brand), why)
    if translated or python_machine == "x86_64":
        fix = Fix("/opt/homebrew/bin/brew install python@3.12", None, _("install a native Python"))
        finding = _("{brand}, but this Python runs under Rosetta", brand=brand)
        return CheckResult("apple_silicon", name, "missing", finding, why, fix)
    return CheckResult("apple_silicon", name, "ok", brand, why)


def judge_other_machine() -> CheckResult:
    """Say what this machine is, where it is no Mac."""
    processor = parse_colons(content_of(Path("/proc/cpuinfo"))).get("model name", platform.processor())
    words = [f"{platform.system()} {platform.machine()}", one_line(processor, 40)]
    words.append(ngettext("{count} core", "{count} cores", os.cpu_count() or 1, count=os.cpu_count() or 1))
    why = _("Not a Mac: MLX runs on this machine's processor, or on an NVIDIA GPU with the extra tui-tuner[cuda].")
    finding = " · ".join(word for word in words if word)
    return CheckResult("apple_silicon", _("Apple Silicon"), "not_applicable", finding, why)


def check_macos() -> CheckResult:
    """The version of macOS. Not run on a Mac yet; `judge_macos` is tested."""
    if not on_mac():
        why = _("Only a Mac has one.")
        return CheckResult("macos", _("macOS"), "not_applicable", _("not a Mac"), why)
    return judge_macos(output_of(["sw_vers"]))


def judge_macos(sw_vers: str) -> CheckResult:
    """Judge what `sw_vers` says."""
    name, version = _("macOS"), parse_colons(sw_vers).get("ProductVersion", "")
    why = _("MLX needs macOS {oldest} or newer.", oldest=".".join(map(str, OLDEST_MACOS)))
    found = re.match(r"(\d+)(?:\.(\d+))?", version)
    if found is None:
        return CheckResult("macos", name, "warning", _("version unknown"), why)
    if (int(found[1]), int(found[2] or 0)) < OLDEST_MACOS:
        fix = Fix("softwareupdate --list", None, _("look for updates"))
        return CheckResult("macos", name, "missing", _("{version} is too old", version=one_line(version, 20)), why, fix)
    return CheckResult("macos", name, "ok", one_line(version, 20), why)


def check_python() -> CheckResult:
    """The Python this program runs in."""
    return judge_python(sys.version_info[:3], Path(sys.executable))


def judge_python(version: tuple[int, ...], executable: Path) -> CheckResult:
    """Judge a Python's version."""
    oldest, newest = (".".join(map(str, bound)) for bound in (OLDEST_PYTHON, NEWEST_PYTHON))
    why = _("MLX and this program are made for Python {oldest} to {newest}.", oldest=oldest, newest=newest)
    finding = f"{'.'.join(map(str, version))} · {one_line(str(executable), 60)}"
    if OLDEST_PYTHON <= version[:2] <= NEWEST_PYTHON:
        return CheckResult("python", "Python", "ok", finding, why)
    command = "brew install python@3.12" if on_mac() else "uv python install 3.12"
    return CheckResult("python", "Python", "warning", finding, why, Fix(command, None, _("install Python 3.12")))
