"""The prompt for questions, with the tiny model as the teacher."""

import asyncio
import time

import pytest
import tiny_project
from textual.widgets import Static, TextArea

from tui_tuner.app import TunerApp
from tui_tuner.dataset.question_prompts import LIST
from tui_tuner.project import open_project
from tui_tuner.screens.prompt import PromptScreen
from tui_tuner.settings import Settings


@pytest.fixture
def project(tmp_path):
    return tiny_project.make(tmp_path)


def text(app, name):
    return str(app.screen.query_one(name, Static).render())


async def until(pilot, condition):
    """Wait for what is written on a thread."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.01)
        await pilot.pause()


async def opened(app, pilot):
    await pilot.press("p")
    await until(pilot, lambda: isinstance(app.screen, PromptScreen))
    await until(pilot, lambda: "[user]" in text(app, "#text"))
    return app.screen.query_one("#prompt", TextArea)


async def test_it_is_read_changed_kept_and_put_back(project):
    listing = project.with_settings("dataset", {"teacher": "ollama", "url": "127.0.0.1:9"})
    app = TunerApp(listing, Settings(last_step="dataset"))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            field = await opened(app, pilot)
            assert field.text == LIST
            assert "about counting from people of all levels" in text(app, "#text")
            field.text = "List {number} [b]questions[/] about {topic}."
            await until(pilot, lambda: "[b]questions[/] about counting." in text(app, "#text"))
            assert open_project(project.folder).choices.dataset.question_prompt == field.text
            field.text = "List {nmber} questions."
            await until(pilot, lambda: "{nmber}" in text(app, "#state"))
            assert "{number}" in text(app, "#state")
            await pilot.press("ctrl+t")  # not sent while it is no good prompt
            await pilot.pause()
            assert "{nmber}" in text(app, "#state")
            await pilot.press("ctrl+r")
            await until(pilot, lambda: "people of all levels" in text(app, "#text"))
            assert open_project(project.folder).choices.dataset.question_prompt == ""
            await pilot.press("escape")
            await until(pilot, lambda: not isinstance(app.screen, PromptScreen))
    finally:
        app.close()


async def test_a_try_with_the_model_in_this_process_writes_nothing(project):
    (project.data / "instructions.json").unlink()
    before = sorted(path.name for path in project.data.iterdir())
    app = TunerApp(project, Settings(last_step="dataset"))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            await opened(app, pilot)
            await pilot.press("ctrl+t")
            await until(pilot, lambda: "would be kept" in text(app, "#title"))
            assert "in this process" in text(app, "#title")
            marks = [line[:1] for line in text(app, "#text").splitlines()]
            assert len(marks) == 6
            assert set(marks) <= {"✓", "✗"}
            await pilot.press("f2")
            await until(pilot, lambda: "[user]" in text(app, "#text"))
    finally:
        app.close()
    assert sorted(path.name for path in project.data.iterdir()) == before


async def test_a_server_that_is_away_is_named(project):
    away = project.with_settings("dataset", {"teacher": "openai", "url": "127.0.0.1:9"})
    app = TunerApp(away, Settings(last_step="dataset"))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            await opened(app, pilot)
            await pilot.press("ctrl+t")
            await until(pilot, lambda: "localhost:9: nobody answers" in text(app, "#state"))
    finally:
        app.close()
