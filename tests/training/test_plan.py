from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from training.story import make_run, started, step

from tui_tuner.errors import ConfigurationError, DatasetError, TrainingError, UsageError
from tui_tuner.project import create_project
from tui_tuner.training.events import TrainingEnded
from tui_tuner.training.plan import plan_run

MODEL = Path("/a/model")
STOPPED = [started(), step(4), TrainingEnded("run", 4, 10, False, None, None, 5.0, 3.0)]
FINISHED = [started(), step(10), TrainingEnded("run", 10, 10, True, None, None, 5.0, 3.0)]


@pytest.fixture
def project(tmp_path):
    project = create_project(tmp_path / "p").with_settings("training", {"iters": "10"})
    project.data.mkdir()
    (project.data / "train.jsonl").write_text('{"text": "a"}\n')
    return project


def test_a_new_run_gets_the_next_number_and_nothing_is_written(project):
    plan = plan_run(project, MODEL)
    assert plan.run == project.runs / "run-1"
    assert not plan.run.exists()
    assert (plan.model, plan.model_name, plan.data, plan.choice) == (
        MODEL,
        "starter",
        project.data,
        project.choices.training,
    )
    make_run(project, "run-2", FINISHED)
    make_run(project, "run-10", FINISHED)
    (project.runs / "run-11").mkdir()
    make_run(project, "mine", FINISHED)
    assert plan_run(project, MODEL).run.name == "run-12"


def test_a_new_run_may_be_named_but_not_like_another(project):
    assert plan_run(project, MODEL, run="with more rank").run == project.runs / "with more rank"
    make_run(project, "mine", STOPPED)
    with pytest.raises(TrainingError, match="there is a run mine already"):
        plan_run(project, MODEL, run="mine")
    for name in ("", "..", "a/b", "/etc", ".hidden"):
        with pytest.raises(UsageError):
            plan_run(project, MODEL, run=name)


def test_without_a_dataset_there_is_advice(project):
    (project.data / "train.jsonl").unlink()
    with pytest.raises(DatasetError) as raised:
        plan_run(project, MODEL)
    assert "tuner data" in raised.value.advice


def test_resumes_the_latest_run_that_is_not_finished(project):
    with pytest.raises(TrainingError, match="no run to resume"):
        plan_run(project, MODEL, resume=True)
    make_run(project, "run-1", STOPPED)
    make_run(project, "run-2", STOPPED)
    make_run(project, "run-3", FINISHED)
    assert plan_run(project, MODEL, resume=True).run.name == "run-2"
    assert plan_run(project, MODEL, run="run-1", resume=True).run.name == "run-1"
    for name in ("run-7", "../p"):
        with pytest.raises(TrainingError, match="there is no run"):
            plan_run(project, MODEL, run=name, resume=True)


def test_a_finished_run_goes_on_only_with_more_iterations(project):
    make_run(project, "run-1", FINISHED)
    with pytest.raises(TrainingError, match="run-1 is finished"):
        plan_run(project, MODEL, resume=True)
    longer = project.with_settings("training", {"iters": "30"})
    assert plan_run(longer, MODEL, resume=True).choice.iters == 30
    make_run(project, "run-2", STOPPED, iters=20)
    assert plan_run(project, MODEL, resume=True).choice.iters == 20, "never fewer than it began with"


def test_other_settings_or_another_model_need_a_new_run(project):
    make_run(project, "run-1", STOPPED)
    changed = project.with_settings("training", {"rank": "16", "iters": "30", "mask_prompt": "false"})
    with pytest.raises(TrainingError, match="rank was 8, now 16; mask_prompt was True, now False") as raised:
        plan_run(changed, MODEL, resume=True)
    assert "new run" in raised.value.advice
    other = project.with_choice("model", dataclasses.replace(project.choices.model, name="other"))
    with pytest.raises(TrainingError, match="run-1 trains the model starter"):
        plan_run(other, MODEL, resume=True)


def test_mistakes_in_a_runs_config_are_named(project):
    make_run(project, "run-1", STOPPED)
    config = project.runs / "run-1" / "config.toml"
    text = config.read_text()
    config.write_text(text.replace("rank = 8", "rank = 0"))
    with pytest.raises(ConfigurationError, match=r"config\.toml:\d+: rank is 0"):
        plan_run(project, MODEL, run="run-1", resume=True)
    config.write_text(text.replace("format = 1", "format = 2"))
    with pytest.raises(TrainingError, match="newer tuner"):
        plan_run(project, MODEL, run="run-1", resume=True)
