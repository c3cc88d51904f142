"""Resuming a run that began with other settings or data: said, asked, and done as answered."""

from __future__ import annotations

import dataclasses
from contextlib import asynccontextmanager

import pytest
import tiny_project
from textual.app import App
from textual.widgets import Static
from training.story import started, step, write

from tui_tuner.app import TunerApp
from tui_tuner.files import write_json_lines
from tui_tuner.journey import base_model
from tui_tuner.screens import train as train_screen
from tui_tuner.screens.resume_question import ResumeQuestion
from tui_tuner.settings import Settings
from tui_tuner.training.changes import Change
from tui_tuner.training.events import TrainingEnded
from tui_tuner.training.plan import plan_run
from tui_tuner.training.run_config import write_config

STOPPED = [started(), step(4), TrainingEnded("run-1", 4, 6, False, None, None, 5.0, 3.0)]
FINISHED = [started(), step(6), TrainingEnded("run-1", 6, 6, True, None, None, 5.0, 3.0)]


@pytest.fixture
def begun(tmp_path):
    """A project with a run that was stopped."""
    return begin(tiny_project.make(tmp_path), STOPPED)


def begin(project, events):
    plan = plan_run(project, base_model(project))
    write_config(plan.run, plan.config)
    write(plan.run, events)
    return project


@pytest.fixture
def resumed(monkeypatch):
    """How training was started: the project and the words."""
    found = []

    def work_of(project, **how):
        found.append((project, how))
        return lambda emit, stop: None

    monkeypatch.setattr(train_screen, "training_work", work_of)
    return found


@asynccontextmanager
async def resuming(project, size=(80, 24)):
    app = TunerApp(project, Settings(last_step="train"))
    try:
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await pilot.press("r")
            await pilot.pause()
            yield app, pilot
    finally:
        app.close()


def said(app) -> str:
    return "\n".join(str(one.content) for one in app.screen.query(Static).results(Static))


def changed(project, **settings):
    return project.with_choice("training", dataclasses.replace(project.choices.training, **settings))


async def until_asked(pilot):
    for _try in range(200):
        if isinstance(pilot.app.screen, ResumeQuestion):
            return
        await pilot.pause(0.02)
    raise AssertionError("nothing was asked")


async def test_nothing_is_asked_where_nothing_has_changed(begun, resumed):
    async with resuming(begun) as (app, pilot):
        while not resumed:
            await pilot.pause(0.02)
        assert not isinstance(app.screen, ResumeQuestion)
    assert resumed[0][1] == {"run": "run-1", "resume": True, "extend": False}


@pytest.mark.parametrize(("key", "extend", "rate"), [("y", True, 0.5), ("b", False, 1e-3), ("enter", False, 1e-3)])
async def test_other_settings_are_named_and_the_person_chooses(begun, resumed, key, extend, rate):
    async with resuming(changed(begun, learning_rate=0.5)) as (app, pilot):
        await until_asked(pilot)
        assert "learning_rate was 0.001, now 0.5" in said(app)
        await pilot.press(key)
        while not resumed:
            await pilot.pause(0.02)
    project, how = resumed[0]
    assert how == {"run": "run-1", "resume": True, "extend": extend}
    assert project.choices.training.learning_rate == rate
    assert project.choices.training.iters == 6


async def test_escape_does_nothing(begun, resumed):
    async with resuming(changed(begun, learning_rate=0.5)) as (app, pilot):
        await until_asked(pilot)
        await pilot.press("escape")
        await pilot.pause()
        assert not isinstance(app.screen, ResumeQuestion)
    assert resumed == []


async def test_with_other_data_it_cannot_go_on_as_it_began(begun, resumed):
    write_json_lines(begun.data / "train.jsonl", [{"text": "a"}])
    async with resuming(begun) as (app, pilot):
        await until_asked(pilot)
        assert "train.jsonl had 10 rows, now 1" in said(app)
        await pilot.press("b")
        await pilot.pause()
        assert isinstance(app.screen, ResumeQuestion), "this answer is not there"
        await pilot.press("y")
        while not resumed:
            await pilot.pause(0.02)
    assert resumed[0][1]["extend"]


async def test_what_cannot_change_within_a_run_is_marked(begun, resumed):
    async with resuming(changed(begun, rank=64, dropout=0.5)) as (app, pilot):
        await until_asked(pilot)
        assert "rank was 8, now 64 (cannot change within a run)" in said(app)
        assert "dropout was 0.0, now 0.5" in said(app)
        await pilot.press("y")
        await pilot.pause()
        assert isinstance(app.screen, ResumeQuestion), "this answer is not there"
        await pilot.press("b")
        while not resumed:
            await pilot.pause(0.02)
    project, how = resumed[0]
    assert (project.choices.training.rank, how["extend"]) == (8, False)


async def test_a_finished_run_is_made_longer_without_a_question(tmp_path, resumed):
    project = begin(tiny_project.make(tmp_path), FINISHED)
    async with resuming(changed(project, iters=20)) as (app, pilot):
        while not resumed:
            await pilot.pause(0.02)
        assert not isinstance(app.screen, ResumeQuestion)
    assert resumed[0][0].choices.training.iters == 20


CHANGES = [
    Change("valid.jsonl", "valid.jsonl had 2 rows, now 30"),
    Change("rank", "rank was 8, now 16", fixed=True),
    Change("learning_rate", "learning_rate was 0.0001, now 0.001"),
]


@pytest.mark.parametrize(
    "changes", [CHANGES[:2], CHANGES[1:], CHANGES[::2]], ids=["neither", "as it began", "as it is now"]
)
def test_picture(snap_compare, changes):
    class Asking(App):
        def on_mount(self):
            self.push_screen(ResumeQuestion("run-1", changes))

    assert snap_compare(Asking(), terminal_size=(80, 24))
