"""Dots where they belong, gaps where nothing is known, no spike lost."""

import math
import random

import pytest

from tui_tuner.widgets.braille import NOBODY, Canvas, Scale, Stretch, clip, stretches


def drawn(points, width, height, bounds=None):
    """The canvas as lines of text, the scales around the points (or `bounds`: x0, x1, y0, y1)."""
    parts = stretches(points)
    xs, ys = [x for part in parts for x in part.xs], [y for part in parts for y in part.ys]
    x0, x1, y0, y1 = bounds or (min(xs), max(xs), min(ys), max(ys))
    canvas = Canvas(width, height)
    canvas.draw_line(parts, Scale(x0, x1, canvas.dot_columns), Scale(y1, y0, canvas.dot_rows), 0)
    return ["".join(row) for row in canvas.characters]


def dots(lines):
    """The set of (column, row) of every dot."""
    places = {
        0x01: (0, 0),
        0x02: (0, 1),
        0x04: (0, 2),
        0x40: (0, 3),
        0x08: (1, 0),
        0x10: (1, 1),
        0x20: (1, 2),
        0x80: (1, 3),
    }
    return {
        (2 * column + x, 4 * row + y)
        for row, line in enumerate(lines)
        for column, character in enumerate(line)
        if character != " "
        for bit, (x, y) in places.items()
        if ord(character) - 0x2800 & bit
    }


def test_a_diagonal_is_one_dot_a_column():
    assert drawn([(0, 0), (1, 1)], 4, 2) == ["  ⡠⠊", "⡠⠊  "]
    assert drawn([(0, 1), (1, 0)], 4, 2) == ["⠑⢄  ", "  ⠑⢄"]


def test_a_steep_line_has_no_holes_and_no_double_rows():
    for down in (False, True):
        found = dots(drawn([(0, down), (1, not down)], 2, 5))
        assert sorted(row for _column, row in found) == list(range(20))
        assert {column for column, _row in found} == {0, 1, 2, 3}


def test_a_flat_line_and_a_single_point():
    assert drawn([(0, 1), (1, 1)], 3, 1, (0, 1, 0, 2)) == ["⠤⠤⠤"]
    assert dots(drawn([(5, 5)], 3, 1, (4, 6, 4, 6))) == {(3, 2)}


def test_joined_points_are_a_connected_curve():
    random.seed(1)
    points = [(x, random.random()) for x in range(40)]
    found = dots(drawn(points, 30, 8))
    columns = {column: sorted(row for at, row in found if at == column) for column in range(60)}
    for column in range(59):
        here, there = columns[column], columns[column + 1]
        assert here, "a column without a dot"
        assert here == list(range(here[0], here[-1] + 1))
        assert here[0] <= there[-1] + 1
        assert there[0] <= here[-1] + 1


@pytest.mark.parametrize("spike", [0.0, 100.0])
@pytest.mark.parametrize("at", [0, 1, 4321, 9998, 9999])
def test_a_single_spike_among_ten_thousand_points_is_seen(spike, at):
    points = [(x, 50.0) for x in range(10_000)]
    points[at] = (at, spike)
    rows = {row for _column, row in dots(drawn(points, 20, 5, (0, 9999, 0.0, 100.0)))}
    assert (0 if spike else 19) in rows


def test_many_points_draw_the_same_as_the_few_that_matter():
    """Reducing to buckets changes nothing: a straight line stays the line between its ends."""
    many = [(x, x) for x in range(10_000)]
    assert dots(drawn(many, 10, 3)) >= dots(drawn([many[0], many[-1]], 10, 3))
    assert len(dots(drawn(many, 10, 3))) <= 40


@pytest.mark.parametrize("hole", [math.nan, math.inf, -math.inf])
def test_what_is_not_a_number_is_a_gap(hole):
    points = [(x, 1.0) for x in range(10)]
    points[4] = points[5] = (4, hole)
    assert [list(part.xs) for part in stretches(points)] == [[0, 1, 2, 3], [6, 7, 8, 9]]
    columns = {column for column, _row in dots(drawn(points, 5, 1, (0, 9, 0, 2)))}
    assert columns == {0, 1, 2, 3, 6, 7, 8, 9}


def test_points_are_put_in_order_and_those_without_a_place_left_out():
    assert stretches([]) == []
    assert stretches([(1, math.nan)]) == []
    assert stretches([(2, 20), (1, 10)]) == [Stretch([1, 2], [10, 20])]
    assert [list(part.xs) for part in stretches([(3, 3), (math.nan, 9), (1, math.nan), (0, 0)])] == [[0], [3]]


def test_clipping_keeps_the_line_on_its_way_out():
    part = Stretch([0, 10, 20, 30], [0, 100, 200, 300])
    assert clip(part, 5, 25) == Stretch([5, 10, 20, 25], [50, 100, 200, 250])
    assert clip(part, 12, 18) == Stretch([12, 18], [120, 180])
    assert clip(part, 10, 20) == Stretch([10, 20], [100, 200])
    assert clip(part, -5, 40) is part
    assert clip(part, 40, 50) == Stretch([], [])
    assert clip(part, -9, -1) == Stretch([], [])


def test_the_topmost_layer_owns_its_cells_alone():
    canvas = Canvas(3, 1)
    x_scale, y_scale = Scale(0, 1, 6), Scale(3, 0, 4)
    canvas.draw_line([Stretch([0, 1], [0, 0])], x_scale, y_scale, 0)
    canvas.draw_line([Stretch([0, 0.2], [3, 3])], x_scale, y_scale, 1)
    canvas.draw_marks([Stretch([1.0], [1])], x_scale, y_scale, 2, "▪")
    assert "".join(canvas.characters[0]) == "⠉⣀▪"
    assert canvas.owners[0] == [1, 0, 2]


def test_marks_outside_the_canvas_are_not_drawn():
    canvas = Canvas(3, 1)
    canvas.draw_marks([Stretch([-5, 9], [0, 9])], Scale(0, 1, 6), Scale(1, 0, 4), 0, "▪")
    assert canvas.owners == [[NOBODY] * 3]


def test_a_logarithmic_scale_gives_every_decade_the_same_room():
    place = Scale(1, 1000, 31, log=True).function()
    assert [place(value) for value in (1, 10, 100, 1000)] == [0, 10, 20, 30]
    assert Scale(10, 0, 11).function()(10) == 0, "backwards"
