"""The teachers on the Dataset screen: who is there, who is chosen, and what choosing writes into the project."""

import dataclasses

import pytest
import tiny_project
from teachers.misbehaving_server import MisbehavingServer, reply
from teachers.small_ollama import MISTRAL, QWEN, SmallOllama
from textual.widgets import Input, OptionList

from tui_tuner.app import TunerApp
from tui_tuner.project import open_project
from tui_tuner.settings import Settings
from tui_tuner.teachers import choosing

MODELS = {"data": [{"id": "qwen3-4b"}, {"id": "mistral-7b"}]}


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")  # nobody listens there
    with MisbehavingServer(reply(MODELS)) as server:
        monkeypatch.setattr(choosing, "USUAL_PORTS", (server.port,))
        yield server


async def listed(app, pilot):
    """What the list says, once the look around has ended, with one space between its columns."""
    await app.workers.wait_for_complete()
    await pilot.pause()
    rows = app.screen.query_one("#teachers", OptionList)
    return [" ".join(str(option.prompt).split()) for option in rows.options]


async def test_a_server_that_is_found_becomes_the_teacher_with_a_key(server, tmp_path):
    project = tiny_project.make(tmp_path)
    place = f"localhost:{server.port}"
    app = TunerApp(project, Settings(last_step="dataset"))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            names = [f"qwen3-4b {place}", f"mistral-7b {place}"]
            assert [row[2:] for row in await listed(app, pilot)][-2:] == names
            app.screen.show_settings()
            rows = app.screen.query_one("#teachers", OptionList)
            rows.focus()
            rows.highlighted = rows.option_count - 1
            await pilot.press("enter")
            await pilot.pause()
            marked = [row[2:] for row in await listed(app, pilot) if row.startswith("●")]
            assert marked == [f"mistral-7b {place}"]
            assert any(field.value == place for field in app.screen.query(Input))
    finally:
        app.close()
    chosen = open_project(project.folder).choices.dataset
    assert (chosen.teacher, chosen.teacher_model, chosen.url) == ("openai", "mistral-7b", place)


async def test_where_no_model_is_named_only_the_first_is_marked(server, tmp_path):
    project = tiny_project.make(tmp_path)
    place = f"localhost:{server.port}"
    choice = dataclasses.replace(project.choices.dataset, teacher="openai", teacher_model="", url=place)
    app = TunerApp(project.with_choice("dataset", choice), Settings(last_step="dataset"))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            marked = [row for row in await listed(app, pilot) if row.startswith("●")]
            assert marked == [f"● qwen3-4b {place}"]
    finally:
        app.close()


async def test_of_several_servers_the_one_teacher_on_each_is_marked(server, tmp_path):
    project = tiny_project.make(tmp_path)
    with MisbehavingServer(reply(MODELS)) as other:
        places = [f"localhost:{other.port}", f"localhost:{server.port}"]
        choice = dataclasses.replace(
            project.choices.dataset, teacher="openai", teacher_model="mistral-7b", url="; ".join(places)
        )
        app = TunerApp(project.with_choice("dataset", choice), Settings(last_step="dataset"))
        try:
            async with app.run_test(size=(80, 24)) as pilot:
                marked = {row for row in await listed(app, pilot) if row.startswith("●")}
                assert marked == {f"● mistral-7b {place}" for place in places}
        finally:
            app.close()


async def test_space_adds_a_model_and_takes_it_away_again(server, tmp_path):
    with SmallOllama(MISTRAL, QWEN) as ollama:
        project = tiny_project.make(tmp_path)
        choice = dataclasses.replace(project.choices.dataset, teacher="ollama", url=ollama.place)
        project = project.with_choice("dataset", choice)
        app = TunerApp(project, Settings(last_step="dataset"))
        try:
            async with app.run_test(size=(80, 24)) as pilot:
                rows = [row.removeprefix("● ").removeprefix("○ ") for row in await listed(app, pilot)]
                app.screen.show_settings()
                teachers = app.screen.query_one("#teachers", OptionList)
                teachers.focus()
                teachers.highlighted = rows.index(f"qwen3:4b 2.5 GB qwen3 4.0B {ollama.place}")
                await pilot.press("space")
                marked = [row.split()[1] for row in await listed(app, pilot) if row.startswith("●")]
                assert marked == ["mistral:7b", "qwen3:4b"]
                assert app.project.choices.dataset.teacher_models == ("mistral:7b", "qwen3:4b")
                await pilot.press("space")
                assert app.project.choices.dataset.teacher_models == ("mistral:7b",)
                teachers.highlighted = rows.index(f"mistral:7b 4.4 GB llama 7.2B {ollama.place}")
                await pilot.press("space")  # the last one stays: someone has to write
                assert app.project.choices.dataset.teacher_models == ("mistral:7b",)
        finally:
            app.close()


async def test_with_nobody_else_the_model_in_this_process_is_said_to_be_enough(monkeypatch, tmp_path):
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")
    monkeypatch.setattr(choosing, "USUAL_PORTS", (9,))
    app = TunerApp(tiny_project.make(tmp_path), Settings(last_step="dataset"))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            first, remark = await listed(app, pilot)
            assert first.startswith("●") and first.endswith("in this process")
            assert "none is needed" in remark
    finally:
        app.close()
