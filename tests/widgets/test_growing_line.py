"""A line that grows is cut as the whole of it would be."""

import math

import pytest

from tui_tuner.widgets import growing_line
from tui_tuner.widgets.braille import stretches
from tui_tuner.widgets.growing_line import GrowingLine

RISING = [(x, float(x)) for x in range(20)]
GAPS = [(0, 1.0), (1, math.nan), (2, 2.0), (3, math.inf), (4, 3.0), (5, math.nan)]
BACK = [(0, 1.0), (5, 2.0), (3, 3.0), (4, 4.0), (4, 5.0)]


@pytest.mark.parametrize("points", [RISING, GAPS, BACK])
def test_bit_by_bit_is_as_good_as_at_once(points):
    line = GrowingLine()
    for end in (*range(len(points) + 1), 2, 5, 3):
        line.take(points[:end])
        assert line.parts == stretches(points[:end])


def test_a_list_that_was_cut_and_grew_again_is_read_again():
    line = GrowingLine()
    line.take(RISING)
    other = [*RISING[:5], *((x, 0.5) for x in range(5, 25))]
    line.take(other)
    assert line.parts == stretches(other)


def test_what_was_there_is_not_looked_at_again(monkeypatch):
    line = GrowingLine()
    line.take(RISING[:10])
    monkeypatch.setattr(growing_line, "stretches", None)
    line.take(RISING)
    assert line.parts == [stretches(RISING)[0]]
