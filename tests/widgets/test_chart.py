"""A chart as text: exact where it is small, well-formed at every size."""

import math
from dataclasses import replace

import pytest
from rich.cells import cell_len

from tui_tuner.widgets.braille import stretches
from tui_tuner.widgets.chart import AXIS, CURSOR, PAPER, TEXT, TITLE, Chart, Series

FALLING = stretches([(x, 2.0 - x / 100) for x in range(101)])
POINTS = stretches([(0, 2.0), (50, 1.9), (100, 1.8)])
LOSS = Chart(
    [Series("train", FALLING), Series("valid", POINTS, "points")], title="loss", y_unit="nats", x_unit="iterations"
)


def text(chart, width, height):
    return ["".join(piece for piece, _ink in row) for row in chart.rows(width, height)]


def test_a_whole_chart():
    assert text(LOSS, 44, 9) == [
        "loss (nats)                 ━ train  ▪ valid",
        "2.0┤▪⠓⠒⠤⢄⣀⡀             ▪                   ",
        "   │      ⠈⠉⠒⠢⠤⢄⣀                          ▪",
        "   │             ⠉⠑⠒⠢⠤⣄⣀                    ",
        "1.5┤                    ⠉⠙⠒⠢⠤⢄⣀             ",
        "   │                           ⠉⠑⠒⠢⠤⣀⡀      ",
        "1.0┤                                 ⠈⠉⠑⠒⠤⢤⣀",
        "   └┬───────────────────┬──────── iterations",
        "    0                  50                100",
    ]


@pytest.mark.parametrize("height", [1, 2, 3, 4, 5, 8, 9, 24, 60])
@pytest.mark.parametrize(
    "chart",
    [
        LOSS,
        replace(LOSS, log=True, window=(0, 1000), cursor=50),
        replace(LOSS, series=(), empty="nothing yet", title="损失"),
        replace(LOSS, series=[Series("训练损失", FALLING)], title="损失"),
        Chart([Series("", stretches([(3, 1e-5)]))]),
        Chart([Series("flat", stretches([(0, 0.0), (9, 0.0)]))], title="zero"),
        Chart([Series("huge", stretches([(0, -3e38), (9, 3e38)]))], title="float32"),
    ],
)
def test_every_row_fills_its_width_at_every_size(chart, height):
    for width in (1, 2, 5, 12, 13, 20, 44, 80, 200):
        assert [cell_len(row) for row in text(chart, width, height)] == [width] * height


def test_no_room_no_rows():
    assert LOSS.rows(0, 5) == []
    assert LOSS.rows(5, 0) == []


def test_each_part_has_its_ink():
    rows = LOSS.rows(44, 9)
    assert rows[0] == [
        ("loss (nats)", TITLE),
        (" " * 15, PAPER),
        ("  ", PAPER),
        ("━", 0),
        (" train", TEXT),
        ("  ", PAPER),
        ("▪", 1),
        (" valid", TEXT),
    ]
    inks = {ink for row in rows[1:-2] for _text, ink in row}
    assert inks == {AXIS, PAPER, 0, 1}


def test_a_mark_is_drawn_over_the_line():
    first = LOSS.rows(44, 9)[1]
    assert first[0] == ("2.0┤", AXIS)
    assert first[1] == ("▪", 1)
    assert first[2][1] == 0


def test_a_gap_is_a_gap_and_never_a_bound():
    points = [(0, 1.0), (1, math.nan), (2, math.inf), (3, 2.0)]
    chart = Chart([Series("a", stretches(points))])
    holes = Chart([Series("a", [*stretches([(0, 1.0)]), *stretches([(3, 2.0)])])])
    assert text(chart, 40, 9) == text(holes, 40, 9)
    assert "inf" not in "".join(text(chart, 40, 9))


def test_nothing_to_draw_says_so():
    for series in ([], [Series("a", [])], [Series("a", stretches([(0, math.nan)]))]):
        rows = text(Chart(series, title="loss", empty="no run yet"), 21, 5)
        assert rows[0].rstrip() == "loss"
        assert rows[2].strip() == "no run yet"


