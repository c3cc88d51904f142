"""`tuner import` as a person or a script runs it."""

import json
import os
import pty
import subprocess
import sys

import pytest

from tui_tuner.commands.importing import FORMATS
from tui_tuner.importing.shapes import FORMS
from tui_tuner.project import create_project


@pytest.fixture
def project(tmp_path):
    return create_project(tmp_path / "project")


def tuner(project, *arguments, **options):
    command = [sys.executable, "-m", "tui_tuner", "import", "--project", str(project.folder), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **{"input": "", **options})


def imported(project, name="imported.jsonl"):
    path = project.data / name
    return [json.loads(line)["source"] for line in path.read_text().splitlines()] if path.exists() else []


def test_without_a_terminal_it_shows_what_it_found_and_wants_yes(desk, project):
    path = desk.file("x.csv", "frage,antwort,id\nHi?,Hello.,1\nx,,2\n")
    ended = tuner(project, path)
    assert ended.returncode == 2 and "--yes" in ended.stderr and "Traceback" not in ended.stderr
    for word in ("CSV", "2 rows", "user=frage", "not used: id", "Hello.", "x.csv:3  no answer"):
        assert word in ended.stdout
    assert imported(project) == []
    ended = tuner(project, path, "--yes")
    assert (ended.returncode, imported(project)) == (0, ["x.csv:2"])
    assert "1 of 2 rows are new; 1 cannot be used: no answer 1" in ended.stdout


def test_json_is_typed_events_alone(desk, project):
    ended = tuner(
        project, desk.file("x.csv", "a,b\nHi?,Hello.\n"), "--map", "user=a", "--map=assistant=b", "--yes", "--json"
    )
    events = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [event["event"] for event in events][-3:] == ["file_imported", "import_ended", "job_ended"]
    assert events[-2]["there"] == 1


@pytest.mark.parametrize(("answer", "expected"), [("y\n", ["x.csv:2"]), ("n\n", []), ("\n", [])])
def test_at_a_terminal_it_asks(desk, project, answer, expected):
    path = desk.file("x.csv", "question,answer\nHi?,Hello.\n")
    master, terminal = pty.openpty()
    os.write(master, answer.encode())
    ended = tuner(project, path, input=None, stdin=terminal)
    os.close(terminal)
    os.close(master)
    assert (ended.returncode, imported(project)) == (0, expected)
    assert "[y/n]" in ended.stderr


@pytest.mark.parametrize(
    "arguments", [["--map", "user"], ["--map", "nobody=question"], ["--table", "x"], ["--format", "strange"]]
)
def test_wrong_arguments_are_usage(desk, project, arguments):
    desk.file("x.db", "")
    import sqlite3

    with sqlite3.connect(desk.folder / "x.db") as connection:
        connection.execute("CREATE TABLE chats (question, answer)")
    connection.close()
    ended = tuner(project, desk.folder / "x.db", "--yes", *arguments)
    assert ended.returncode == 2 and "Traceback" not in ended.stderr


def test_several_files_come_in_together_or_not_at_all(desk, project):
    first, second = desk.file("a.csv", "question,answer\nHi?,Hello.\n"), desk.file("b.csv", "one,two\nHi?,Ho.\n")
    assert tuner(project, first, second, "--yes").returncode == 1
    assert imported(project) == []
    assert tuner(project, first, desk.file("c.jsonl", '{"prompt": "A?", "completion": "B."}'), "--yes").returncode == 0
    assert imported(project) == ["a.csv:2", "c.jsonl:1"]


def test_as_seeds_they_are_models_of_style(desk, project):
    assert tuner(project, desk.file("a.csv", "question,answer\nHi?,Hello.\n"), "--as", "seeds", "--yes").returncode == 0
    assert (imported(project, "seeds.jsonl"), imported(project)) == (["seed"], [])


def test_what_is_there_already_can_become_training_files(desk, project):
    rows = "".join(
        f"How do I bake bread number {n} at home?,Take flour and bake it for {n} minutes.\n" for n in range(9)
    )
    assert tuner(project, desk.file("a.csv", f"question,answer\n{rows}"), "--yes").returncode == 0
    ended = subprocess.run(
        [sys.executable, "-m", "tui_tuner", "data", "--project", str(project.folder)], capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    assert (project.data / "train.jsonl").exists()


def test_the_formats_of_the_command_are_those_there_are():
    assert FORMATS == FORMS
