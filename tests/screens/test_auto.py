"""Suggested settings in the Train step: seen before they are taken, kept, and a person's own again afterwards."""

from __future__ import annotations

import dataclasses
import json

import pytest
import tiny_project
from textual.widgets import Static

from tui_tuner.app import TunerApp
from tui_tuner.environment.model_offers import suggestion
from tui_tuner.models.base_model import find_base
from tui_tuner.project import open_project
from tui_tuner.screens import forecast_panel, run_settings
from tui_tuner.screens.auto import AutoScreen
from tui_tuner.screens.forecast_panel import ForecastPanel
from tui_tuner.settings import Settings
from tui_tuner.training.forecast import Forecaster
from tui_tuner.training.memory_estimate import Machine


@pytest.fixture
async def opened(tmp_path, monkeypatch):
    """The app in the Train step, once the rows are counted."""
    monkeypatch.setattr(forecast_panel, "AFTER_THE_PAINT", 0.001)
    app = TunerApp(tiny_project.make(tmp_path), Settings(last_step="train"))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            for _time in range(600):
                if app.screen.query_one(ForecastPanel).forecaster is not None:
                    break
                await pilot.pause(0.05)
                await app.workers.wait_for_complete()
            yield app, pilot
    finally:
        app.close()


async def suggested(app, pilot) -> AutoScreen:
    await pilot.press("u")
    for _time in range(600):
        if isinstance(app.screen, AutoScreen):
            break
        await pilot.pause(0.05)
    return app.screen


async def test_they_are_seen_first_and_only_then_written(opened):
    app, pilot = opened
    before = app.project.choices.training
    screen = await suggested(app, pilot)
    text = str(screen.query_one("VerticalScroll Static", Static).render())
    assert "learning_rate" in text and "examples, each seen" in text
    assert open_project(app.project.folder).choices.training == before
    await pilot.press("escape")
    await pilot.pause()
    assert open_project(app.project.folder).choices.training == before


async def test_taken_they_are_in_the_form_the_project_and_the_runs_story(opened):
    app, pilot = opened
    await suggested(app, pilot)
    await pilot.press("enter")
    await pilot.pause()
    kept = open_project(app.project.folder).choices.training
    assert kept.patience > 0 and kept == app.project.choices.training
    assert app.screen.query_one("#setting-patience Input").value == str(kept.patience)
    await pilot.press("g")
    assert app.board.jobs["train"].wait(60)
    await pilot.pause()
    story = (app.project.run_folders()[-1] / "metrics.jsonl").read_text().splitlines()
    texts = [json.loads(line).get("text", "") for line in story]
    assert any(text.startswith("auto: patience") for text in texts)


async def test_asked_for_too_early_they_come_once_the_rows_are_counted(tmp_path):
    app = TunerApp(tiny_project.make(tmp_path), Settings(last_step="train"))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            assert app.screen.query_one(ForecastPanel).forecaster is None
            await suggested(app, pilot)
            assert isinstance(app.screen, AutoScreen)
    finally:
        app.close()


async def test_without_the_base_model_it_says_what_is_missing_and_which_would_suit(tmp_path, monkeypatch):
    machine = Machine(12 << 30, 16 << 30, gpu=True, cores=8)
    monkeypatch.setattr(run_settings, "this_machine", lambda: machine)
    suits = f"{suggestion(machine.usable, has_gpu=True)} suits this machine: b"
    project = tiny_project.make(tmp_path).with_settings("model", {"name": "some/model"})
    app = TunerApp(project, Settings(last_step="train"))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("u")
            panel, verdict = app.screen.query_one(ForecastPanel), app.screen.query_one("#verdict", Static)
            for _time in range(600):
                await pilot.pause(0.05)
                said = f"{panel.render()} {verdict.render()}"
                if "base model is here: b gets it" in said and "What suits is not known either" in said:
                    assert suits in " ".join(said.split())
                    return
            pytest.fail(said)
    finally:
        app.close()


async def test_a_persons_own_change_afterwards_stands(opened):
    app, pilot = opened
    await suggested(app, pilot)
    await pilot.press("enter")
    await pilot.pause()
    app.screen.query_one("#setting-iters Input").value = "3"
    await pilot.pause()
    assert open_project(app.project.folder).choices.training.iters == 3
    await pilot.press("escape", "g")
    assert app.board.jobs["train"].wait(60)
    await pilot.pause()
    story = (app.project.run_folders()[-1] / "metrics.jsonl").read_text()
    assert "auto: patience" in story and "auto: iters" not in story


async def test_a_base_that_fits_only_in_4_bits_is_shown_and_kept_so_and_foretold_before_it_is_made(opened, monkeypatch):
    app, pilot = opened
    panel = app.screen.query_one(ForecastPanel)
    whole = panel.forecaster
    # The tiny model's weights are little beside a batch: of a wide one they are nearly all.
    heavy = dataclasses.replace(whole.anatomy, stored=8 << 30, parameters=2 << 30)
    machine = dataclasses.replace(whole.machine, usable=4 << 30)
    panel.forecaster = Forecaster(heavy, whole.train, whole.valid, machine)
    screen = await suggested(app, pilot)
    text = str(screen.query_one("VerticalScroll Static", Static).render())
    assert "model.quantize" in text and "none → 4" in text and "of 4.0 GB whole, " in text
    await pilot.press("enter")
    await pilot.pause()
    assert open_project(app.project.folder).choices.model.quantize == "4"
    assert app.screen.query_one("#setting-quantize Select").value == "4"
    assert find_base(app.project.choices.model) is None
    for _time in range(600):
        if panel.forecast is not None:
            break
        await pilot.pause(0.05)
        await app.workers.wait_for_complete()
    assert panel.forecaster.anatomy.quantized
