"""tuner runs: what is asked of runs on the command line."""

from __future__ import annotations

import json

import pytest
from training.story import EVENTS, make_run

from tui_tuner.cli import main
from tui_tuner.project import create_project
from tui_tuner.project_lock import project_lock
from tui_tuner.training.runs import list_runs


@pytest.fixture
def project(tmp_path, monkeypatch):
    made = create_project(tmp_path / "p")
    make_run(made, "run-1", EVENTS)
    make_run(made, "run-2", EVENTS)
    monkeypatch.chdir(made.folder)
    return made


def names(project):
    return [run.name for run in list_runs(project)]


def test_runs_are_listed_with_their_notes(project, capsys):
    assert main(["runs", "--note", "run-1", "a \x1b[31mred\x1b[0m one"]) == 0
    assert main(["runs"]) == 0
    said = capsys.readouterr().out
    assert "run-1" in said and "4/10" in said and "a red one" in said and "\x1b" not in said
    assert main(["runs", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["name"] for row in rows] == ["run-1", "run-2"]


def test_a_run_is_renamed(project, capsys):
    assert main(["runs", "--rename", "run-1", "mine"]) == 0
    assert sorted(names(project)) == ["mine", "run-2"]
    assert main(["runs", "--rename", "run-7", "x"]) == 1
    assert main(["runs", "--rename", "mine", "a/b"]) == 2
    assert "tuner runs" in capsys.readouterr().err


def test_nobody_is_asked_where_nobody_is(project, capsys, monkeypatch):
    assert main(["runs", "--delete", "run-1"]) == 2
    assert "--yes" in capsys.readouterr().err
    assert main(["runs", "--delete", "run-1", "--yes"]) == 0
    assert names(project) == ["run-2"]


@pytest.mark.parametrize(("answer", "left"), [("n", 2), ("", 2), ("y", 1)])
def test_deleting_asks_and_says_who_uses_it(project, capsys, monkeypatch, answer, left):
    (project.runs / "run-2" / "adapters.safetensors").write_bytes(b"")

    class Terminal:
        def isatty(self):
            return True

        def readline(self):
            return answer + "\n"

    monkeypatch.setattr("sys.stdin", Terminal())
    assert main(["runs", "--delete", "run-2"]) == (0 if left == 1 else 1)
    assert "no tuned model" in capsys.readouterr().out
    assert len(names(project)) == left


def test_runs_another_process_may_be_training_are_left_alone(project, capsys):
    with project_lock(project):
        for arguments in (["--delete", "run-1", "--yes"], ["--rename", "run-1", "x"]):
            assert main(["runs", *arguments]) == 1
        assert "another tuner" in capsys.readouterr().err
        assert main(["runs", "--note", "run-1", "still trains"]) == 0
    assert names(project) == ["run-1", "run-2"]


def test_runs_are_compared(project, capsys):
    assert main(["runs", "--compare"]) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[0].split() == ["run-1", "run-2"]
    assert "All settings are the same." in said
    assert main(["runs", "--compare", "run-2", "run-1", "--json"]) == 0
    (row,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (row["event"], row["runs"]) == ("run_table", ["run-2", "run-1"])
    assert main(["runs", "--compare", "run-9"]) == 1


def test_a_report_is_written(project, capsys, tmp_path):
    assert main(["runs", "--report", "run-1", str(tmp_path / "out" / "run.html")]) == 0
    assert "run.html" in capsys.readouterr().out
    assert "<svg" in (tmp_path / "out" / "run.html").read_text()
