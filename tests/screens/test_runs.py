"""All runs of a project on one screen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import tiny_project
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, Static
from training.story import make_run, started, step

from tui_tuner.app import TunerApp
from tui_tuner.choices import TrainingChoice
from tui_tuner.screens.question import Question
from tui_tuner.screens.run_compare import RunCompareScreen
from tui_tuner.screens.runs import RunsScreen
from tui_tuner.screens.train import TrainScreen
from tui_tuner.screens.training_view import TrainingView
from tui_tuner.settings import Settings
from tui_tuner.training.events import TrainingEnded, Validation
from tui_tuner.training.history import RunHistory
from tui_tuner.training.run_names import read_note
from tui_tuner.widgets.line_plot import LinePlot


def story(loss: float, steps: int = 20) -> list[Any]:
    events: list[Any] = [started(), Validation(0, 3.0, False, 0.1, 1.5)]
    for iteration in range(1, steps + 1):
        events.append(step(iteration, loss + 2 / iteration))
    events.append(Validation(steps, loss, True, 0.1, 2.5))
    return [*events, TrainingEnded("run", steps, steps, True, loss, steps, 5.0, 3.0)]


@pytest.fixture
def project(tmp_path):
    made = tiny_project.make(tmp_path)
    for name, loss, rank in (("run-1", 2.0, 8), ("run-2", 1.5, 16), ("run-3", 1.8, 8)):
        make_run(made, name, story(loss), choice=TrainingChoice(iters=20, rank=rank))
        (made.runs / name / "adapters.safetensors").write_bytes(b"")
    return made


@asynccontextmanager
async def opened(project, size=(80, 24)) -> AsyncIterator[tuple[TunerApp, Pilot]]:
    app = TunerApp(project, Settings(last_step="train"))
    try:
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await pilot.press("o")
            await settled(app, pilot)
            yield app, pilot
    finally:
        app.close()


async def settled(app: TunerApp, pilot: Pilot) -> None:
    """Everything that is read in threads has been read and drawn."""
    await pilot.pause()
    await app.workers.wait_for_complete()
    await pilot.pause()
    await app.workers.wait_for_complete()
    await pilot.pause()


def rows(app: TunerApp) -> list[str]:
    listed = app.screen.query_one("#runs", OptionList)
    return [str(listed.get_option_at_index(place).prompt) for place in range(listed.option_count)]


def said(app: TunerApp) -> str:
    return str(app.screen.query_one("#said", Static).content)


def heading(app: TunerApp) -> str:
    plot = app.screen.query_one("#large", LinePlot)
    return plot.render_lines(plot.size.region)[0].text


async def test_runs_are_listed_with_results_and_what_differs(project):
    async with opened(project) as (app, _pilot):
        assert str(app.screen.query_one("#heading", Static).content).split() == [
            "run",
            "steps",
            "held-out",
            "≠",
            "rank",
        ]
        assert [row.split()[1:] for row in rows(app)] == [
            ["run-1", "20/20", "2.000", "@20", "8"],
            ["run-2", "20/20", "1.500", "@20", "16"],
            ["run-3", "●", "20/20", "1.800", "@20", "8"],
        ]


async def test_chosen_runs_are_drawn_over_each_other_here_and_on_the_dashboard(project):
    async with opened(project) as (app, pilot):
        assert "train" in heading(app)
        await pilot.press("home", "space", "space")
        await settled(app, pilot)
        assert heading(app).split()[1:] == ["━▪", "run-1", "╍╍◆", "run-2"]
        await pilot.press("escape")
        await settled(app, pilot)
        assert isinstance(app.screen, TrainScreen)
        assert app.screen._view.history.run == "run-3"
        assert "┅┅▴ run-1  ━╸·• run-2  ━ train" in heading(app)
        await pilot.press("o")
        await settled(app, pilot)
        await pilot.press("home", "space", "space", "escape")
        await settled(app, pilot)
        assert heading(app).split() == ["loss", "━", "train", "━", "smoothed", "▪", "held-out"]


async def test_a_run_is_opened(project):
    async with opened(project) as (app, pilot):
        await pilot.press("home", "enter")
        await settled(app, pilot)
        assert app.screen._view.history.run == "run-1"


async def test_they_are_sorted(project):
    async with opened(project) as (app, pilot):
        await pilot.press("o", "o", "o")
        assert [row.split()[1] for row in rows(app)] == ["run-2", "run-3", "run-1"]
        assert "held-out ▴" in str(app.screen.query_one("#heading", Static).content)
        await pilot.press("O")
        assert [row.split()[1] for row in rows(app)] == ["run-1", "run-3", "run-2"]
        assert app.screen.current.name == "run-3", "the cursor stays on its run"


async def test_a_run_is_named_and_noted(project):
    async with opened(project) as (app, pilot):
        await pilot.press("home", "n")
        app.screen.query_one("#written", Input).value = "a/b"
        await pilot.press("enter")
        await settled(app, pilot)
        assert "cannot be the name" in said(app)
        await pilot.press("n")
        app.screen.query_one("#written", Input).value = "mine"
        await pilot.press("enter")
        await settled(app, pilot)
        assert (project.runs / "mine").is_dir() and app.screen.current.name == "mine"
        await pilot.press("t", *"good", "enter")
        await settled(app, pilot)
        assert read_note(project.runs / "mine") == "good"
        await pilot.press("t", *"bad", "escape")
        assert read_note(project.runs / "mine") == "good" and isinstance(app.screen, RunsScreen)


@pytest.mark.parametrize("answer", ["y", "n"])
async def test_deleting_asks_and_says_who_uses_it(project, answer):
    async with opened(project) as (app, pilot):
        await pilot.press("d")
        await pilot.pause()
        assert isinstance(app.screen, Question)
        assert "Compare, Export and Chat use its adapter; then run-2" in app.screen._text
        await pilot.press(answer)
        await settled(app, pilot)
        assert (project.runs / "run-3").is_dir() == (answer == "n")
        await pilot.press("escape")
        await settled(app, pilot)
        assert app.screen._view.history.run == ("run-3" if answer == "n" else "run-2")


async def test_a_run_that_is_trained_is_left_alone(project, monkeypatch):
    async with opened(project) as (app, pilot):
        app.board.views["train"] = app.screen_stack[-2]._view
        monkeypatch.setattr(app.board, "running", lambda key: key == "train")
        monkeypatch.setitem(app.board.jobs, "train", type("Job", (), {"name": "training", "running": False}))
        await pilot.press("d")
        assert isinstance(app.screen, RunsScreen)
        assert "Stop this first: training" in said(app)


async def test_runs_are_compared_and_shared(project):
    async with opened(project) as (app, pilot):
        await pilot.press("c")
        await settled(app, pilot)
        assert isinstance(app.screen, RunCompareScreen)
        text = str(app.screen.query_one("#rows", Static).content)
        assert "≠ rank" in text and "1.500 at 20 ★" in text and "seed" not in text
        await pilot.press("a")
        assert "= seed" in str(app.screen.query_one("#rows", Static).content)
        await pilot.press("escape", "h")
        await settled(app, pilot)
        page = project.runs / "run-3" / "report.html"
        assert page.is_file() and str(page) in app.clipboard


async def test_another_run_is_used_by_the_later_steps(project):
    async with opened(project) as (app, pilot):
        await pilot.press("home", "u")
        await settled(app, pilot)
        assert project.tuned_run().name == "run-1"
        assert "run-1 ●" in rows(app)[0] and "●" not in rows(app)[2]


async def test_a_run_that_is_trained_here_is_drawn_as_it_goes_on(project, monkeypatch):
    async with opened(project) as (app, pilot):
        live = TrainingView(RunHistory(run="run-3"))
        live.apply(started())
        live.apply(step(1, 9.0))
        app.board.views["train"] = live
        monkeypatch.setattr(app.board, "running", lambda key: key == "train")
        app.screen._keep_up()
        await settled(app, pilot)
        await pilot.press("left")
        assert "step 1 " in heading(app) and "9.000" in heading(app)
        live.apply(step(2, 8.0))
        app.screen._keep_up()
        await settled(app, pilot)
        await pilot.press("right")
        assert "step 2 " in heading(app) and "8.000" in heading(app)
