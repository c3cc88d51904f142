"""Runs as a person keeps them: named, noted, deleted."""

from __future__ import annotations

import json

import pytest
from training.story import EVENTS, make_run

from tui_tuner.errors import TrainingError, UsageError
from tui_tuner.files import write_text
from tui_tuner.models.model_files import write_provenance
from tui_tuner.project import create_project
from tui_tuner.run_uses import delete_run, uses_of
from tui_tuner.training.history import read_history
from tui_tuner.training.run_config import read_config
from tui_tuner.training.run_names import NOTE, find_run, free_run_folder, read_note, rename_run, write_note
from tui_tuner.training.runs import list_runs, summarize


@pytest.fixture
def project(tmp_path):
    made = create_project(tmp_path / "p")
    make_run(made, "run-1", EVENTS)
    make_run(made, "run-2", EVENTS)
    return made


def begun(project, name, created):
    config = project.runs / name / "config.toml"
    config.write_text(config.read_text().replace("2025-11-23T20:00:00Z", created))


def test_runs_are_in_the_order_in_which_they_were_begun_whatever_they_are_called(project):
    make_run(project, "a better one", EVENTS)
    begun(project, "a better one", "2025-11-24T08:00:00Z")
    begun(project, "run-2", "2025-11-22T08:00:00Z")
    assert [run.name for run in list_runs(project)] == ["run-2", "run-1", "a better one"]


def test_a_renamed_run_tells_the_same_story_under_its_new_name(project):
    before = read_history(project.runs / "run-1")
    folder = rename_run(project, project.runs / "run-1", "small rate")

    assert folder == project.runs / "small rate"
    assert not (project.runs / "run-1").exists()
    after = read_history(folder)
    assert after.run == "small rate"
    assert after.train == before.train
    assert summarize(folder).name == "small rate"
    assert read_config(folder).facts.run == "small rate"
    assert rename_run(project, folder, "small rate") == folder


def test_a_name_that_is_taken_or_none_is_refused(project):
    with pytest.raises(TrainingError, match="run-2 already"):
        rename_run(project, project.runs / "run-1", "run-2")
    for name in ("", " ", " x", "a/b", "..", ".hidden", "two\nlines", "x" * 81, "\x1b[2J"):
        with pytest.raises(UsageError):
            free_run_folder(project, name)
        with pytest.raises(TrainingError, match="there is no run"):
            find_run(project, name)
    assert find_run(project, "run-1") == project.runs / "run-1"
    assert [run.name for run in list_runs(project)] == ["run-1", "run-2"]


def test_a_note_is_a_text_in_the_folder(project):
    run = project.runs / "run-1"
    assert read_note(run) == ""
    write_note(run, " half the rate\n")
    assert (run / NOTE).read_text() == "half the rate\n"
    assert summarize(run).note == "half the rate"
    write_note(run, "  ")
    assert not (run / NOTE).exists()
    (run / NOTE).write_bytes(b"\xff\xfe")
    assert isinstance(read_note(run), str)


def test_who_uses_a_run_is_said(project):
    run = project.runs / "run-2"
    assert uses_of(project, run) == []
    (run / "adapters.safetensors").write_bytes(b"")
    assert uses_of(project, run) == ["Compare, Export and Chat use its adapter; then there is no tuned model."]
    (project.runs / "run-1" / "adapters.safetensors").write_bytes(b"")
    made = {"format": 1, "run": "run-2", "prompts": ["What is a tart?"]}
    write_text(project.comparisons / "a.jsonl", json.dumps(made) + "\n")
    made = {"format": 1, "run": "run-1", "prompts": ["What is a tart?"]}
    write_text(project.comparisons / "b.jsonl", json.dumps(made) + "\n")
    project.fused_model.mkdir(parents=True)
    write_provenance(project.fused_model, {"run": "run-2"})
    assert uses_of(project, run) == [
        "Compare, Export and Chat use its adapter; then run-1 takes its place.",
        "Comparisons made with it: 1; they stay.",
        "The fused model was made from it; it stays, and works without it.",
    ]
    assert uses_of(project, project.runs / "run-1") == ["Comparisons made with it: 1; they stay."]


def test_a_deleted_run_is_gone_and_half_a_deleted_one_is_none(project):
    delete_run(project.runs / "run-1")
    assert [run.name for run in list_runs(project)] == ["run-2"]
    (project.runs / "run-2").rename(project.runs / ".run-2.deleted")
    assert list_runs(project) == []
