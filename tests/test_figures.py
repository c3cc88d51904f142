"""Numbers with their units, at every boundary where the unit changes."""

import math
import subprocess
import sys

import pytest

from tui_tuner import figures


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0:00"),
        (7, "0:07"),
        (7.4, "0:07"),
        (59.6, "1:00"),
        (3599.4, "59:59"),
        (3599.5, "1:00:00"),
        (6730, "1:52:10"),
        (360_000, "100:00:00"),
        (-3, "0:00"),
        (None, "–"),
        (math.inf, "–"),
        (math.nan, "–"),
    ],
)
def test_a_duration_is_written_as_hours_minutes_seconds(seconds, text):
    assert figures.duration(seconds) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (1234.0, "1,234"),
        (1234567, "1,234,567"),
        (12.5, "12.5"),
        (12.04, "12"),
        (-0.04, "0"),
        (-1234.5, "-1,234.5"),
        (None, "–"),
        (math.nan, "–"),
    ],
)
def test_a_count_has_thousands_separators(number, text):
    assert figures.count(number) == text


@pytest.mark.parametrize(
    ("per_second", "unit", "text"),
    [
        (5.8 / 60, "answers", "5.8 answers/min"),
        (5.8 / 60, "", "5.8/min"),
        (212, "tok", "212 tok/s"),
        (1, "steps", "1.0 steps/s"),
        (0.99, "steps", "59.4 steps/min"),
        (1 / 60, "steps", "1.0 steps/min"),
        (0.9 / 60, "steps", "54.0 steps/h"),
        (0.05 / 3600, "steps", "0.05 steps/h"),
        (12_345.6, "tok", "12,346 tok/s"),
        (99.96, "tok", "100 tok/s"),
        (0, "tok", "0 tok/s"),
        (None, "tok", "–"),
        (math.inf, "tok", "–"),
    ],
)
def test_a_rate_uses_the_span_that_makes_it_readable(per_second, unit, text):
    assert figures.rate(per_second, unit) == text


@pytest.mark.parametrize(
    ("bytes_", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (98_362_432, "98.4 MB"),
        (999_949_999, "999.9 MB"),
        (999_960_000, "1.0 GB"),
        (4.1e9, "4.1 GB"),
        (7e18, "7,000.0 PB"),
        (None, "–"),
    ],
)
def test_a_size_is_decimal_and_never_shows_four_digits_before_the_point(bytes_, text):
    assert figures.size(bytes_) == text


def test_memory_is_counted_as_on_the_box_of_a_mac():
    assert figures.memory(16 * 2**30) == "16.0 GB"
    assert figures.memory(None) == "–"


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(412, 1000, "41 %"), (999, 1000, "99 %"), (1000, 1000, "100 %"), (0.57, 1, "57 %"), (1, 0, "–"), (None, 5, "–")],
)
def test_percent_reaches_100_only_when_all_is_done(part, whole, text):
    assert figures.percent(part, whole) == text


def test_the_headless_commands_can_use_it_without_the_terminal_library():
    code = "import sys, tui_tuner.figures; sys.exit(any(m in sys.modules for m in ('textual', 'rich')))"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def test_a_bar_has_eighths_and_is_never_empty_for_something():
    assert figures.bar(8, 8, 4) == "████"
    assert figures.bar(3, 8, 4) == "█▌"
    assert figures.bar(1, 10_000, 4) == "▏"
    assert figures.bar(0, 8, 4) == figures.bar(0, 0, 4) == ""
    assert figures.bar(9, 8, 4) == "████"
