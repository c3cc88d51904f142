"""Going through the examples: what is seen, decided, undone, searched and edited."""

import asyncio
import gc
import threading

import pytest
import tiny_project
from screens.review_on_screen import opened, text
from textual.widgets import Input, OptionList, Static

from tui_tuner.app import TunerApp
from tui_tuner.dataset.examples import Example, asked_and_answered
from tui_tuner.dataset.review import Decision, Review, identity
from tui_tuner.dataset.review_rows import ReviewRow
from tui_tuner.dataset.reviewing import review_slices
from tui_tuner.files import read_json_lines, write_json_lines
from tui_tuner.screens import review_reading
from tui_tuner.screens.review import ReviewScreen
from tui_tuner.screens.review_reading import RowsRead
from tui_tuner.settings import Settings
from tui_tuner.widgets.review_list import ReviewList

NUMBER = 300


@pytest.fixture
def project(tmp_path):
    project = tiny_project.make(tmp_path)
    (project.data / "answers.jsonl").unlink(missing_ok=True)
    examples = [
        asked_and_answered(f"Is [bold]{n}[/] even?", f"No. \x1b[31m{n}", f"mine.csv:{n}") for n in range(NUMBER)
    ]
    write_json_lines(project.data / "imported.jsonl", [{**one.as_row(), "source": one.source} for one in examples])
    return project


async def test_accept_reject_and_undo_by_key(project):
    app = TunerApp(project, Settings(last_step="dataset"))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            screen = await opened(app, pilot)
            assert f"{NUMBER} of {NUMBER}" in text(screen, "#counts")
            assert "Is [bold]0[/] even?" in text(screen, "#conversation")
            assert "\x1b" not in text(screen, "#conversation")
            await pilot.press("x", "x", "a", "u")
            assert f"{NUMBER - 2} examples will be learned" in text(screen, "#counts")
            assert screen.query_one(ReviewList).cursor == 2
            await pilot.press("f")
            await pilot.pause()
            await pilot.press("2")  # all, kept, rejected
            await pilot.pause()
            assert "/ 2 of" in text(screen, "#counts")
            await pilot.press("escape")
            await pilot.pause()
            assert f"/ {NUMBER} of" in text(screen, "#counts")
            await pilot.press("escape")
            await pilot.pause()
            assert not isinstance(app.screen, ReviewScreen)
    finally:
        app.close()
    assert [decision.verdict for decision in Review(project.data / "review.jsonl").decisions.values()] == ["reject"] * 2


async def test_keys_typed_at_once_are_the_lists_and_not_the_searchs(project, monkeypatch):
    focused, set_focus = [], ReviewScreen.set_focus

    def noting(self, widget, *more, **named):
        focused.append(type(widget))
        set_focus(self, widget, *more, **named)

    monkeypatch.setattr(ReviewScreen, "set_focus", noting)
    app = TunerApp(project, Settings(last_step="dataset"))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            await opened(app, pilot)
            assert set(focused) == {ReviewList}
    finally:
        app.close()


async def test_search_finds_while_typing_and_escape_clears_it(project):
    app = TunerApp(project, Settings(last_step="dataset"))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            screen = await opened(app, pilot)
            await pilot.press("slash", *"2999")
            await pilot.pause()
            assert "None of the 300" in text(screen, "#conversation")
            await pilot.press("backspace", "enter")
            await pilot.pause()
            assert "1 / 1 of" in text(screen, "#counts")
            await pilot.press("x")
            assert "299" in text(screen, "#conversation")
            await pilot.press("escape")
            assert screen.query_one("#search", Input).value == ""
            await pilot.pause()
            assert f"{NUMBER} of" in text(screen, "#counts")
            await pilot.press("end")
            await pilot.pause()
            assert f"{NUMBER} / {NUMBER}" in text(screen, "#counts")
            assert "mine.csv:299" in text(screen, "#conversation")
    finally:
        app.close()


async def test_many_are_decided_after_one_question_and_one_undo_takes_all_back(project):
    app = TunerApp(project, Settings(last_step="dataset"))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            screen = await opened(app, pilot)
            await pilot.press("slash", *"299", "enter", "X")
            await pilot.pause()
            assert "the one example in sight" in str(app.screen.query_one(Static).render())
            await pilot.press("n")
            await pilot.pause()
            await pilot.press("escape", "home", "space", "space", "down", "space", "X")
            await pilot.pause()
            assert "the 3 marked" in str(app.screen.query_one(Static).render())
            await pilot.press("y")
            await pilot.pause()
            assert f"{NUMBER - 3} examples will be learned" in text(screen, "#counts")
            await pilot.press("A")
            await pilot.pause()
            await pilot.press("y")
            await pilot.pause()
            assert f"{NUMBER} examples will be learned" in text(screen, "#counts")
            await pilot.press("u")
            await pilot.pause()
            assert f"{NUMBER - 3} examples will be learned" in text(screen, "#counts")
    finally:
        app.close()
    later = Review(project.data / "review.jsonl")
    assert len(later.decisions) == 3
    assert len(later.undo()) == 3


