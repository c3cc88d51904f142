"""What the screens look like, kept as pictures. Nothing in them depends on the machine or the time."""

import time
from pathlib import Path

import pytest
import tiny_project

from tui_tuner.app import TunerApp
from tui_tuner.files import write_json_lines, write_text
from tui_tuner.project import Project
from tui_tuner.screens import forecast_panel
from tui_tuner.settings import Settings
from tui_tuner.training import forecast
from tui_tuner.training.events import TrainingEnded, TrainingStarted, TrainStep, Validation
from tui_tuner.training.memory_estimate import Machine

STEPS, NOON = 60, 43_200.0


@pytest.fixture(autouse=True)
def universal_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = tiny_project.make(tmp_path)
    run = made.runs / "run-1"
    write_text(run / "config.toml", "")
    events = [TrainingStarted("run-1", STEPS, 0, 10, 2, 1000, 100_000, 500, 200, NOON)]
    for step in range(1, STEPS + 1):
        loss = 3 / (1 + step / 8) + (0.2 if step % 3 == 0 else 0.0)
        events.append(
            TrainStep(
                step, STEPS, loss, 1e-4, 0.5, 400, 100, 400 * step, 231.0 + step % 7, 0.58, 970_000_000, 0.031,
                step / 3, step * 1.7, (STEPS - step) * 1.7, NOON,
            )
        )  # fmt: skip
        if step % 20 == 0:
            events.append(Validation(step, loss + 0.1, step < STEPS, 1.0, NOON))
    events.append(TrainingEnded("run-1", STEPS, STEPS, True, 0.6, 40, 102.0, NOON))
    write_json_lines(run / "metrics.jsonl", [event.as_json() for event in events])
    return made.with_settings("model", {"name": "starter"})


class Shown(TunerApp):
    """The app with its clean-up at the end of the picture."""

    async def _on_exit_app(self) -> None:
        self.close()
        await super()._on_exit_app()


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (40, 10)])
def test_a_past_run(snap_compare, project, size):
    assert snap_compare(Shown(project, Settings(last_step="train")), terminal_size=size)


def test_the_settings_of_training(snap_compare, project, tmp_path, monkeypatch):
    machine = Machine(40_000_000, 16_000_000_000, gpu=False, cores=2)
    monkeypatch.setattr(forecast, "this_machine", lambda: machine)
    monkeypatch.setattr(forecast_panel, "find_tokenizer_folder", lambda _choice: tmp_path / "model")
    monkeypatch.setattr(forecast_panel, "AFTER_THE_PAINT", 0.001)

    async def to_settings(pilot):
        await pilot.press("e")
        await pilot.press("tab")
        while pilot.app.screen.query_one(forecast_panel.ForecastPanel).forecast is None:
            await pilot.pause(0.05)
            await pilot.app.workers.wait_for_complete()
        pilot.app.screen.focused.cursor_blink = False  # a slow machine would take the picture without it
        pilot.app.screen.focused._cursor_visible = True

    app = Shown(project, Settings(last_step="train"))
    assert snap_compare(app, terminal_size=(80, 24), run_before=to_settings)


def test_help(snap_compare, project):
    app = Shown(project, Settings(last_step="train"))
    assert snap_compare(app, terminal_size=(80, 24), press=["question_mark"])


def test_the_welcome(snap_compare):
    assert snap_compare(Shown(None, Settings()), terminal_size=(80, 24))