def test_a_logarithmic_chart_is_named_and_refused_where_a_value_is_not_above_zero():
    powers = [(x, 10.0**x) for x in range(4)]
    rows = text(Chart([Series("a", stretches(powers))], title="loss", log=True), 30, 12)
    assert rows[0].startswith("loss (log)")
    assert [row.split("┤")[0].strip() for row in rows if "┤" in row] == ["1,000", "100", "10", "1"]
    zero = text(Chart([Series("a", stretches([*powers, (4, 0.0)]))], title="loss", log=True), 30, 12)
    assert "log" not in zero[0]


def test_zero_outside_the_window_does_not_forbid_the_logarithm():
    points = [(0, 0.0), (1, 1.0), (2, 10.0), (3, 100.0)]
    rows = text(Chart([Series("a", stretches(points))], title="t", log=True, window=(1, 3)), 30, 12)
    assert rows[0].startswith("t (log)")


def test_a_window_leaves_room_for_what_is_to_come():
    rows = text(replace(LOSS, window=(0, 1000)), 60, 9)
    assert rows[-1].split() == ["0", "250", "500", "750", "1,000"]
    drawn = max(len(row.rstrip()) for row in rows[1:-2])
    assert drawn < 12, "a tenth of the way"


def test_the_cursor_reads_every_series_at_its_nearest_point_and_is_drawn_behind_them():
    rows = text(replace(LOSS, cursor=60), 60, 9)
    assert rows[0] == "loss (nats)      iterations 60  ━ train 1.4  ▪ valid 1.9 @50"
    assert sum(row[37] == "│" for row in rows[1:-2]) == 5, "where the curve is it stays"
    inks = [ink for row in replace(LOSS, cursor=60).rows(60, 9)[1:-2] for _text, ink in row]
    assert inks.count(CURSOR) == 5
    assert text(replace(LOSS, cursor=60, window=(0, 50)), 60, 9)[1:] == text(replace(LOSS, window=(0, 50)), 60, 9)[1:]


def test_without_room_the_cursor_names_only_values():
    assert text(replace(LOSS, cursor=100, written="{:.2f}".format), 45, 9)[0].endswith("100  ━ 1.00  ▪ 1.80")


def test_what_is_said_of_the_view_stands_beside_the_unit():
    assert text(replace(LOSS, about="×4"), 44, 9)[-2].endswith("─── iterations · ×4")


def test_a_column_knows_its_place():
    gutter = 4
    assert LOSS.x_at(gutter, 44, 9) == 0
    assert LOSS.x_at(43, 44, 9) == 100
    assert LOSS.x_at(gutter + 20, 44, 9) == pytest.approx(100 * 20 / 39)
    assert LOSS.x_at(gutter - 1, 44, 9) is None
    assert replace(LOSS, series=()).x_at(9, 44, 9) is None


def test_heights_follow_what_is_in_sight():
    points = [(0, 1000.0), *((x, 1.0 + x / 100) for x in range(1, 101))]
    rows = text(Chart([Series("a", stretches(points))], window=(50, 100)), 40, 9)
    assert not any("1000" in row or "1,000" in row for row in rows)


def test_small_charts_drop_what_does_not_fit_and_keep_the_curve():
    assert text(LOSS, 20, 5)[0].startswith("loss (nats)")
    assert "└" not in "".join(text(LOSS, 20, 5))
    assert "└" in "".join(text(LOSS, 20, 8))
    tiny = text(LOSS, 10, 3)
    assert tiny[0] == "loss      "
    assert "┤" not in "".join(tiny)
    assert any("⠀" < character < "⣿" or character == "▪" for character in tiny[1])


def test_two_series_of_points_have_two_marks():
    other = Series("old", stretches([(0, 1.0), (100, 1.0)]), "points")
    heading = text(replace(LOSS, series=[*LOSS.series, other]), 60, 9)[0]
    assert "▪ valid" in heading
    assert "◆ old" in heading
