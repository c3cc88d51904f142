"""The dashboard through its keys, on a run that is over."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import tiny_project
from textual.pilot import Pilot
from textual.widgets import Static
from training.story import make_run, started, step

from tui_tuner.app import TunerApp
from tui_tuner.screens.answers import changed_words
from tui_tuner.screens.plot_board import PlotBoard
from tui_tuner.settings import Settings
from tui_tuner.training.events import SampleAnswered, Validation
from tui_tuner.widgets.event_log import EventLog
from tui_tuner.widgets.line_plot import LinePlot
from tui_tuner.widgets.plot_tabs import PlotTabs

STEPS = 200


def story() -> list[Any]:
    events: list[Any] = [started()]
    for iteration in range(1, STEPS + 1):
        report = step(iteration, 1 + 100 / iteration)
        events.append(dataclasses.replace(report, iters=STEPS, examples=4, gradient_norm=iteration / 10))
        if iteration % 50 == 0:
            events.append(Validation(iteration, 100 / iteration, True, 0.1, 2.0))
    return events


@pytest.fixture
def project(tmp_path):
    made = tiny_project.make(tmp_path)
    make_run(made, "run-1", story(), iters=STEPS)
    return made


@asynccontextmanager
async def opened(project, size=(80, 24)) -> AsyncIterator[tuple[TunerApp, Pilot]]:
    app = TunerApp(project, Settings(last_step="train"))
    try:
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            yield app, pilot
    finally:
        app.close()


def picture(app: TunerApp, plot: LinePlot | None = None) -> list[str]:
    plot = plot or app.screen.query_one("#large", LinePlot)
    return [strip.text for strip in plot.render_lines(plot.size.region)]


def about(app: TunerApp) -> str:
    """What is said of the view, beside the axis."""
    return picture(app)[-2].split("step")[1]


async def test_each_plot_has_its_turn(project):
    async with opened(project) as (app, pilot):
        titles = []
        for _time in range(5):
            titles.append(picture(app)[0].split("  ")[0].strip())
            await pilot.press("p")
        await pilot.press("p")  # past the answers
        assert titles == ["loss", "learning rate", "gradient norm", "speed (tok/s)", "peak memory (B)"]
        assert picture(app)[0].startswith("loss"), "and around"
        await pilot.press("P", "P")
        assert picture(app)[0].startswith("peak memory")


async def test_all_plots_are_there_where_there_is_room(project):
    async with opened(project, (120, 40)) as (app, pilot):
        small = list(app.screen.query("#small LinePlot").results(LinePlot))
        assert [picture(app, plot)[0].split(" ")[0] for plot in small] == ["learning", "gradient", "speed", "peak"]
        await pilot.click(small[1])
        assert picture(app)[0].startswith("gradient norm")
        assert [picture(app, plot)[0].split(" ")[0] for plot in small] == ["loss", "learning", "speed", "peak"]
        await pilot.press("left")
        assert all("step 200" in picture(app, plot)[0] for plot in [*small, None])
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert not any(plot.is_on_screen for plot in small)


async def test_values_are_read_at_the_cursor(project):
    async with opened(project) as (app, pilot):
        assert "━ train" in picture(app)[0]
        await pilot.press("left")
        assert picture(app)[0].split("step ")[1].split() == ["200", "━", "1.500", "━", "1.525", "▪", "0.500"]
        await pilot.press("shift+left", "left")
        at = app.screen.query_one(PlotBoard).view.cursor
        assert 140 < at < 160
        assert f"step {at:g}  ━ {1 + 100 / at:.3f}" in picture(app)[0]
        await pilot.press("shift+right", "shift+right")
        assert "step 200" in picture(app)[0]
        await pilot.click("#large", offset=(25, 5))
        assert "step 200" not in picture(app)[0]
        assert "step " in picture(app)[0]
        await pilot.press("0")
        assert "━ train" in picture(app)[0]


async def test_zoom_and_pan(project):
    async with opened(project) as (app, pilot):
        plot = app.screen.query_one("#large", LinePlot)
        assert plot.window == (0, 200)
        await pilot.press("=", "+")
        assert plot.window == (150, 200)
        assert "×4" in about(app)
        await pilot.press(",", "<")
        assert plot.window == (100, 150)
        assert "held" in about(app)
        await pilot.press("p")
        assert plot.window == (100, 150), "the other plots look at the same steps"
        await pilot.press(".", ">", "-")
        assert plot.window == (100, 200)
        await pilot.press("0")
        assert plot.window == (0, 200)


async def test_log_scale_belongs_to_one_plot(project):
    async with opened(project) as (app, pilot):
        await pilot.press("l")
        assert picture(app)[0].startswith("loss (log)")
        await pilot.press("p")
        assert "log" not in picture(app)[0]
        await pilot.press("P", "l")
        assert "log" not in picture(app)[0]


async def test_smoothing(project):
    async with opened(project) as (app, pilot):
        assert "smooth 0.9" in about(app)
        await pilot.press("m", "m", "m", "m")
        assert "smooth 0.99" in about(app)
        await pilot.press("left")
        assert "━ 2.486" in picture(app)[0]
        await pilot.press(*"MMMMMM")
        assert "smooth 0" in about(app)
        assert picture(app)[0].count("━") == 1, "without smoothing there is one line"
        await pilot.press("p")
        assert "smooth" not in about(app), "nobody smooths a learning rate"


async def test_the_plots_can_have_all_the_room(project):
    async with opened(project) as (app, pilot):
        log = app.screen.query_one(EventLog)
        before = app.screen.query_one("#large").size
        await pilot.press("f")
        assert not log.display
        after = app.screen.query_one("#large").size
        assert after.width == 80
        assert after.height == before.height + 4
        await pilot.press("f")
        assert log.display


async def test_a_name_is_clicked(project):
    async with opened(project) as (app, pilot):
        await pilot.click(PlotTabs, offset=(28, 0))
        assert picture(app)[0].startswith("speed")


async def test_it_says_what_was_trained_on(project):
    async with opened(project) as (app, _pilot):
        figures = {
            line[:14].strip(): line[14:] for line in str(app.screen.query_one("#now", Static).content).splitlines()
        }
        assert figures["examples"] == "800"
        assert figures["learned"] == "2,000 · 25 %"
        assert figures["padding"] == "10.0 %"
        assert figures["best"] == "0.500 at 200"


async def test_the_keys_of_the_plots_are_letters_while_settings_are_typed(project):
    async with opened(project) as (app, pilot):
        await pilot.press("e")
        await pilot.press("escape", "p")
        await pilot.press("e")
        assert picture(app)[0].startswith("loss")


@pytest.fixture
def answered(project):
    """The run with answers to two prompts at three evaluations."""
    events = story()
    for iteration, place, answer in (
        (0, 0, "I am a model"), (0, 1, "No"), (50, 0, "I am a very small model"), (50, 1, "No"),
        (100, 0, "[b]Aye[/b] \x1b[2J" + "aye\n" * 40), (100, 1, "No"),
    ):  # fmt: skip
        events.append(SampleAnswered(iteration, place, ("Who are [i]you[/i]?", "Well?")[place], answer, 5, True, 2.0))
    make_run(project, "run-1", events, iters=STEPS)
    return project


def shown_answers(app: TunerApp) -> tuple[str, str]:
    which, texts = app.screen.query("Answers Static").results(Static)
    return str(which.content), str(texts.content)


async def test_the_answers_are_seen_step_by_step(answered):
    async with opened(answered) as (app, pilot):
        await pilot.press("p", "a")
        assert not app.screen.query_one("#large").display
        which, texts = shown_answers(app)
        assert "3/3" in which and "after step 100 · held-out loss 1.000" in which
        assert "[b]Aye[/b]" in texts and "\x1b" not in texts
        await pilot.press("left")
        assert "after step 50" in shown_answers(app)[0]
        await pilot.press("left", "left", "left")
        assert shown_answers(app) == (
            "  1/3 →  before training",
            "? Who are [i]you[/i]?\nI am a model …\n\n? Well?\nNo …",
        )
        await pilot.press("a")
        assert picture(app)[0].startswith("learning rate"), "back to the plot it came from"


async def test_what_is_new_in_an_answer_is_marked(answered):
    async with opened(answered) as (app, pilot):
        await pilot.press("a", "left")
        texts = app.screen.query_one("Answers .texts", Static).content
        marked = [texts.plain[span.start : span.end] for span in texts.spans if span.style == "$accent"]
        assert marked == [" very small"]


async def test_long_answers_scroll(answered):
    async with opened(answered) as (app, pilot):
        await pilot.press("a", "down", "down", "up")
        assert app.screen.query_one("Answers VerticalScroll").scroll_offset.y == 1


async def test_a_run_without_samples_says_how_to_have_some(project):
    async with opened(project) as (app, pilot):
        await pilot.press("P")
        assert "samples" in shown_answers(app)[1]


async def test_new_answers_come_into_sight_unless_older_ones_are_read(answered):
    async with opened(answered, (120, 40)) as (app, pilot):
        await pilot.press("a")
        view = app.screen._view
        view.apply(SampleAnswered(150, 0, "Who?", "Me", 1, False, 3.0))
        app.screen.show()
        assert "after step 150" in shown_answers(app)[0]
        await pilot.press("left")
        view.apply(SampleAnswered(200, 0, "Who?", "You", 1, False, 3.0))
        app.screen.show()
        assert "after step 100" in shown_answers(app)[0]


def test_changed_words():
    assert list(changed_words(None, "one two")) == [("one two", False)]
    assert list(changed_words("one two", "one two")) == [("one two", False)]
    assert list(changed_words("one  two three", "zero one\ntwo")) == [("zero", True), (" one\ntwo", False)]
    assert list(changed_words("", "")) == []
