"""A refused follow-up on the screen: seen at its conversation, found by its reason, taken back, edited, undone."""

import pytest
import tiny_project
from screens.review_on_screen import opened, text
from textual.widgets import TextArea

from tui_tuner.app import TunerApp
from tui_tuner.dataset.examples import asked_and_answered, name_of
from tui_tuner.dataset.review import Review
from tui_tuner.files import write_json_lines
from tui_tuner.screens.learning import LearningScreen
from tui_tuner.settings import Settings
from tui_tuner.widgets.review_list import ReviewList

EXAMPLES = [asked_and_answered(f"Is {n} even?", f"Number {n} is.", "rule") for n in range(3)]
AFTER = name_of(EXAMPLES[1].messages)
WHY = {"after": AFTER, "source": "rule", "way": "old"}
REFUSED = [
    {**WHY, "question": "Is [b]0[/] even?", "reason": "near_duplicate", "detail": "another one begins so"},
    {**WHY, "question": "Why is it?", "answer": "Sorry, I cannot.", "reason": "refusal", "detail": "it refuses"},
]


@pytest.fixture
def project(tmp_path):
    project = tiny_project.make(tmp_path).with_settings("dataset", {"turns": "2"})
    for path in project.data.iterdir():
        path.unlink()
    write_json_lines(project.data / "answers.jsonl", [{**one.as_row(), "source": one.source} for one in EXAMPLES])
    write_json_lines(project.data / "follow_up_steps.jsonl", REFUSED)
    return project


@pytest.fixture
def app(project):
    app = TunerApp(project, Settings(last_step="dataset"))
    yield app
    app.close()


def lines(screen):
    rows = screen.query_one(ReviewList)
    return [rows.render_line(y).text.strip() for y in range(6)]


async def test_it_stands_below_its_conversation_and_in_it(app):
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(app, pilot)
        assert lines(screen)[1:5] == [
            "✓ kept             Is 1 even?",
            "✗ near_duplicate   ↳ Is [b]0[/] even?",
            "✗ refusal          ↳ Why is it? → Sorry, I cannot.",
            "✓ kept             Is 2 even?",
        ]
        assert "1 / 5 of 5 · 3 examples will be learned" in text(screen, "#counts")
        await pilot.press("down")
        await pilot.pause()
        assert "✗ ↳ Is [b]0[/] even?\n  near_duplicate: another one begins so" in text(screen, "#conversation")
        await pilot.press("down", "down")
        await pilot.pause()
        shown = text(screen, "#conversation")
        assert "it refuses (refused under other settings)" in shown
        assert shown.index("Number 1 is.") < shown.index("it refuses") < shown.index("Why is it?")
        assert shown.index("Why is it?") < shown.index("Sorry, I cannot.")


async def test_the_end_of_a_long_conversation_is_in_sight_where_it_is_refused(project, app):
    example = asked_and_answered("Is it long?", "It is.\n" * 60, "rule")
    path = project.data / "answers.jsonl"
    write_json_lines(path, [{**example.as_row(), "source": "rule"}])
    write_json_lines(path.with_name("follow_up_steps.jsonl"), [{**REFUSED[1], "after": name_of(example.messages)}])
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(app, pilot)
        whole = screen.query_one("#whole")
        for key, at_end in (("down", True), ("up", False), ("down", True)):
            await pilot.press(key)
            await pilot.pause()
            assert whole.scroll_offset.y == (whole.max_scroll_y if at_end else 0)
            assert whole.max_scroll_y > 0


async def test_it_is_found_by_its_reason_accepted_and_undone(app):
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(app, pilot)
        await pilot.press("f", "2")  # all, kept, near_duplicate, refusal
        await pilot.pause()
        assert "1 / 1 of 5" in text(screen, "#counts")
        await pilot.press("a")
        await pilot.pause()
        assert "Its answer is asked for at the next start" in text(screen, "#said")
        await pilot.press("escape", "home", "down")
        await pilot.pause()
        assert "✓ ↳ Is [b]0[/] even?\n  accepted" in text(screen, "#conversation")
        assert lines(screen)[2:4] == [
            "✓ accepted         ↳ Is [b]0[/] even?",
            "✗ answered_since   ↳ Why is it? → Sorry, I cannot.",
        ]
        assert "3 examples will be learned" in text(screen, "#counts")
        await pilot.press("u", "down", "d")
        assert screen.query_one(ReviewList).cursor == 1
        assert "✗ ↳ Is [b]0[/]" in text(screen, "#conversation")
        await pilot.press("d", "d", "x", "a")
        await pilot.pause()
        assert "its conversation was rejected" in text(screen, "#said")


async def test_an_edit_puts_the_whole_conversation_right(project, app):
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(app, pilot)
        await pilot.press("down", "down", "e")
        await pilot.pause()
        assert [area.text for area in app.screen.query(TextArea)][2:] == ["Is [b]0[/] even?", ""]
        await pilot.press("ctrl+s", *"yes", "ctrl+s")
        await pilot.pause()
        decision = Review(project.data / "review.jsonl").decisions[AFTER]
        assert [message["content"] for message in decision.edited.messages][2:] == ["Is [b]0[/] even?", "yes"]
        assert screen.query_one(ReviewList).cursor == 1
        assert lines(screen)[1:4] == [
            "✓ edited           Is 1 even?",
            "✗ answered_since   ↳ Is [b]0[/] even?",
            "✗ answered_since   ↳ Why is it? → Sorry, I cannot.",
        ]
        await pilot.press("u", "down", "l")
        await pilot.pause()
        assert isinstance(app.screen, LearningScreen)
