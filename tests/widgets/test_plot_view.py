"""What is looked at: exact numbers, no widget."""

from tui_tuner.widgets.plot_view import PlotView

WHOLE = (0.0, 100.0)
XS = list(range(1, 61))  # trained so far


def test_everything_at_first_and_the_newest_when_zoomed():
    view = PlotView()
    assert view.window(WHOLE, 60) == WHOLE
    view.zoom_by(5, WHOLE, 60)
    assert view.window(WHOLE, 60) == (40, 60)
    assert view.window(WHOLE, 80) == (60, 80), "it follows"
    assert view.window(WHOLE, 3) == (0, 20)


def test_zoom_keeps_what_is_under_the_cursor_in_its_place():
    view = PlotView()
    view.point_at(25.2, XS)
    assert view.cursor == 25
    view.zoom_by(2, WHOLE, 60)
    assert view.window(WHOLE, 60) == (12.5, 62.5)
    view.zoom_by(2, WHOLE, 60, at=62.5)
    assert view.window(WHOLE, 60) == (37.5, 62.5)
    view.zoom_by(1 / 8, WHOLE, 60)
    assert view.window(WHOLE, 60) == WHOLE
    assert view.follows


def test_zoom_ends_at_a_few_steps():
    view = PlotView()
    for _time in range(50):
        view.zoom_by(2, WHOLE, 60)
    assert view.window(WHOLE, 60) == (58, 60)


def test_panning_stops_at_the_ends_and_follows_again_at_the_newest():
    view = PlotView()
    view.zoom_by(5, WHOLE, 60)
    view.pan(-0.5, WHOLE, 60)
    assert view.window(WHOLE, 60) == (30, 50)
    assert view.window(WHOLE, 90) == (30, 50), "moved away it stays"
    view.pan(-9, WHOLE, 60)
    assert view.window(WHOLE, 60) == (0, 20)
    view.pan(9, WHOLE, 60)
    assert view.follows


def test_the_cursor_begins_at_the_newest_point_and_goes_by_cells_or_points():
    view = PlotView()
    view.move_cursor(-1, XS, WHOLE, 50)
    assert view.cursor == 60
    view.move_cursor(-1, XS, WHOLE, 50)
    assert view.cursor == 58, "a cell is two steps wide"
    view.zoom_by(25, WHOLE, 60)
    view.move_cursor(-1, XS, WHOLE, 50)
    assert view.cursor == 57, "a cell is less than a step"
    view.move_cursor(99, XS, WHOLE, 1)
    assert view.cursor == 60
    view.move_cursor(1, XS, WHOLE, 50)
    assert view.cursor == 60


def test_the_view_goes_with_the_cursor():
    view = PlotView()
    view.zoom_by(10, WHOLE, 60)
    for _time in range(30):
        view.move_cursor(-1, XS, WHOLE, 10)
    assert view.cursor == 31
    assert view.window(WHOLE, 60) == (31, 41)
    view.reset()
    assert (view.window(WHOLE, 60), view.cursor) == (WHOLE, None)


def test_without_points_there_is_no_cursor():
    view = PlotView()
    view.move_cursor(1, [], WHOLE, 50)
    view.point_at(3, [])
    assert view.cursor is None
