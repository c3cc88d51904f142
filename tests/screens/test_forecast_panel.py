"""Memory and time of the next run, in the Train step before it starts."""

from __future__ import annotations

import pytest
import tiny_project
from textual.widgets import ContentSwitcher, Static

from tui_tuner.app import TunerApp
from tui_tuner.screens import forecast_panel
from tui_tuner.screens.forecast_panel import ForecastPanel, forecast_in_lines
from tui_tuner.settings import Settings
from tui_tuner.training import forecast as forecast_module
from tui_tuner.training.forecast import Forecast
from tui_tuner.training.memory_estimate import Machine, MemoryEstimate

GIB = 2**30


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(forecast_panel, "AFTER_THE_PAINT", 0.001)


def machine_with(room: int, monkeypatch) -> None:
    monkeypatch.setattr(forecast_module, "this_machine", lambda: Machine(room, 16 * GIB, gpu=False, cores=2))


async def known(app, pilot) -> ForecastPanel:
    """The panel, once it knows."""
    panel = app.screen.query_one(ForecastPanel)
    for _time in range(200):
        await pilot.pause(0.05)
        await app.workers.wait_for_complete()
        if panel.forecast is not None:
            break
    return panel


async def test_it_shows_what_a_run_takes_and_follows_the_settings(tmp_path, monkeypatch):
    machine_with(GIB, monkeypatch)
    app = TunerApp(tiny_project.make(tmp_path), Settings(last_step="train"))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            panel = await known(app, pilot)
            text = str(panel.render())
            assert "of 1.0 GB" in text and "weights" in text and "logits" in text
            before = panel.forecast.memory.total
            assert app.screen.query_one(ContentSwitcher).current == "settings"
            app.screen.query_one("#setting-batch-size Input").value = "8"
            await pilot.pause()
            assert (await known(app, pilot)).forecast.memory.total > before
    finally:
        app.close()


async def test_what_surely_does_not_fit_starts_only_when_it_is_meant(tmp_path, monkeypatch):
    machine_with(100_000, monkeypatch)
    app = TunerApp(tiny_project.make(tmp_path), Settings(last_step="train"))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            panel = await known(app, pilot)
            assert "Too much for this machine" in str(panel.render())
            await pilot.press("g")
            assert not app.board.running("train")
            assert "g again" in str(app.screen.query_one("#verdict", Static).render())
            await pilot.press("g")
            assert app.board.jobs["train"].wait(60)
            await pilot.pause()
            assert app.board.jobs["train"].ended.outcome == "done"
    finally:
        app.close()


async def test_without_the_base_model_it_says_what_is_missing(tmp_path):
    project = tiny_project.make(tmp_path).with_settings("model", {"name": "some/model"})
    app = TunerApp(project, Settings(last_step="train"))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            panel = app.screen.query_one(ForecastPanel)
            for _time in range(200):
                await pilot.pause(0.05)
                await app.workers.wait_for_complete()
                if "base model is here" in str(panel.render()):
                    return
            pytest.fail(str(panel.render()))
    finally:
        app.close()


@pytest.mark.parametrize("width", [40, 78, 118])
def test_the_bar_is_as_long_as_what_it_shows(width):
    memory = MemoryEstimate(4 * GIB, GIB // 2, GIB // 2, 0, 2 * GIB, GIB, 4, 512)
    text = str(forecast_in_lines(Forecast(memory, 16 * GIB, "fits", "", 250.0, 60.0), width))
    bar = text.splitlines()[0]
    assert bar.count("█") / (bar.count("█") + bar.count("░")) == pytest.approx(0.5, abs=0.05)
    assert "about 8.0 of 16.0 GB" in bar
    assert "4:10 ± 1:00" in text
    over = str(forecast_in_lines(Forecast(memory, 4 * GIB, "too_much", "What fits: a.", None, None), width))
    assert "░" not in over.splitlines()[0] and "What fits: a." in over
