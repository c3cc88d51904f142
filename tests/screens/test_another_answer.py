"""Asking for one answer again, with the tiny model as the teacher."""

import asyncio
import time
from dataclasses import replace

import pytest
import tiny_project
from screens.review_on_screen import opened, text
from teachers.small_ollama import MISTRAL, SmallOllama

from tui_tuner.app import TunerApp
from tui_tuner.dataset.examples import asked_and_answered
from tui_tuner.dataset.review import Review
from tui_tuner.files import write_json_lines
from tui_tuner.screens.another_answer import AnotherAnswerScreen
from tui_tuner.settings import Settings


@pytest.fixture
def project(tmp_path):
    project = tiny_project.make(tmp_path)
    example = asked_and_answered("How do I count?", "Slowly, and then on.", "mine.csv:1")
    write_json_lines(project.data / "imported.jsonl", [{**example.as_row(), "source": example.source}])
    (project.data / "answers.jsonl").unlink(missing_ok=True)
    return project


async def until(pilot, condition):
    """Wait for the model, which writes on a thread of its own."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        await pilot.pause(0.02)


async def asked(app, pilot):
    review = await opened(app, pilot)
    await pilot.press("r")
    await until(pilot, lambda: isinstance(app.screen, AnotherAnswerScreen))
    await until(pilot, lambda: "the new one" in text(app.screen, "#answers"))
    return review


async def test_the_old_and_the_new_answer_are_shown_and_enter_takes_the_new_one(project):
    app = TunerApp(project, Settings(last_step="dataset"))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            review = await asked(app, pilot)
            shown = text(app.screen, "#answers")
            assert "Slowly, and then on." in shown
            await pilot.press("r")
            await until(pilot, lambda: text(app.screen, "#answers") != shown)
            await pilot.press("enter")
            await until(pilot, lambda: app.screen is review)
            assert "Edited" in text(review, "#said")
            await pilot.press("u")
            assert "Slowly, and then on." in text(review, "#conversation")
    finally:
        app.close()
    rows = (project.data / "review.jsonl").read_text().splitlines()
    assert len(rows) == 2
    assert "in this process" in rows[0]


async def test_escape_keeps_the_old_one(project):
    app = TunerApp(project, Settings(last_step="dataset"))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            review = await asked(app, pilot)
            await pilot.press("escape")
            await until(pilot, lambda: app.screen is review)
    finally:
        app.close()
    assert Review(project.data / "review.jsonl").decisions == {}


async def test_while_another_job_has_the_model_it_says_so(project):
    app = TunerApp(project, Settings(last_step="dataset"))
    release = asyncio.Event()
    loop = asyncio.get_running_loop()
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            app.engine.submit_heavy(
                "training", lambda: asyncio.run_coroutine_threadsafe(release.wait(), loop).result(60)
            )
            await pilot.press("v")
            await app.workers.wait_for_complete()
            await pilot.pause()
            await pilot.press("r")
            assert "the model is busy: training" in text(app.screen, "#said")
            release.set()
    finally:
        app.close()


async def test_a_server_is_asked_on_a_thread_of_its_own_and_let_go_of_the_model_afterwards(project):
    with SmallOllama(MISTRAL) as server:
        dataset = replace(project.choices.dataset, teacher="ollama", teacher_model="mistral:7b", url=server.place)
        own = replace(project, choices=replace(project.choices, dataset=dataset))
        app = TunerApp(own, Settings(last_step="dataset"))
        try:
            async with app.run_test(size=(80, 24)) as pilot:
                review = await asked(app, pilot)
                assert "mistral:7b" in text(app.screen, "#answers")
                await pilot.press("escape")
                await until(pilot, lambda: app.screen is review)
                await until(pilot, lambda: server.evictions == ["mistral:7b"])
        finally:
            app.close()
    assert server.asked == ["mistral:7b"]


async def test_a_server_that_is_not_there_is_said_and_asked_again_by_key(project):
    dataset = replace(project.choices.dataset, teacher="ollama", teacher_model="mistral:7b", url="127.0.0.1:9")
    own = replace(project, choices=replace(project.choices, dataset=dataset))
    app = TunerApp(own, Settings(last_step="dataset"))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("v")
            await app.workers.wait_for_complete()
            await pilot.pause()
            await pilot.press("r")
            await until(pilot, lambda: isinstance(app.screen, AnotherAnswerScreen))
            await until(pilot, lambda: "nobody answers there" in text(app.screen, "#state"))
            await pilot.press("enter")  # there is nothing to take
            assert isinstance(app.screen, AnotherAnswerScreen)
            await pilot.press("escape")
    finally:
        app.close()
