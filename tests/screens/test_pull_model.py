"""Getting a model into Ollama from the Dataset step."""

import dataclasses

import pytest
import tiny_project
from teachers.misbehaving_server import WITHIN, MisbehavingServer, reply, stream
from teachers.small_ollama import MISTRAL, SmallOllama
from textual.widgets import Input, OptionList, Static

from tui_tuner.app import TunerApp
from tui_tuner.screens.pull_model import PullScreen
from tui_tuner.settings import Settings
from tui_tuner.teachers import choosing
from tui_tuner.widgets.stage_list import StageList

LAYER = {"status": "pulling aaaaaaaaaaaa", "digest": "sha256:" + "a" * 64, "total": 4_000_000, "completed": 1_000_000}


@pytest.fixture(autouse=True)
def nobody_else(monkeypatch):
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")  # nobody listens there
    monkeypatch.setattr(choosing, "USUAL_PORTS", (9,))


def app_with(tmp_path, url):
    project = tiny_project.make(tmp_path)
    choice = dataclasses.replace(project.choices.dataset, teacher="ollama", url=url)
    return TunerApp(project.with_choice("dataset", choice), Settings(last_step="dataset"))


async def opened(app, pilot):
    """The screen, once everybody has been asked."""
    await app.workers.wait_for_complete()
    app.screen.show_settings(False)
    app.screen.focus_body()
    await pilot.press("u")
    await pilot.pause()
    assert isinstance(app.screen, PullScreen)
    await app.workers.wait_for_complete()
    await pilot.pause()
    return app.screen


def said(screen):
    return str(screen.query_one("#said", Static).render())


async def ended(pilot, screen):
    """Wait for the download's thread, then for what it said last."""
    assert screen._job is not None
    assert screen._job.wait(WITHIN)
    await pilot.pause()
    await pilot.pause()


async def test_a_suggestion_is_got_and_can_be_chosen(tmp_path):
    with SmallOllama(MISTRAL) as server:
        app = app_with(tmp_path, server.place)
        try:
            async with app.run_test(size=(80, 24)) as pilot:
                screen = await opened(app, pilot)
                assert "1 model" in str(screen.query_one("#servers", OptionList).get_option_at_index(0).prompt)
                await pilot.press("tab", "down", "enter")
                assert screen.query_one(Input).value == "llama3.2:3b"
                assert "2.0 GB" in said(screen)
                await pilot.press("enter")
                await ended(pilot, screen)
                assert "llama3.2:3b is there" in said(screen)
                row = str(screen.query_one(StageList).render())
                assert "pulling ff82381e2bea" in row
                assert "4,372.8/4,372.8 MB" in row
                assert "done" in row
                await pilot.press("escape")
                await app.workers.wait_for_complete()
                await pilot.pause()
                rows = [str(option.prompt) for option in app.screen.query_one("#teachers", OptionList).options]
                assert any("llama3.2:3b" in row for row in rows)
        finally:
            app.close()


@pytest.mark.parametrize("key", ["s", "escape"])
async def test_stopping_keeps_the_screen_and_says_that_it_goes_on(tmp_path, key):
    with MisbehavingServer(reply({"models": []})) as server:
        app = app_with(tmp_path, f"localhost:{server.port}")
        try:
            async with app.run_test(size=(80, 24)) as pilot:
                screen = await opened(app, pilot)
                server._behaviours = [server.silent(LAYER), reply({"models": []})]
                screen.query_one(Input).value = "mistral:7b"
                await pilot.press("enter")
                assert server.was_asked.wait(WITHIN)
                await pilot.press(key)
                await ended(pilot, screen)
                assert server.client_gone.wait(WITHIN)
                assert app.screen is screen
                assert "enter goes on" in said(screen)
                assert screen.query_one(Input).value == "mistral:7b"
                await pilot.press("escape")
                assert not isinstance(app.screen, PullScreen)
        finally:
            app.close()


async def test_a_model_that_does_not_exist_is_said_and_another_can_be_tried(tmp_path):
    with MisbehavingServer(reply({"models": []})) as server:
        app = app_with(tmp_path, f"localhost:{server.port}")
        try:
            async with app.run_test(size=(80, 24)) as pilot:
                screen = await opened(app, pilot)
                server._behaviours = [stream({"error": "pull model manifest: file does not exist"})]
                screen.query_one(Input).value = "mistrall"
                await pilot.press("enter")
                await ended(pilot, screen)
                assert "no such model" in said(screen)
                assert app.focused is screen.query_one(Input)
        finally:
            app.close()


async def test_leaving_the_program_stops_the_download(tmp_path):
    with MisbehavingServer(reply({"models": []})) as server:
        app = app_with(tmp_path, f"localhost:{server.port}")
        try:
            async with app.run_test(size=(80, 24)) as pilot:
                screen = await opened(app, pilot)
                server._behaviours = [server.silent(LAYER)]
                screen.query_one(Input).value = "mistral:7b"
                await pilot.press("enter")
                assert server.was_asked.wait(WITHIN)
            assert server.client_gone.wait(WITHIN)
        finally:
            app.close()
