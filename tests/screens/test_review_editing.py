"""Changing the words of an example."""

import sys

import pytest
from textual.app import App
from textual.widgets import Static, TextArea

from tui_tuner.dataset.examples import Example, asked_and_answered
from tui_tuner.dataset.review_rows import ReviewRow
from tui_tuner.errors import StorageError
from tui_tuner.models.prompts import Message
from tui_tuner.screens.review_editing import EditScreen, edited_in_editor

TURNS = (
    Message(role="system", content="Be kind."),
    Message(role="user", content="Who are \x1b[31myou?"),
    Message(role="assistant", content="A [b]cat[/]."),
)


class Editing(App[None]):
    """The editor alone; remembers what it was told to keep."""

    def __init__(self, refuse=None):
        super().__init__()
        self.kept, self.answers, self._refuse = [], [], refuse

    def on_mount(self):
        self.push_screen(EditScreen(TURNS, self.keep), self.answers.append)

    def keep(self, turns):
        if self._refuse:
            raise self._refuse
        Example.from_row({"messages": turns}, "")
        self.kept.append(turns)

    def objection(self):
        return str(self.screen.query_one("#objection", Static).render())


async def test_the_last_answer_is_edited_at_once_and_what_was_not_touched_stays_letter_by_letter():
    app = Editing()
    async with app.run_test(size=(80, 24)) as pilot:
        assert "\x1b" not in app.screen.query(TextArea)[1].text
        await pilot.press("end", *"Meow", "ctrl+s")
        await pilot.pause()
    assert app.kept == [[*TURNS[:2], Message(role="assistant", content="A [b]cat[/].Meow")]]
    assert app.answers == [True]


async def test_an_answer_without_a_word_is_refused_in_place():
    app = Editing()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("ctrl+a", "ctrl+k", "ctrl+s")
        app.screen.query(TextArea)[2].text = " "
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert "Not kept: each message needs" in app.objection()
    assert app.kept == []


async def test_a_full_disk_is_said_in_place_and_nothing_typed_is_lost():
    app = Editing(StorageError("no space left", advice="Make room."))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("end", "!", "ctrl+s")
        await pilot.pause()
        assert "no space left. Make room." in app.objection()
        assert app.screen.query(TextArea)[2].text.endswith("!")


async def test_escape_leaves_at_once_only_where_nothing_was_typed():
    app = Editing()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("ctrl+s")
        assert "Nothing was changed" in app.objection()
        await pilot.press("x")
        await pilot.pause()
        await pilot.press("escape")
        assert "not kept yet" in app.objection()
        await pilot.press("y")
        await pilot.pause()
        await pilot.press("escape")
        assert app.answers == []
        await pilot.press("escape")
        await pilot.pause()
    assert (app.answers, app.kept) == ([False], [])


async def test_a_pair_is_added_and_taken_away():
    app = Editing()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f3")
        assert "have to stay" in app.objection()
        await pilot.press("f2", *"And", "tab", *"So", "f2", "f3", "ctrl+s")
        await pilot.pause()
    added = [Message(role="user", content="And"), Message(role="assistant", content="So")]
    assert app.kept == [[*TURNS, *added]]


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("pass", None),
        ("p.write_text(p.read_text().replace('A cat.', 'A dog.'))", "A dog."),
        ("p.write_text('{}')", ValueError),
        ("p.write_text('[')", ValueError),
    ],
)
def test_the_persons_own_editor_changes_an_example(program, expected, monkeypatch, tmp_path):
    script = tmp_path / "my editor.py"
    script.write_text(f"import pathlib, sys\np = pathlib.Path(sys.argv[1])\n{program}\n")
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", f"{sys.executable} '{script}'")
    row = ReviewRow("a", asked_and_answered("Who are you?", "A cat.", "me"))
    if expected is ValueError:
        with pytest.raises(ValueError):
            edited_in_editor(row)
    else:
        turns = edited_in_editor(row)
        assert (turns and turns[-1]["content"]) == expected
