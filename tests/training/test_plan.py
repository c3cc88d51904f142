from __future__ import annotations

import dataclasses

import pytest
from training.story import MODEL, make_run, started, step, write

from tui_tuner.errors import ConfigurationError, DatasetError, TrainingError, UsageError
from tui_tuner.project import create_project
from tui_tuner.training.events import TrainingEnded
from tui_tuner.training.plan import changes_since, plan_run
from tui_tuner.training.run_config import read_config, write_config

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


def test_a_run_that_ended_early_goes_on_only_with_more_iterations_or_other_patience(project):
    early = TrainingEnded("run", 4, 10, True, 1.8, 3, 5.0, 3.0, early=True)
    make_run(project, "run-1", [started(), step(4), early])
    with pytest.raises(TrainingError, match="ended early, after 4 steps") as raised:
        plan_run(project, MODEL, run="run-1", resume=True)
    assert "--set patience=0" in raised.value.advice
    for name, value in (("patience", 5), ("iters", 20)):
        more = project.with_settings("training", {name: str(value)})
        assert getattr(plan_run(more, MODEL, run="run-1", resume=True).choice, name) == value


def test_other_settings_or_another_model_need_a_new_run(project):
    make_run(project, "run-1", STOPPED)
    changed = project.with_settings("training", {"rank": "16", "iters": "30", "mask_prompt": "false"})
    with pytest.raises(TrainingError, match="rank was 8, now 16; mask_prompt was True, now False") as raised:
        plan_run(changed, MODEL, resume=True)
    assert "Within a run rank cannot change" in raised.value.advice
    with pytest.raises(TrainingError, match="rank was 8, now 16"):
        plan_run(changed, MODEL, resume=True, extend=True)
    other = project.with_choice("model", dataclasses.replace(project.choices.model, name="other"))
    with pytest.raises(TrainingError, match="run-1 began otherwise: model was starter, now other"):
        plan_run(other, MODEL, resume=True, extend=True)


def test_what_changes_nothing_that_is_learned_may_change_without_a_word(project):
    make_run(project, "run-1", STOPPED)
    changed = project.with_settings("training", {"save_every": "7", "keep_checkpoints": "9", "steps_per_report": "3"})
    choice = plan_run(changed, MODEL, resume=True).choice
    assert (choice.save_every, choice.keep_checkpoints, choice.steps_per_report) == (7, 9, 3)


def test_other_settings_are_gone_on_with_where_that_is_wanted(project):
    make_run(project, "run-1", STOPPED)
    changed = project.with_settings("training", {"learning_rate": "0.5", "keys": "a; b"})
    with pytest.raises(TrainingError, match=r"learning_rate was 0\.0001, now 0\.5; keys was empty, now a, b"):
        plan_run(changed, MODEL, resume=True)
    changed = project.with_settings("training", {"learning_rate": "0.5", "iters": "5"})
    with pytest.raises(TrainingError, match="learning_rate") as raised:
        plan_run(changed, MODEL, resume=True)
    assert "tuner train --resume --run run-1 --extend" in raised.value.advice
    plan = plan_run(changed, MODEL, resume=True, extend=True)
    assert (plan.choice.learning_rate, plan.choice.iters, plan.extend) == (0.5, 5, True)
    shorter = changed.with_settings("training", {"iters": "3"})
    with pytest.raises(TrainingError, match="has done 4 steps already, and iters is 3"):
        plan_run(shorter, MODEL, resume=True, extend=True)


def test_other_data_are_named_with_their_rows(project):
    make_run(project, "run-1", STOPPED)
    valid = project.data / "valid.jsonl"
    valid.write_text('{"text": "b"}\n\n{"text": "c"}\n')
    with pytest.raises(TrainingError, match=r"there was no valid\.jsonl, now it has 2 rows"):
        plan_run(project, MODEL, resume=True)
    make_run(project, "run-1", STOPPED)
    (project.data / "train.jsonl").write_text('{"text": "b"}\n{"text": "c"}\n{"text": "d"}')
    valid.write_text('{"text": "d"}\n{"text": "e"}\n')
    with pytest.raises(TrainingError, match=r"train\.jsonl had 1 row, now 3; valid\.jsonl has .* 2 rows as before"):
        plan_run(project, MODEL, resume=True)
    valid.unlink()
    with pytest.raises(TrainingError, match=r"valid\.jsonl is gone"):
        plan_run(project, MODEL, resume=True)
    assert plan_run(project, MODEL, resume=True, extend=True).extend


def test_a_schedule_that_falls_to_the_end_does_not_grow_longer_without_a_word(project):
    project = project.with_settings("training", {"lr_schedule": "cosine_decay"})
    make_run(project, "run-1", STOPPED, choice=project.choices.training)
    longer = project.with_settings("training", {"iters": "30"})
    with pytest.raises(TrainingError, match="iters was 10, now 30"):
        plan_run(longer, MODEL, resume=True)
    assert plan_run(longer, MODEL, resume=True, extend=True).choice.iters == 30


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


def test_what_was_given_for_a_run_alone_holds_when_it_is_resumed(project):
    project = dataclasses.replace(project, given=frozenset())
    begun = project.with_settings("training", {"iters": "6", "rank": "4"})
    plan = plan_run(begun, MODEL)
    write_config(plan.run, plan.config)
    write(plan.run, STOPPED)
    assert read_config(plan.run).facts.given == ("iters", "rank")

    choice = plan_run(project, plan.model, resume=True).choice
    assert (choice.iters, choice.rank) == (6, 4)
    again = plan_run(project.with_settings("training", {"iters": "8"}), plan.model, resume=True)
    assert (again.choice.iters, again.choice.rank) == (8, 4)
    with pytest.raises(TrainingError, match="rank was 4, now 8"):
        plan_run(project.with_settings("training", {"rank": "8"}), plan.model, resume=True)
    edited = project.with_choice("training", dataclasses.replace(project.choices.training, dropout=0.5, rank=32))
    with pytest.raises(TrainingError, match="dropout") as raised:
        plan_run(edited, plan.model, resume=True)
    assert raised.value.what == "run-1 began otherwise: dropout was 0.0, now 0.5"
    assert "--extend" in raised.value.advice
    assert [change.name for change in changes_since(edited, plan.model, "run-1")] == ["dropout"]

    write(plan.run, [started(), step(6), TrainingEnded("run-1", 6, 6, True, None, None, 5.0, 3.0)])
    with pytest.raises(TrainingError, match="is finished: all its 6 steps"):
        plan_run(project, plan.model, resume=True)
