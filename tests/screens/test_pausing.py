"""Space holds a run and lets it go on, s stops it, whether it waits or not."""

import threading

import pytest
import tiny_project
from test_app import running_app
from textual.widgets import Static
from training.story import started, step

from tui_tuner.progress import Notice
from tui_tuner.screens.training_view import TrainingView
from tui_tuner.training.checkpoint import Progress
from tui_tuner.training.events import CheckpointSaved, MicroBatchHalved
from tui_tuner.training.running_clock import RunningClock
from tui_tuner.training.turnstile import Turnstile


@pytest.fixture
def project(tmp_path):
    return tiny_project.make(tmp_path)


class Steps:
    """A run whose steps do nothing."""

    def __init__(self):
        self.held, self.went_on = threading.Event(), threading.Event()

    def __call__(self, emit, stop):
        emit(started())
        emit(step(3))
        turnstile = Turnstile(stop, Progress(iteration=3), RunningClock(), self.held.set, emit)
        while True:
            turnstile.check()
            if self.held.is_set():
                self.went_on.set()
            self.held.wait(0.01)


async def shown(app, pilot, words, part="#headline"):
    for _attempt in range(100):
        text = str(app.screen.query_one(part, Static).content)
        if words in text:
            return text
        await pilot.pause(0.05)
    raise AssertionError(f"{words!r} is not shown: {text!r}")


async def test_space_holds_the_run_and_lets_it_go_on(project):
    async with running_app(project, "train") as (app, pilot):
        work = Steps()
        app.screen._start(work)
        await shown(app, pilot, "running")
        await pilot.press("space")
        assert work.held.wait(10)
        assert "run-1 · paused" in await shown(app, pilot, "paused")
        assert "space goes on, s stops" in await shown(app, pilot, "everything kept", "#verdict")
        view = app.board.views["train"]
        assert isinstance(view, TrainingView)
        assert view.progress.eta_seconds is None, "nobody knows how long it waits"

        await pilot.press("space")
        assert work.went_on.wait(10)
        await shown(app, pilot, "running")
        assert "Paused" not in str(app.screen.query_one("#verdict", Static).content)
        app.board.stop_all()
        assert app.board.jobs["train"].wait(10)


async def test_what_a_person_should_know_stays_in_sight(project):
    async with running_app(project, "train") as (app, pilot):
        go_on, may_end = threading.Event(), threading.Event()

        def work(emit, stop):
            emit(started())
            emit(MicroBatchHalved(3, 2, 4, "memory is nearly full", 1.0))
            go_on.wait(10)
            emit(Notice("the charger is out", "warning"))
            emit(Notice("the charger is back"))
            emit(CheckpointSaved(4, "somewhere", 1.0))
            may_end.wait(10)

        app.screen._start(work)
        await shown(app, pilot, "memory is nearly full: rows computed at once 4 → 2", "#verdict")
        go_on.set()
        await shown(app, pilot, "the charger is out", "#verdict")
        may_end.set()


async def test_s_stops_a_run_that_waits(project):
    async with running_app(project, "train") as (app, pilot):
        work = Steps()
        app.screen._start(work)
        await pilot.press("space")
        assert work.held.wait(10)
        await pilot.press("s")
        assert app.board.jobs["train"].wait(10)
        assert app.board.jobs["train"].ended.outcome == "stopped"


async def test_without_a_run_space_does_nothing(project):
    async with running_app(project, "train") as (app, pilot):
        app.screen.show_settings(False)
        app.screen.focus_body()
        await pilot.press("space")
        assert "train" not in app.board.jobs
