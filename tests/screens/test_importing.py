"""Importing in the app: what is seen, chosen and brought."""

import json
import os
import sqlite3

import pytest
import tiny_project
from textual.widgets import Select, Static

from tui_tuner.app import TunerApp
from tui_tuner.dataset.examples import read_seed_examples
from tui_tuner.screens.dataset import DatasetScreen
from tui_tuner.screens.importing import ImportScreen
from tui_tuner.settings import Settings
from tui_tuner.widgets.path_input import PathInput, completed

TABLE = "nr,wer,was\n1,Is [bold]it[/] so?,Yes.\n2,Really?,\n3,And \x1b[31mnow?,Now too.\n"


@pytest.fixture
def project(tmp_path):
    return tiny_project.make(tmp_path)


@pytest.fixture
async def pilot(project):
    app = TunerApp(project, Settings(last_step="dataset"))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            await app.workers.wait_for_complete()
            await pilot.pause()
            app.screen.focus_body()
            await pilot.press("i")
            await pilot.pause()
            assert isinstance(app.screen, ImportScreen)
            yield pilot
    finally:
        app.close()


async def settled(pilot):
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()
    await pilot.pause()


async def look_at(pilot, path):
    pilot.app.screen.query_one(PathInput).value = str(path)
    await pilot.press("enter")
    await settled(pilot)


async def imported(pilot):
    screen = pilot.app.screen
    await pilot.press("enter")
    assert screen._line.job.wait(20)
    await settled(pilot)


def text(pilot, name):
    return str(pilot.app.screen.query_one(name, Static).render())


def sources(project):
    return [json.loads(line)["source"] for line in (project.data / "imported.jsonl").read_text().splitlines()]


async def test_a_known_table_is_seen_and_imported_with_enter(pilot, project, tmp_path):
    path = tmp_path / "x.csv"
    path.write_text(TABLE.replace("wer,was", "question,answer"))
    await look_at(pilot, path)
    assert "3 rows · 1 of the first 3 cannot be used" in text(pilot, "#found")
    assert "Is [bold]it[/] so?" in text(pilot, "#shown") and "\x1b" not in text(pilot, "#shown")
    await pilot.press("b")
    assert "x.csv:3  no answer" in text(pilot, "#shown")
    assert not (project.data / "imported.jsonl").exists()
    await imported(pilot)
    assert "2 of 3 rows are new" in text(pilot, "#shown") and "1 no answer" in text(pilot, "#shown")
    assert sources(project) == ["x.csv:2", "x.csv:4"]
    await pilot.press("escape")
    await pilot.pause()
    assert isinstance(pilot.app.screen, DatasetScreen) and "2 imported" in text(pilot, "#summary")


async def test_columns_nobody_knows_are_chosen(pilot, project, tmp_path):
    path = tmp_path / "x.csv"
    path.write_text(TABLE)
    await look_at(pilot, path)
    screen = pilot.app.screen
    assert "Choose which column" in text(pilot, "#said") and "Is [bold]it[/] so?" in text(pilot, "#shown")
    assert screen.focused is screen.query_one("#user")
    screen.query_one("#user", Select).value = "wer"
    await settled(pilot)
    screen.query_one("#assistant", Select).value = "was"
    await settled(pilot)
    assert "assistant  Yes." in text(pilot, "#shown")
    screen.query_one("#preview").focus()
    await imported(pilot)
    assert len(sources(project)) == 2


