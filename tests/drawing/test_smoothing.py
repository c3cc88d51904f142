"""The smoothed line is TensorBoard's: an exponential average without the pull of its start."""

import math

import pytest

from tui_tuner.drawing.smoothing import SmoothedLine


def smooth(values, weight):
    points = SmoothedLine(weight).of(list(enumerate(values)))
    assert [x for x, _y in points] == list(range(len(values)))
    return [y for _x, y in points]


def test_the_first_value_is_itself_and_not_dragged_towards_zero():
    assert smooth([5.0], 0.9) == [pytest.approx(5.0)]


def test_known_values():
    # By hand: (0.5*4) / 0.5; (0.25*4 + 0.5*2) / 0.75; (0.125*4 + 0.25*2 + 0.5*1) / 0.875.
    assert smooth([4, 2, 1], 0.5) == pytest.approx([4, 2 / 0.75, 1.5 / 0.875])


def test_a_constant_stays_constant():
    assert smooth([3.0] * 50, 0.97) == pytest.approx([3.0] * 50)


def test_without_weight_nothing_changes():
    assert smooth([1.0, -2.0, 7.0], 0) == [1.0, -2.0, 7.0]


def test_a_gap_stays_a_gap_and_touches_nothing_after_it():
    smoothed = smooth([4.0, math.nan, math.inf, 2.0], 0.5)
    assert math.isnan(smoothed[1])
    assert math.isnan(smoothed[2])
    assert [smoothed[0], smoothed[3]] == smooth([4.0, 2.0], 0.5)


def test_a_line_that_grows_is_the_line_it_would_have_been_and_one_cut_short_is_begun_again():
    points = [(x, float(x * x % 7)) for x in range(30)]
    line = SmoothedLine(0.9)
    for end in (0, 3, 3, 20, 30, 12, 25):
        assert line.of(points[:end]) == SmoothedLine(0.9).of(points[:end])
    changed = [*points[:24], (24, 100.0), *points[25:]]
    assert line.of(changed) == SmoothedLine(0.9).of(changed)


@pytest.mark.parametrize("weight", [-0.1, 1.0, math.nan])
def test_a_weight_that_averages_nothing_is_refused(weight):
    with pytest.raises(ValueError, match="weight"):
        SmoothedLine(weight)