async def test_the_filter_counts_and_the_mouse_chooses(project):
    app = TunerApp(project, Settings(last_step="dataset"))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            screen = await opened(app, pilot)
            await pilot.press("x", "f")
            await pilot.pause()
            shown = app.screen.query_one(OptionList)
            assert str(NUMBER - 1) in str(shown.get_option_at_index(1).prompt)
            await pilot.click(OptionList, offset=(4, 2))
            await pilot.pause()
            assert "1 / 1 of" in text(screen, "#counts")
            await pilot.press("F")
            await pilot.pause()
            assert f"/ {NUMBER} of" in text(screen, "#counts")
    finally:
        app.close()


async def test_the_next_one_set_aside_and_the_one_it_repeats(project):
    row = read_json_lines(project.data / "imported.jsonl")[0][7]
    written, like = Example.from_row(row, ""), identity(asked_and_answered("Is [bold]3[/] even?", "No. \x1b[31m3", ""))
    why = {"reason": "near_duplicate", "detail": "nearly the same", "like": like, "id": identity(written)}
    write_json_lines(project.data / "set_aside.jsonl", [{**row, **why}])
    app = TunerApp(project, Settings(last_step="dataset"))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            screen = await opened(app, pilot)
            await pilot.press("n")
            assert screen.query_one(ReviewList).cursor == 7
            await pilot.press("f", "2", "d")  # those set aside alone: the other one is out of sight
            await pilot.pause()
            assert screen.query_one(ReviewList).cursor == 3
            await pilot.press("d")
            await pilot.pause()
            assert screen.query_one(ReviewList).cursor == 7
            await pilot.press("end", "N", "c")
            assert screen.query_one(ReviewList).cursor == 7
            assert app.clipboard == "user: Is [bold]7[/] even?\n\nassistant: No. 7"
    finally:
        app.close()


async def test_a_decision_undone_while_the_rest_is_still_read_is_undone_there_too(project):
    app = TunerApp(project, Settings(last_step="dataset"))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            screen = await opened(app, pilot)
            late = ReviewRow("late", asked_and_answered("Late?", "Yes.", "mine.csv"), decision=Decision("reject"))
            screen.post_message(RowsRead([late], screen._review))
            await pilot.pause()
            assert screen._table.rows["late"].decision is None
            assert screen._table.learned == NUMBER + 1
            await pilot.click(ReviewList, offset=(20, 3))
            assert screen.query_one(ReviewList).cursor == 3
    finally:
        app.close()


async def test_the_next_rows_are_read_once_those_before_are_taken_in(project, monkeypatch):
    ahead, read = [], review_slices

    def noting(*arguments):
        number = 0
        for rows in read(*arguments):
            ahead.append(number - len(screens[0]._table.rows))
            yield rows
            number += len(rows)

    screens, mount = [], ReviewScreen.on_mount
    monkeypatch.setattr(ReviewScreen, "on_mount", lambda self: (screens.append(self), mount(self)))
    monkeypatch.setattr(review_reading, "review_slices", noting)
    app = TunerApp(project, Settings(last_step="dataset"))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            screen = await opened(app, pilot)
            assert ahead == [0] * 2  # 200 rows, and the others
            assert len(screen._table.rows) == NUMBER
            assert gc.get_freeze_count() > 0
            await pilot.press("escape")
            await pilot.pause()
            assert gc.get_freeze_count() == 0
    finally:
        app.close()


@pytest.mark.parametrize("key", ["escape", "q"])
async def test_reading_ends_with_the_screen_and_with_the_app(project, monkeypatch, key):
    ended = threading.Event()

    def endless(*_arguments):
        example = asked_and_answered("Is it?", "It is.", "mine.csv")
        try:
            while True:
                yield [ReviewRow("a", example)]
        finally:
            ended.set()

    monkeypatch.setattr(review_reading, "review_slices", endless)
    app = TunerApp(project, Settings(last_step="dataset"))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("v")
            await pilot.pause()
            assert isinstance(app.screen, ReviewScreen)
            await pilot.press(key)
        assert await asyncio.to_thread(ended.wait, 60)
        assert gc.get_freeze_count() == 0
    finally:
        app.close()


async def test_without_examples_it_says_what_to_do(tmp_path):
    project = tiny_project.make(tmp_path)
    for path in project.data.iterdir():
        path.unlink()
    app = TunerApp(project, Settings(last_step="dataset"))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            screen = await opened(app, pilot)
            assert "no examples yet" in text(screen, "#said")
            await pilot.press("x", "e", "E", "u", "o", "end", "pagedown", "space", "A", "X", "n", "N", "d", "c", "F")
    finally:
        app.close()


async def test_an_edit_made_here_is_kept_and_undone(project):
    app = TunerApp(project, Settings(last_step="dataset"))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            screen = await opened(app, pilot)
            await pilot.press("down", "e")
            await pilot.pause()
            await pilot.press("end", *" Odd", "full_stop", "ctrl+s")
            await pilot.pause()
            assert "No. 1 Odd." in text(screen, "#conversation")
            assert "Edited" in text(screen, "#said")
            decisions = Review(project.data / "review.jsonl").decisions
            assert [decision.edited.answer for decision in decisions.values()] == ["No. 1 Odd."]
            assert [decision.edited.source for decision in decisions.values()] == ["mine.csv:1"]
            await pilot.press("u")
            assert "Odd" not in text(screen, "#conversation")
    finally:
        app.close()
