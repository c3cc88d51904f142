"""Who answers in a comparison is ticked in a list: what is there, in which order, and why one cannot be had."""

import shutil

import pytest
import tuned_model
from teachers.small_ollama import MISTRAL, QWEN, SmallOllama
from textual.widgets import OptionList, Static

from tui_tuner import journey
from tui_tuner.app import TunerApp
from tui_tuner.project import open_project, save_project
from tui_tuner.screens.who_answers import WhoAnswers
from tui_tuner.settings import Settings
from tui_tuner.widgets.chosen_line import ChosenLine


@pytest.fixture
def project(tmp_path):
    base = tuned_model.speaker(tmp_path / "base")
    made = tuned_model.project(tmp_path / "project").with_settings("model", {"name": str(base)})
    tuned_model.adapter(made.runs / "run-1", base, model_name=str(base))
    save_project(made)
    return made


async def rows(app, pilot):
    await app.workers.wait_for_complete()
    await pilot.pause()
    return [" ".join(str(option.prompt).split()) for option in app.screen.query_one(OptionList).options]


def said(app, name):
    return str(app.screen.query_one(name, Static).content)


def columns(project):
    return open_project(project.folder).choices.compare.columns


async def test_they_are_ticked_and_ordered_by_keys(project, monkeypatch):
    with SmallOllama(MISTRAL, QWEN) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.place)
        app = TunerApp(project, Settings(last_step="compare"))
        try:
            async with app.run_test(size=(80, 24)) as pilot:
                await pilot.press("w")
                found = await rows(app, pilot)
                assert [row.split()[:2] for row in found] == [
                    ["1", "base"],
                    ["2", "tuned"],
                    ["·", "fused"],
                    ["○", "run-1"],
                    ["○", "ollama:mistral:7b"],
                    ["○", "ollama:qwen3:4b"],
                ]
                await pilot.press("down", "down", "enter")  # fused, which is not made
                await pilot.pause()
                assert "step Export" in said(app, "#said")
                await pilot.press("down", "down", "space", "left", "left", "up", "up", "up", "enter")
                await pilot.pause()
                assert said(app, "#order").endswith("ollama:mistral:7b, base")
                await pilot.press("up", "enter", "escape")
                await pilot.pause()
                assert "needs two" in said(app, "#said") and isinstance(app.screen, WhoAnswers)
                await pilot.press("enter", "right", "right", "escape")
                await pilot.pause()
                assert columns(project) == ("ollama:mistral:7b", "base")
        finally:
            app.close()


async def test_the_settings_say_who_answers_and_one_who_has_gone_is_taken_off(project):
    project = project.with_settings("compare", {"columns": "base;run-9;tuned"})
    save_project(project)
    app = TunerApp(project, Settings(last_step="compare"))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("e", "tab")
            assert app.focused.id == "who" and "base, run-9, tuned" in str(app.focused.content)
            await pilot.press("enter")
            assert (await rows(app, pilot))[-1].startswith("2 run-9 nobody of this name")
            await pilot.press("end", "space", "escape")
            await pilot.pause()
            assert "base, tuned" in str(app.screen.query_one("#who", ChosenLine).content)
    finally:
        app.close()
    assert columns(project) == ("base", "tuned")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_the_list(snap_compare, tmp_path, monkeypatch, size):
    base = tuned_model.speaker(tmp_path / "base")
    monkeypatch.setattr(journey, "base_model", lambda _project: base)
    made = tuned_model.project(tmp_path / "cooking").with_settings("model", {"name": "starter"})
    for name in ("run-1", "run-2"):
        tuned_model.adapter(made.runs / name, base, model_name="starter")
    shutil.copytree(made.runs / "run-1", made.runs / "run-1" / "checkpoints" / "40")
    made = made.with_settings("compare", {"columns": "tuned;base;run-9;run-1@40"})
    app = TunerApp(made, Settings(last_step="compare"))

    async def with_the_list(pilot):
        await pilot.press("w")
        await app.workers.wait_for_complete()
        await pilot.press("down", "down")
        await pilot.pause()

    try:
        assert snap_compare(app, terminal_size=size, run_before=with_the_list)
    finally:
        app.close()


async def test_the_judge_is_chosen_from_those_there_are(project, monkeypatch):
    with SmallOllama(MISTRAL) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.place)
        app = TunerApp(project, Settings(last_step="compare"))
        try:
            async with app.run_test(size=(80, 24)) as pilot:
                for keys, judge in ((("end", "enter"), "ollama:mistral:7b"), (("escape",), "ollama:mistral:7b")):
                    await pilot.press("j")
                    found = await rows(app, pilot)
                    assert found[0].endswith("nobody") and "mistral:7b" in found[-1]
                    await pilot.press(*keys)
                    await pilot.pause()
                    assert open_project(project.folder).choices.compare.judge == judge
                    assert "ollama:mistral:7b" in str(app.screen.query_one("#judge", ChosenLine).content)
                await pilot.press("j")
                assert (await rows(app, pilot))[-1].startswith("● mistral:7b")
                await pilot.press("home", "enter")
                await pilot.pause()
        finally:
            app.close()
    assert open_project(project.folder).choices.compare.judge == ""
