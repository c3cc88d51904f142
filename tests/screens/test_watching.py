"""The Train step while another process trains."""

from __future__ import annotations

import contextlib
import json

from tui_tuner.app import TunerApp
from tui_tuner.progress import StopToken
from tui_tuner.project import create_project
from tui_tuner.project_lock import project_lock
from tui_tuner.settings import Settings
from tui_tuner.training.asking import ASKED, obeying
from tui_tuner.training.events import TrainingEnded, TrainingPaused, TrainingStarted, TrainStep
from tui_tuner.training.run_tail import METRICS


def step(iteration: int) -> TrainStep:
    return TrainStep(
        iteration=iteration, iters=9, loss=1.0, learning_rate=1e-4, gradient_norm=1.0, tokens=10, supervised_tokens=5,
        trained_tokens=10 * iteration, tokens_per_second=5.0, iterations_per_second=1.0, peak_memory=1000, padding=0.0,
        epoch=1.0, elapsed_seconds=3.0, eta_seconds=4.0, time=5.0,
    )  # fmt: skip


def started(run: str) -> TrainingStarted:
    return TrainingStarted(run, 9, 0, 4, 1, 10, 100, 40, 20, 1.0)


def write(folder, *events) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.toml").touch()
    with (folder / METRICS).open("a") as file:
        file.writelines(json.dumps({"time": 5.0, **event.as_json()}) + "\n" for event in events)


async def test_a_run_of_another_process_is_followed_and_not_offered_to_be_started_again(tmp_path):
    project = create_project(tmp_path / "p")
    old, new = project.runs / "run-1", project.runs / "run-2"
    write(old, started("run-1"), step(3))
    with contextlib.ExitStack() as elsewhere:
        elsewhere.enter_context(project_lock(project))
        app = TunerApp(project, Settings(last_step="train"), watched_run="run-1")
        async with app.run_test(size=(100, 30)) as pilot:
            await pilot.pause()
            screen = app.screen
            write(new, started("run-2"), step(4))
            screen._follow()  # what the clock does twice a second
            assert (screen._view.history.run, screen._view.history.iteration) == ("run-2", 4)
            assert screen._state() == "running elsewhere"
            assert not screen.works_now("start")
            assert not screen.works_now("resume")
            write(new, step(5))
            screen._follow()
            assert screen._view.history.iteration == 5
            write(new, TrainingEnded("run-2", 9, 9, True, None, None, 3.0, 6.0))
            elsewhere.close()
            screen._follow()
            assert screen._state() == "finished"
            assert screen.works_now("start")
            assert app.bench.require_own_project() == project  # which nobody else works on any more


async def test_a_run_that_was_killed_is_not_taken_for_one_that_runs_elsewhere(tmp_path):
    project = create_project(tmp_path / "p")
    write(project.runs / "run-1", started("run-1"), step(3))
    app = TunerApp(project, Settings(last_step="train"))  # holds the project itself
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        app.screen._follow()
        assert app.screen._state() == "stopped"
        assert app.screen.works_now("resume")


async def test_a_run_of_another_process_is_paused_and_stopped_by_key(tmp_path, monkeypatch):
    project = create_project(tmp_path / "p")
    run = project.runs / "run-1"
    write(run, started("run-1"), step(3))
    stop = StopToken()
    with project_lock(project):
        app = TunerApp(project, Settings(last_step="train"))
        async with app.run_test(size=(100, 30)) as pilot:
            await pilot.pause()
            screen = app.screen
            screen._follow()
            with obeying(run, 1.0, stop, every=0.001):
                await pilot.press("space")
                await until(pilot, lambda: stop.paused)
                write(run, TrainingPaused(3, 5.0))
                screen._follow()
                assert screen._state() == "paused elsewhere"
                await pilot.press("space")
                await until(pilot, lambda: not stop.paused)
                await pilot.press("s")
                await until(pilot, lambda: stop.requested)
            screen._follow()
            assert "It saves and stops" in str(screen.query_one("#verdict").content)
            write(run, TrainingEnded("run-1", 3, 9, False, None, None, 3.0, 6.0))
            screen._follow()
            assert not screen.works_now("stop")
            await pilot.press("s")
            assert not (run / ASKED).exists()


async def until(pilot, true) -> None:
    for _time in range(1000):
        if true():
            return
        await pilot.pause(0.01)
    raise AssertionError("it did not become true")
