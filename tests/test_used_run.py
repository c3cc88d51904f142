"""Which run the steps after Train use."""

from __future__ import annotations

import dataclasses

import pytest
from training.story import EVENTS, make_run

from tui_tuner.cli import main
from tui_tuner.project import create_project
from tui_tuner.training.run_config import RunConfig, read_config, write_config
from tui_tuner.training.run_names import rename_run
from tui_tuner.used_run import USED, use_run


def begin(project, name: str, when: str) -> None:
    make_run(project, name, EVENTS)
    config = read_config(project.runs / name)
    write_config(project.runs / name, RunConfig(dataclasses.replace(config.facts, created=when), config.choice))
    (project.runs / name / "adapters.safetensors").write_bytes(b"")


@pytest.fixture
def project(tmp_path, monkeypatch):
    made = create_project(tmp_path / "p")
    for day in (1, 2, 3):
        begin(made, f"run-{day}", f"2025-11-0{day}T12:00:00Z")
    monkeypatch.chdir(made.folder)
    return made


def test_the_latest_is_used_unless_another_was_chosen_since(project):
    assert project.tuned_run().name == "run-3"
    use_run(project.runs, "run-1")
    assert project.tuned_run().name == "run-1"
    begin(project, "run-4", "2999-01-01T00:00:00Z")
    assert project.tuned_run().name == "run-4", "one that begins later takes over"


def test_the_chosen_one_may_be_renamed_or_lose_its_adapter(project):
    use_run(project.runs, "run-1")
    rename_run(project, project.runs / "run-1", "mine")
    assert project.tuned_run().name == "mine"
    (project.runs / "mine" / "adapters.safetensors").unlink()
    assert project.tuned_run().name == "run-3"


@pytest.mark.parametrize("content", [b"", b"[]", b'{"run": 7}', b"\xff", b'{"run": "run-9", "since": "2999"}'])
def test_a_file_that_says_nothing_is_as_good_as_none(project, content):
    (project.runs / USED).write_bytes(content)
    assert project.tuned_run().name == "run-3"


def test_it_is_chosen_on_the_command_line(project, capsys):
    assert main(["runs", "--use", "run-2"]) == 0
    assert "use run-2" in capsys.readouterr().out
    assert project.tuned_run().name == "run-2"
    assert main(["runs", "--use", "run-9"]) == 1
    (project.runs / "run-1" / "adapters.safetensors").unlink()
    assert main(["runs", "--use", "run-1"]) == 1
    assert "no adapter yet" in capsys.readouterr().err
    assert main(["runs", "--use", ""]) == 0
    assert project.tuned_run().name == "run-3"
