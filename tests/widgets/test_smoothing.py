"""The smoothed line is TensorBoard's: an exponential average without the pull of its start."""

import math

import pytest

from tui_tuner.widgets.smoothing import exponential_average


def test_the_first_value_is_itself_and_not_dragged_towards_zero():
    assert exponential_average([5.0], 0.9) == [pytest.approx(5.0)]


def test_known_values():
    # By hand: (0.5*4) / 0.5; (0.25*4 + 0.5*2) / 0.75; (0.125*4 + 0.25*2 + 0.5*1) / 0.875.
    assert exponential_average([4, 2, 1], 0.5) == pytest.approx([4, 2 / 0.75, 1.5 / 0.875])


def test_a_constant_stays_constant():
    assert exponential_average([3.0] * 50, 0.97) == pytest.approx([3.0] * 50)


def test_without_weight_nothing_changes():
    assert exponential_average([1.0, -2.0, 7.0], 0) == [1.0, -2.0, 7.0]


def test_a_gap_stays_a_gap_and_touches_nothing_after_it():
    smooth = exponential_average([4.0, math.nan, math.inf, 2.0], 0.5)
    assert math.isnan(smooth[1])
    assert math.isnan(smooth[2])
    assert [smooth[0], smooth[3]] == exponential_average([4.0, 2.0], 0.5)


@pytest.mark.parametrize("weight", [-0.1, 1.0, math.nan])
def test_a_weight_that_averages_nothing_is_refused(weight):
    with pytest.raises(ValueError, match="weight"):
        exponential_average([1.0], weight)
