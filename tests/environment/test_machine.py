from pathlib import Path

import pytest

from tui_tuner.environment.homebrew import judge_homebrew
from tui_tuner.environment.machine import check_chip, check_macos, check_python, judge_chip, judge_macos, judge_python
from tui_tuner.environment.system import output_of, parse_colons

NATIVE = "machdep.cpu.brand_string: Apple M2 Pro\nhw.optional.arm64: 1\nsysctl.proc_translated: 0\n"
ROSETTA = "machdep.cpu.brand_string: VirtualApple @ 2.50GHz\nhw.optional.arm64: 1\nsysctl.proc_translated: 1\n"
INTEL = "machdep.cpu.brand_string: Intel(R) Core(TM) i7-9750H CPU @ 2.60GHz\n"


def test_an_apple_chip_with_a_native_python_is_fine():
    result = judge_chip(parse_colons(NATIVE), "arm64")
    assert (result.state, result.finding) == ("ok", "Apple M2 Pro")


@pytest.mark.parametrize(("text", "machine"), [(ROSETTA, "x86_64"), (NATIVE, "x86_64"), (ROSETTA, "arm64")])
def test_a_python_under_rosetta_is_found_out(text, machine):
    result = judge_chip(parse_colons(text), machine)
    assert result.state == "missing"
    assert "Rosetta" in result.finding
    assert "/opt/homebrew" in result.fix.command


def test_an_intel_mac_cannot_be_helped():
    result = judge_chip(parse_colons(INTEL), "x86_64")
    assert (result.state, result.fix) == ("missing", None)
    assert "i7-9750H" in result.finding


@pytest.mark.parametrize(
    ("version", "state"),
    [("15.5", "ok"), ("14.0", "ok"), ("26", "ok"), ("13.7.2", "missing"), ("", "warning")],
)
def test_macos_has_to_be_new_enough(version, state):
    text = f"ProductName:\t\tmacOS\nProductVersion:\t\t{version}\nBuildVersion:\t\t24F74\n"
    assert judge_macos(text).state == state


@pytest.mark.parametrize(
    ("version", "state"),
    [((3, 9, 19), "warning"), ((3, 10, 0), "ok"), ((3, 13, 1), "ok"), ((3, 14, 0), "warning")],
)
def test_python_has_to_be_one_of_those_supported(version, state):
    result = judge_python(version, Path("/usr/bin/python3"))
    assert result.state == state
    assert ".".join(map(str, version)) in result.finding


@pytest.mark.parametrize(
    ("brew", "state"), [("/opt/homebrew/bin/brew", "ok"), ("/usr/local/bin/brew", "warning"), (None, "missing")]
)
def test_a_homebrew_for_intel_is_told_apart(brew, state):
    assert judge_homebrew(brew).state == state


def test_what_is_apples_does_not_fail_elsewhere(monkeypatch):
    monkeypatch.setattr("platform.system", lambda: "Linux")
    assert check_chip().state == "not_applicable"
    assert check_macos().state == "not_applicable"
    assert "Linux" in check_chip().finding
    assert check_python().state in ("ok", "warning")


def test_a_tool_that_is_missing_says_nothing_and_one_that_fails_what_it_said():
    assert output_of(["no-such-tool-anywhere"]) == ""
    assert output_of(["sh", "-c", "echo kept; exit 1"]) == "kept\n"
