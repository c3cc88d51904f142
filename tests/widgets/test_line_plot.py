"""The plot inside an app: it follows its series, its size and the theme."""

import math

import pytest
from textual.app import App
from textual.color import Color
from textual.events import MouseScrollUp

from tui_tuner.widgets.line_plot import Line, LinePlot

FALLING = [(x, 2.0 - x / 100) for x in range(101)]


class PlotApp(App):
    CSS = "Screen { overflow: hidden; }"

    def compose(self):
        yield LinePlot("loss", x_unit="iterations", y_unit="nats", empty="no run yet")


def lines(app):
    plot = app.query_one(LinePlot)
    return [strip.text for strip in plot.render_lines(plot.size.region)]


def colours(app, character):
    plot = app.query_one(LinePlot)
    return {
        segment.style.color.triplet.hex
        for strip in plot.render_lines(plot.size.region)
        for segment in strip
        if character in segment.text
    }


async def test_it_is_empty_then_shows_its_series_then_is_empty_again():
    app = PlotApp()
    async with app.run_test(size=(50, 12)) as pilot:
        assert any("no run yet" in line for line in lines(app))
        plot = app.query_one(LinePlot)
        plot.show_lines([Line("train", FALLING)])
        await pilot.pause()
        assert "━ train" in lines(app)[0]
        assert not any("no run yet" in line for line in lines(app))
        plot.show_lines([Line("other", FALLING)])
        await pilot.pause()
        assert "train" not in lines(app)[0]
        assert "━ other" in lines(app)[0]
        plot.show_lines([])
        await pilot.pause()
        assert any("no run yet" in line for line in lines(app))


async def test_series_are_in_the_order_they_are_given_and_grow():
    app = PlotApp()
    async with app.run_test(size=(60, 12)) as pilot:
        plot = app.query_one(LinePlot)
        plot.show_lines([Line("b", FALLING)])
        plot.show_lines([Line("a", FALLING), Line("b", FALLING)])
        plot.show_lines([Line("a", [*FALLING, (102, 80.0)]), Line("b", FALLING)])
        await pilot.pause()
        assert lines(app)[0].index("━ a") < lines(app)[0].index("━ b")
        assert any("80┤" in line for line in lines(app))


async def test_what_is_measured_now_has_nothing_of_what_was_measured_before():
    app = PlotApp()
    async with app.run_test(size=(60, 12)) as pilot:
        plot = app.query_one(LinePlot)
        plot.show_lines([Line("", [(0, 1.0), (1, 2.0)])])
        plot.measure("speed", "tok/s", "{:.1f}!".format)
        plot.show_lines([Line("", [(0, 700.0), (1, 2.0)])])
        plot.cursor = 0
        await pilot.pause()
        assert lines(app)[0].startswith("speed (tok/s)")
        assert lines(app)[0].rstrip().endswith("700.0!")


async def test_it_says_where_it_was_clicked_and_scrolled():
    said = []

    class Heard(PlotApp):
        def on_line_plot_pointed(self, message):
            said.append(round(message.x) if message.x is not None else None)

        def on_line_plot_scrolled(self, message):
            said.append((round(message.x), message.up))

    app = Heard()
    async with app.run_test(size=(60, 12)) as pilot:
        plot = app.query_one(LinePlot)
        plot.show_lines([Line("train", FALLING)])
        await pilot.pause()
        for column in (59, 0):
            await pilot.click(plot, offset=(column, 5))
        await pilot._post_mouse_events([MouseScrollUp], plot, offset=(59, 5))
        await pilot.pause()
    assert said == [100, None, (100, True)]


@pytest.mark.parametrize("size", [(20, 5), (80, 24), (3, 2), (120, 40)])
async def test_it_fits_any_size(size):
    app = PlotApp()
    async with app.run_test(size=(60, 12)) as pilot:
        app.query_one(LinePlot).show_lines([Line("train", [*FALLING, (101, math.nan)])])
        await pilot.resize_terminal(*size)
        await pilot.pause()
        assert [len(line) for line in lines(app)] == [size[0]] * size[1]


async def test_log_scale_window_and_cursor_redraw_it():
    app = PlotApp()
    async with app.run_test(size=(60, 12)) as pilot:
        plot = app.query_one(LinePlot)
        plot.show_lines([Line("train", FALLING)])
        for name, value, expected in (
            ("log_scale", True, "log)"),
            ("window", (0, 4000), "4,000"),
            ("cursor", 60, "iterations 60 "),
        ):
            await pilot.pause()
            assert not any(expected in line for line in lines(app))
            setattr(plot, name, value)
            await pilot.pause()
            assert any(expected in line for line in lines(app))


async def test_colours_follow_the_theme():
    app = PlotApp()
    async with app.run_test(size=(60, 12)) as pilot:
        plot = app.query_one(LinePlot)
        plot.show_lines([Line("valid", [(0, 1.0), (1, 2.0)], "$error", "points")])
        seen = []
        for theme in ("nord", "gruvbox"):
            app.theme = theme
            await pilot.pause()
            assert colours(app, "▪") == {Color.parse(app.theme_variables["error"]).hex.lower()}
            seen += colours(app, "▪")
        assert seen[0] != seen[1]


async def test_names_and_titles_are_never_markup():
    app = PlotApp()
    async with app.run_test(size=(60, 12)) as pilot:
        plot = app.query_one(LinePlot)
        plot.title = "[red]loss[/red]"
        plot.show_lines([Line("[b]x", FALLING)])
        await pilot.pause()
        assert "[red]loss[/red]" in lines(app)[0]
        assert "[b]x" in lines(app)[0]


def test_picture(snap_compare):
    class Picture(PlotApp):
        def on_mount(self):
            plot = self.query_one(LinePlot)
            plot.window = (0, 150)
            raw = [(x, 0.5 + 2 / (1 + x / 10) + 0.2 * math.sin(x)) for x in range(101)]
            smooth = [(x, 0.5 + 2 / (1 + x / 10)) for x in range(101)]
            valid = [(x, 0.7 + 2 / (1 + x / 10)) for x in range(0, 101, 20)]
            plot.show_lines(
                [
                    Line("raw", raw, "$foreground 35%"),
                    Line("smoothed", smooth),
                    Line("valid", valid, "$warning", "points"),
                ]
            )

    assert snap_compare(Picture(), terminal_size=(60, 14))
