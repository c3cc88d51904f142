"""Choosing the base model, and fetching it from there."""

from __future__ import annotations

import pytest
import tiny_model
import tiny_project
from models.small_hub import SmallHub
from textual.widgets import Input, OptionList, Static

from tui_tuner.app import TunerApp
from tui_tuner.models.catalogue import find_model
from tui_tuner.models.recommended import GUIDE_MODEL
from tui_tuner.project import open_project
from tui_tuner.screens.base_models import BaseModelScreen
from tui_tuner.screens.question import Question
from tui_tuner.settings import Settings
from tui_tuner.widgets.stage_list import StageList

REPOSITORY = "somebody/a-model-1B"
WITHIN = 60.0  # seconds, for what takes a few


@pytest.fixture
def hub(tmp_path, monkeypatch):
    from huggingface_hub import constants

    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HF_HUB_OFFLINE", "HF_HUB_CACHE", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "home" / "hub"))
    folder = tiny_model.make(tmp_path / "on the hub", hidden=128)
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    with SmallHub({REPOSITORY: files, GUIDE_MODEL: files}).running() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub


@pytest.fixture
def project(tmp_path):
    return tiny_project.make(tmp_path).with_settings("model", {"name": "starter"})


async def opened(app, pilot):
    """The screen, once it has looked around."""
    await app.workers.wait_for_complete()
    await pilot.press("b")
    await pilot.pause()
    assert isinstance(app.screen, BaseModelScreen)
    await app.workers.wait_for_complete()
    await pilot.pause()
    return app.screen


def text(screen, name):
    return str(screen.query_one(f"#{name}", Static).render())


def rows(screen):
    return [str(option.prompt) for option in screen.query_one("#offers", OptionList).options]


async def until_ended(app, pilot, screen):
    assert app.board.jobs["environment"].wait(WITHIN)
    await pilot.pause()
    app.board.drain("environment")
    screen._show_download()
    await app.workers.wait_for_complete()
    await pilot.pause()


def shown(project):
    return TunerApp(project, Settings(last_step="environment"))


async def test_the_guides_model_is_among_those_to_choose_and_enter_chooses(project):
    app = shown(project)
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            screen = await opened(app, pilot)
            place = next(place for place, row in enumerate(rows(screen)) if GUIDE_MODEL in row)
            assert "~4.1 GB" in rows(screen)[place]
            screen.query_one("#offers", OptionList).highlighted = place
            await pilot.pause()
            assert "the guide's model" in text(screen, "about")
            await pilot.press("enter")
            assert open_project(project.folder).choices.model.name == GUIDE_MODEL
            assert rows(screen)[place].startswith(" ●")
            assert "d gets it now" in text(screen, "said")
    finally:
        app.close()


async def test_a_folder_or_a_name_can_be_typed_and_what_is_neither_is_refused(project, tmp_path):
    app = shown(project)
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            screen = await opened(app, pilot)
            field = screen.query_one(Input)
            field.focus()
            field.value = "no such model"
            await pilot.press("enter")
            assert "no model here" in text(screen, "said")
            assert app.project.choices.model.name == "starter"
            field.value = str(tmp_path / "model")
            await pilot.press("enter")
            await app.workers.wait_for_complete()
            await pilot.pause()
            assert app.project.choices.model.name == str(tmp_path / "model")
            assert rows(screen)[-1].startswith(" ●") and "✓" in rows(screen)[-1]
    finally:
        app.close()


async def test_bits_and_trust_belong_to_the_chosen_model_and_trust_is_asked_for(project):
    app = shown(project)
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            screen = await opened(app, pilot)
            await pilot.press("k")
            assert app.project.choices.model.quantize == "4" and "4 bits" in text(screen, "how")
            await pilot.press("t")
            await pilot.pause()
            assert isinstance(app.screen, Question)
            await pilot.press("n")
            assert not app.project.choices.model.trust_remote_code
            await pilot.press("t", "y")
            await pilot.pause()
            assert app.project.choices.model.trust_remote_code and "own code may run" in text(screen, "how")
            await pilot.press("down", "enter")
            assert not app.project.choices.model.trust_remote_code
    finally:
        app.close()


async def test_the_row_is_fetched_and_leaving_does_not_stop_it(project, hub):
    app = shown(project)
    hub.go_on.clear()
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            screen = await opened(app, pilot)
            place = next(place for place, row in enumerate(rows(screen)) if GUIDE_MODEL in row)
            screen.query_one("#offers", OptionList).highlighted = place
            await pilot.press("d")
            assert app.project.choices.model.name == GUIDE_MODEL
            assert hub.half_sent.wait(WITHIN)
            await pilot.press("escape")
            await pilot.pause()
            assert app.board.running("environment")
            screen = await opened(app, pilot)
            hub.go_on.set()
            await until_ended(app, pilot, screen)
            assert "It is here." in text(screen, "said")
            assert "✓" in rows(screen)[place]
            assert find_model(GUIDE_MODEL)
    finally:
        app.close()


async def test_a_download_can_be_stopped_and_one_that_fails_says_why(project, hub):
    app = shown(project)
    hub.go_on.clear()
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            screen = await opened(app, pilot)
            field = screen.query_one(Input)
            field.focus()
            field.value = REPOSITORY
            await pilot.press("enter")
            await app.workers.wait_for_complete()
            await pilot.pause()
            screen.query_one("#offers", OptionList).focus()
            screen.query_one("#offers", OptionList).highlighted = len(rows(screen)) - 1
            await pilot.press("d")
            assert hub.half_sent.wait(WITHIN)
            await pilot.press("s")
            await until_ended(app, pilot, screen)
            assert "d goes on" in text(screen, "said")
            assert not screen.query_one(StageList).has_class("working")
            hub.refusal = (403, "GatedRepo")
            await pilot.press("d")
            await until_ended(app, pilot, screen)
            assert "gated" in text(screen, "said") and "hf auth login" in text(screen, "said")
    finally:
        app.close()
