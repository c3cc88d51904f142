"""Axes speak in round numbers."""

import pytest

from tui_tuner.drawing.axes import labels, log_ticks, ticks


@pytest.mark.parametrize(
    ("low", "high", "most", "written"),
    [
        (0, 412, 8, "0 100 200 300 400"),
        (0.4, 2.2, 5, "0.5 1.0 1.5 2.0"),
        (-5, 5, 5, "-4 -2 0 2 4"),
        (7, 8, 2, "7 8"),
        (0, 20_000, 6, "0 5k 10k 15k 20k"),
        (0, 9_999, 6, "0 2,000 4,000 6,000 8,000"),
        (0, 3e6, 4, "0 1M 2M 3M"),
        (0, 1e-4, 5, "0 2.5e-5 5e-5 7.5e-5 1e-4"),
        (1e-4, 1.5e-4, 3, "1e-4 1.2e-4 1.4e-4"),
        (0.5, 0.50001, 4, "0.500000 0.500005 0.500010"),
    ],
)
def test_linear_marks(low, high, most, written):
    assert " ".join(labels(ticks(low, high, most))) == written


@pytest.mark.parametrize("most", range(1, 12))
@pytest.mark.parametrize(("low", "high"), [(0, 1), (-3.7, 912.4), (1e-9, 2e-9), (99, 101), (-1e8, 1e9)])
def test_never_more_marks_than_there_is_room_and_none_outside(low, high, most):
    marks = ticks(low, high, most)
    assert len(marks) <= most
    assert all(low - 1e-6 * (high - low) <= mark <= high + 1e-6 * (high - low) for mark in marks)
    assert len(set(labels(marks))) == len(marks), "two marks with one label"


@pytest.mark.parametrize(
    ("low", "high", "most", "written"),
    [
        (0.01, 10, 6, "0.01 0.1 1 10"),
        (1, 40, 5, "1 2 5 10 20"),
        (0.3, 900, 4, "1 10 100"),
        (1e-6, 1e5, 4, "1e-6 0.001 1 1,000"),
        (1e3, 1e6, 4, "1,000 10k 100k 1M"),
        (1, 5, 5, "1 2 3 4 5"),
    ],
)
def test_logarithmic_marks(low, high, most, written):
    assert " ".join(labels(log_ticks(low, high, most))) == written


def test_no_marks_no_labels():
    assert labels([]) == []
