"""The teachers on the Dataset screen: who is there, who is chosen, and what choosing writes into the project."""

import dataclasses

import pytest
import tiny_project
from teachers.misbehaving_server import MisbehavingServer, reply
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
    """What the list says, once the look around has ended."""
    await app.workers.wait_for_complete()
    await pilot.pause()
    rows = app.screen.query_one("#teachers", OptionList)
    return [str(option.prompt).strip() for option in rows.options]


async def test_a_server_that_is_found_becomes_the_teacher_with_a_key(server, tmp_path):
    project = tiny_project.make(tmp_path)
    place = f"localhost:{server.port}"
    app = TunerApp(project, Settings(last_step="dataset"))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            names = [f"qwen3-4b at {place}", f"mistral-7b at {place}"]
            assert [row[2:] for row in await listed(app, pilot)][-2:] == names
            app.screen.show_settings()
            rows = app.screen.query_one("#teachers", OptionList)
            rows.focus()
            rows.highlighted = rows.option_count - 1
            await pilot.press("enter")
            await pilot.pause()
            marked = [row[2:] for row in await listed(app, pilot) if row.startswith("●")]
            assert marked == [f"mistral-7b at {place}"]
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
            assert marked == [f"● qwen3-4b at {place}"]
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
                assert marked == {f"● mistral-7b at {place}" for place in places}
        finally:
            app.close()
