from __future__ import annotations

import json

import pytest
from training.story import EVENTS, make_run, started, step

from tui_tuner.choices import TrainingChoice
from tui_tuner.project import create_project
from tui_tuner.training.events import StepSkipped, TrainingEnded, Validation
from tui_tuner.training.run_config import RunConfig, RunFacts, read_config, write_config
from tui_tuner.training.runs import list_runs, summarize


@pytest.fixture
def project(tmp_path):
    return create_project(tmp_path / "p")


def test_each_run_in_a_line_oldest_first(project):
    done = [*EVENTS[:-1], step(10), TrainingEnded("run-1", 10, 10, True, 1.8, 3, 5.0, 3.0)]
    make_run(project, "run-10", EVENTS[:-1])
    make_run(project, "run-9", EVENTS)
    make_run(project, "run-1", done)
    make_run(project, "run-2", [])

    found = [(run.name, run.state, run.iteration, run.best_loss) for run in list_runs(project)]
    assert found == [
        ("run-1", "finished", 10, 1.8),
        ("run-2", "running or interrupted", 0, None),
        ("run-9", "stopped", 4, 1.8),
        ("run-10", "running or interrupted", 4, 1.8),
    ]
    first = list_runs(project)[0]
    assert (first.model, first.iters, first.date) == ("starter", 10, 1763928000.0)
    assert first.settings.learning_rate == TrainingChoice().learning_rate


def test_a_run_made_longer_is_not_finished(project):
    ended = [started(), step(10), TrainingEnded("run-1", 10, 10, True, None, None, 5.0, 3.0)]
    make_run(project, "run-1", ended, iters=20)
    assert summarize(project.runs / "run-1").state == "stopped"
    make_run(project, "run-1", [*ended, started(at=10)], iters=20)
    assert summarize(project.runs / "run-1").state == "running or interrupted"


def test_the_last_step_counts_even_if_it_was_left_out(project):
    make_run(project, "run-1", [started(), step(1), Validation(1, 2.0, True, 0.1, 1), StepSkipped(2, "x", (1,), 1.0)])
    assert summarize(project.runs / "run-1").iteration == 2


def test_a_broken_run_does_not_hide_the_others(project, caplog):
    make_run(project, "run-1", EVENTS)
    make_run(project, "run-2", EVENTS)
    (project.runs / "run-1" / "config.toml").write_text("iters = [")
    assert [run.name for run in list_runs(project)] == ["run-2"]
    assert "run-1" in caplog.text


def test_a_torn_line_is_not_counted(project):
    make_run(project, "run-1", EVENTS[:4])
    with (project.runs / "run-1" / "metrics.jsonl").open("a") as file:
        file.write(json.dumps(step(9).as_json()))
    assert summarize(project.runs / "run-1").iteration == 1


def test_a_config_is_written_for_people_and_read_back(project):
    config = RunConfig(RunFacts(run="run-1", created="x", model_name='a "name"'), TrainingChoice(iters=7, dropout=0.1))
    write_config(project.runs / "run-1", config)
    assert read_config(project.runs / "run-1") == config
    assert "# Size of the adapters." in (project.runs / "run-1" / "config.toml").read_text()
