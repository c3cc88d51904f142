"""The plot inside an app: it follows its series, its size and the theme."""

import math

import pytest
from textual.app import App
from textual.color import Color

from tui_tuner.widgets.line_plot import LinePlot

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
        plot.set_series("train", FALLING)
        await pilot.pause()
        assert "━ train" in lines(app)[0]
        assert not any("no run yet" in line for line in lines(app))
        plot.remove_series("train")
        plot.remove_series("never was there")
        await pilot.pause()
        assert any("no run yet" in line for line in lines(app))
        plot.set_series("train", FALLING)
        plot.clear()
        await pilot.pause()
        assert any("no run yet" in line for line in lines(app))


async def test_a_series_set_again_is_replaced_and_keeps_its_place():
    app = PlotApp()
    async with app.run_test(size=(60, 12)) as pilot:
        plot = app.query_one(LinePlot)
        plot.set_series("a", FALLING)
        plot.set_series("b", FALLING)
        plot.set_series("a", [(0, 70.0), (1, 80.0)])
        await pilot.pause()
        assert lines(app)[0].index("━ a") < lines(app)[0].index("━ b")
        assert any("80┤" in line for line in lines(app))


@pytest.mark.parametrize("size", [(20, 5), (80, 24), (3, 2), (120, 40)])
async def test_it_fits_any_size(size):
    app = PlotApp()
    async with app.run_test(size=(60, 12)) as pilot:
        app.query_one(LinePlot).set_series("train", [*FALLING, (101, math.nan)])
        await pilot.resize_terminal(*size)
        await pilot.pause()
        assert [len(line) for line in lines(app)] == [size[0]] * size[1]


async def test_log_scale_window_and_zoom_redraw_it():
    app = PlotApp()
    async with app.run_test(size=(60, 12)) as pilot:
        plot = app.query_one(LinePlot)
        plot.set_series("train", FALLING)
        for name, value, expected in (("log_scale", True, "log)"), ("window", (0, 4000), "4,000"), ("zoom", 80, "60")):
            await pilot.pause()
            assert not any(expected in line for line in lines(app))
            setattr(plot, name, value)
            await pilot.pause()
            assert any(expected in line for line in lines(app))


async def test_colours_follow_the_theme():
    app = PlotApp()
    async with app.run_test(size=(60, 12)) as pilot:
        plot = app.query_one(LinePlot)
        plot.set_series("valid", [(0, 1.0), (1, 2.0)], colour="$error", style="points")
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
        plot.set_series("[b]x", FALLING)
        await pilot.pause()
        assert "[red]loss[/red]" in lines(app)[0]
        assert "[b]x" in lines(app)[0]


def test_picture(snap_compare):
    class Picture(PlotApp):
        def on_mount(self):
            plot = self.query_one(LinePlot)
            plot.window = (0, 150)
            raw = [(x, 0.5 + 2 / (1 + x / 10) + 0.2 * math.sin(x)) for x in range(101)]
            plot.set_series("raw", raw, colour="$foreground 35%")
            plot.set_series("smoothed", [(x, 0.5 + 2 / (1 + x / 10)) for x in range(101)])
            plot.set_series(
                "valid", [(x, 0.7 + 2 / (1 + x / 10)) for x in range(0, 101, 20)], colour="$warning", style="points"
            )

    assert snap_compare(Picture(), terminal_size=(60, 14))
