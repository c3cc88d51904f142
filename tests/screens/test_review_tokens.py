"""Sorting the review by the base model's tokens: counted when asked for, shown, and counted anew after an edit."""

import pytest
import tiny_project
from screens.review_on_screen import opened, text

from tui_tuner.app import TunerApp
from tui_tuner.dataset.examples import asked_and_answered
from tui_tuner.files import write_json_lines
from tui_tuner.screens import review_tokens
from tui_tuner.settings import Settings
from tui_tuner.widgets.review_list import ReviewList

# The tiny model's tokens are letters; six of the first one's words are the fewest letters.
TEXTS = ["a b c d e f", "abcdefghijklmnopq", "abcdefghijklmnopqrstuvwxyz", "ab cd"]


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setattr(review_tokens, "PATIENCE", 0.001)
    project = tiny_project.make(tmp_path)
    for path in project.data.iterdir():
        path.unlink()
    examples = [asked_and_answered(f"Is {place} it?", text, "mine.csv") for place, text in enumerate(TEXTS)]
    write_json_lines(project.data / "imported.jsonl", [{**one.as_row(), "source": one.source} for one in examples])
    return project


async def sorted_by_tokens(screen, pilot):
    while screen._wanted.order != "tokens":
        await pilot.press("o")
    await counted(screen, pilot)


async def counted(screen, pilot):
    for _patience in range(2000):
        await pilot.pause(0.005)
        if not screen._table.without_tokens() and screen._counting is None and screen._selection_going is None:
            await pilot.pause()
            return
    raise AssertionError("still not counted")


def questions(screen):
    rows = screen.query_one(ReviewList)
    return [rows.render_line(y).text.split("Is ")[-1][0] for y in range(len(TEXTS))]


async def test_the_longest_is_first_with_its_number(project):
    app = TunerApp(project, Settings(last_step="dataset"))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            screen = await opened(app, pilot)
            assert "tokens" not in text(screen, "#conversation")
            await sorted_by_tokens(screen, pilot)
            assert questions(screen) == ["2", "1", "0", "3"]
            longest = screen._table.tokens[screen._table.shown[0]]
            assert longest > len(TEXTS[2])
            assert f" {longest}  Is 2 it?" in screen.query_one(ReviewList).render_line(0).text
            assert f"mine.csv · {longest} tokens" in text(screen, "#conversation")
            assert "by tokens" in text(screen, "#counts")
            await pilot.press("o")  # standing: no number
            await pilot.pause()
            assert "kept             Is 0 it?" in screen.query_one(ReviewList).render_line(0).text
    finally:
        app.close()


async def test_one_that_was_edited_is_counted_anew(project):
    app = TunerApp(project, Settings(last_step="dataset"))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            screen = await opened(app, pilot)
            await sorted_by_tokens(screen, pilot)
            await pilot.press("end", "e")
            await pilot.pause()
            await pilot.press("end", *("x" * 40), "ctrl+s")
            await counted(screen, pilot)
            assert questions(screen) == ["3", "2", "1", "0"]
            await pilot.press("u")
            await counted(screen, pilot)
            assert questions(screen) == ["2", "1", "0", "3"]
    finally:
        app.close()


async def test_letters_and_words_are_shown_too_and_without_a_model_it_says_why(project):
    app = TunerApp(project.with_settings("model", {"name": "/nowhere"}), Settings(last_step="dataset"))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            screen = await opened(app, pilot)
            await pilot.press("o", "o", "o")
            await pilot.pause()
            assert screen._wanted.order == "words"
            assert " 9  Is 0 it?" in screen.query_one(ReviewList).render_line(0).text
            await pilot.press("o")
            for _patience in range(2000):
                await pilot.pause(0.005)
                if text(screen, "#said"):
                    break
            assert "not on this machine" in text(screen, "#said")
            assert " –  Is" in screen.query_one(ReviewList).render_line(0).text
    finally:
        app.close()