async def test_a_role_can_be_taken_away(pilot, tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("system,question,answer\nBe kind.,Hi?,Hello.\n")
    await look_at(pilot, path)
    assert "Be kind." in text(pilot, "#shown")
    pilot.app.screen.query_one("#system", Select).clear()
    await settled(pilot)
    assert "Be kind." not in text(pilot, "#shown") and "Hello." in text(pilot, "#shown")


async def test_adding_and_replacing(pilot, project, tmp_path):
    for number in (1, 2, 3):
        (tmp_path / f"{number}.csv").write_text(f"question,answer\nIs it {number}?,Yes.\n")
    await look_at(pilot, tmp_path / "1.csv")
    await imported(pilot)
    pilot.app.screen.query_one(PathInput).focus()
    await look_at(pilot, tmp_path / "2.csv")
    assert "adds it to the example that is there" in text(pilot, "#said")
    await imported(pilot)
    assert sources(project) == ["1.csv:2", "2.csv:2"]
    pilot.app.screen.query_one(PathInput).focus()
    await look_at(pilot, tmp_path / "3.csv")
    await pilot.press("r")
    assert "takes the 2 examples away" in text(pilot, "#said")
    await imported(pilot)
    assert sources(project) == ["3.csv:2"]


async def test_another_table_of_a_database(pilot, tmp_path):
    with sqlite3.connect(tmp_path / "x.db") as connection:
        connection.execute("CREATE TABLE first (question, answer)")
        connection.execute("CREATE TABLE second (question, answer)")
        connection.execute("INSERT INTO second VALUES ('Hi?', 'Hello.')")
    connection.close()
    await look_at(pilot, tmp_path / "x.db")
    assert "first, 0 rows" in text(pilot, "#found").replace(" ·", ",") and "Hello" not in text(pilot, "#shown")
    assert pilot.app.screen.query_one("#table #label").size.width > 40  # a long name is read whole
    pilot.app.screen.query_one("#table", Select).value = "second"
    await settled(pilot)
    assert "Hello." in text(pilot, "#shown")


@pytest.mark.parametrize("name", ["nothing.csv", "", "pipe", "picture.csv"])
async def test_what_cannot_be_imported_is_said_and_costs_nothing(pilot, project, tmp_path, name):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "picture.csv").write_bytes(b"\x89PNG" + bytes(100))
    await look_at(pilot, tmp_path / name if name else "")
    assert len(text(pilot, "#said")) > 10
    await pilot.press("enter", "b", "r", "f")
    await settled(pilot)
    assert isinstance(pilot.app.screen, ImportScreen) and not (project.data / "imported.jsonl").exists()


async def test_tab_completes_a_path(pilot, tmp_path):
    folder = tmp_path / "some folder"
    folder.mkdir()
    (folder / "table.csv").write_text("question,answer\nHi?,Hello.\n")
    field = pilot.app.screen.query_one(PathInput)
    field.value = str(tmp_path / "some")
    await pilot.press("tab")
    assert field.value == f"{folder}/"
    await pilot.press("tab", "enter")
    await settled(pilot)
    assert "Hello." in text(pilot, "#shown")


def test_completing_a_path(tmp_path, monkeypatch):
    (tmp_path / "b folder").mkdir()
    for name in ("a.csv", "b.csv", ".hidden"):
        (tmp_path / name).write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    found = {begun: completed(begun) for begun in ("", "b", "b.", "x", "./a", ".h", "~/a", "b folder/", "no/x", "a\0/")}
    assert found == {
        "": None,
        "b": "b folder/",
        "b.": "b.csv",
        "x": None,
        "./a": "./a.csv",
        ".h": ".hidden",
        "~/a": "~/a.csv",
        "b folder/": None,
        "no/x": None,
        "a\0/": None,
    }


async def test_rows_become_seed_examples_with_a(pilot, project, tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("question,answer\nIs it so?,In short: yes.\nAnd now?,In short: now too.\n")
    await look_at(pilot, path)
    await pilot.press("a")
    assert "the teacher is shown some" in text(pilot, "#said") and "All are learned" in text(pilot, "#said")
    await pilot.press("a")
    assert "teacher" not in text(pilot, "#said")
    await pilot.press("a")
    await imported(pilot)
    assert "2 seed examples in all" in text(pilot, "#shown") and "written like these" in text(pilot, "#said")
    assert not (project.data / "imported.jsonl").exists()
    assert [one.question for one in read_seed_examples(project.data / "seeds.jsonl")] == ["Is it so?", "And now?"]
    pilot.app.screen.query_one(PathInput).focus()
    await look_at(pilot, path)
    assert "adds them to the 2 that are there" in text(pilot, "#said")
    await pilot.press("r")
    assert "takes the 2 seed examples away" in text(pilot, "#said")
    await pilot.press("escape")
    await pilot.pause()
    assert "2 seed examples" in text(pilot, "#summary")
