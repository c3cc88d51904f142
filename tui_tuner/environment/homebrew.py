"""Homebrew, the package manager the fixes on a Mac are written for."""

from __future__ import annotations

import shutil
from pathlib import Path

from tui_tuner.environment.check import CheckResult, Fix
from tui_tuner.environment.system import on_mac
from tui_tuner.language import _
from tui_tuner.plain_text import one_line

INSTALL = (
    '/bin/bash -c "$(curl -fsSL https://raw.githubusercontent.com/Homebrew/install/HEAD/install.sh)"'  # from brew.sh
)
# Where Homebrew lives on Apple Silicon, and on Intel; a shell without its setup does not have them on its PATH.
PLACES = (Path("/opt/homebrew/bin/brew"), Path("/usr/local/bin/brew"))
INTEL_PREFIX = "/usr/local/"


def check_homebrew() -> CheckResult:
    """Homebrew. Not run on a Mac yet; `judge_homebrew` is tested."""
    if not on_mac():
        finding, why = _("not a Mac"), _("On this system the fixes use its own package manager.")
        return CheckResult("homebrew", "Homebrew", "not_applicable", finding, why)
    found = shutil.which("brew") or next((str(place) for place in PLACES if place.exists()), None)
    return judge_homebrew(found)


def judge_homebrew(brew: str | None) -> CheckResult:
    """Judge where `brew` was found, on a Mac."""
    why = _("Not needed, but Python, Ollama and other tools are installed with it in one line.")
    if brew is None:
        fix = Fix(INSTALL, None, _("install Homebrew"))
        return CheckResult("homebrew", "Homebrew", "missing", _("not installed (only needed by some fixes)"), why, fix)
    brew = one_line(brew, 60)
    if brew.startswith(INTEL_PREFIX):
        finding = _("{brew} is the one for Intel: what it installs runs under Rosetta", brew=brew)
        return CheckResult(
            "homebrew", "Homebrew", "warning", finding, why, Fix(INSTALL, None, _("install a native one"))
        )
    return CheckResult("homebrew", "Homebrew", "ok", brew, why)
