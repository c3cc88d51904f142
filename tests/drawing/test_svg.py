"""The chart for a page: well-formed, escaped, small, and true to its points."""

import math
import xml.etree.ElementTree as ElementTree

import pytest

from tui_tuner.drawing.svg import BOTTOM, HEIGHT, LEFT, RIGHT, SMALL, TOP, WIDTH, SvgLine, chart


def drawn(lines, **options):
    return ElementTree.fromstring(chart(lines, title="loss", **{"x_end": 100, **options}))


def coordinates(svg, kind="train"):
    (path,) = [element for element in svg if element.get("class") == f"line-{kind}"]
    return [tuple(map(float, pair.split())) for pair in path.get("d").replace("M", "L").split("L")[1:]]


def test_points_are_where_they_belong():
    svg = drawn([SvgLine([(0, 3.0), (50, 2.0), (100, 1.0)], "train"), SvgLine([(100, 1.0)], "valid", marks=True)])
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    assert coordinates(svg) == [(LEFT, TOP), ((LEFT + right) / 2, (TOP + bottom) / 2), (right, bottom)]
    (mark,) = [element for element in svg if element.get("class") == "mark-valid"]
    assert (float(mark.get("cx")), float(mark.get("cy"))) == (right, bottom)
    texts = [element.text for element in svg if element.tag == "text"]
    assert {"1.0", "3.0", "0", "100"} <= set(texts)


def test_a_small_chart_fills_its_room_and_has_fewer_numbers():
    points = [(0, 3.0), (100, 1.0)]
    svg, large = drawn([SvgLine(points, "train")], size=SMALL), drawn([SvgLine(points, "train")])
    assert svg.get("viewBox") == f"0 0 {SMALL[0]} {SMALL[1]}"
    assert coordinates(svg) == [(LEFT, TOP), (SMALL[0] - RIGHT, SMALL[1] - BOTTOM)]
    assert len(list(svg)) < len(list(large))


def test_a_gap_is_a_gap():
    svg = drawn([SvgLine([(0, 1.0), (1, math.nan), (2, 2.0), (3, math.inf), (4, 1.0)], "train")])
    (path,) = [element for element in svg if element.get("class") == "line-train"]
    assert path.get("d").count("M") == 3


def test_many_points_become_few_and_no_spike_is_lost():
    points = [(x, 1.0) for x in range(50_000)]
    points[31_234] = (31_234, 9.0)
    svg = drawn([SvgLine(points, "train")], x_end=50_000)
    found = coordinates(svg)
    assert len(found) < 1300
    assert min(y for _x, y in found) == TOP


@pytest.mark.parametrize("points", [[(0, 0.0)], [(0, 5.0), (9, 5.0)], [(0, -3e38), (9, 3e38)], [(5, 1e-12)]])
def test_every_curve_can_be_drawn(points):
    for logarithmic in (False, True):
        drawn([SvgLine(points, "train")], logarithmic=logarithmic)


def test_logarithmic_heights():
    svg = drawn([SvgLine([(0, 1.0), (50, 10.0), (100, 100.0)], "train")], logarithmic=True)
    assert coordinates(svg)[1][1] == pytest.approx((TOP + HEIGHT - BOTTOM) / 2)


def test_nothing_to_draw_is_nothing():
    assert chart([SvgLine([], "train"), SvgLine([(1, math.nan)], "valid")], title="loss", x_end=9) == ""


def test_what_a_title_says_is_no_markup():
    assert "<script>" not in chart([SvgLine([(0, 1.0)], 'x"><script>')], title='"><script>', x_end=9)
