"""The form: drawn from the declarations, driven by keys alone, forgiving while one types."""

from dataclasses import dataclass

import pytest
from textual.app import App
from textual.widgets import Input, Static

from tui_tuner.configuration import setting
from tui_tuner.widgets.settings_field import Choice, SettingField, Toggle
from tui_tuner.widgets.settings_form import SettingsForm


@dataclass(frozen=True)
class Recipe:
    """One field of every type."""

    batch_size: int = setting(4, "Examples per step.", minimum=1, maximum=64)
    learning_rate: float = setting(1e-4, "How far each step goes.", minimum=0, maximum=1)
    mask_prompt: bool = setting(True, "Learn from the answers only.")
    teacher: str = setting("mlx", "Who writes.", choices=("mlx", "ollama", "server"))
    topic: str = setting("", "What it is about: [b]anything[/b].", label="the [i]topic[/i]")
    phrases: tuple[str, ...] = setting(("How do I", "Can I"), "Openings.")


class FormApp(App):
    def __init__(self, only=()):
        super().__init__()
        self.bind("1", "note")
        self.only, self.changes, self.noted = only, [], 0

    def compose(self):
        yield SettingsForm(Recipe(), only=self.only)

    def on_settings_form_changed(self, event):
        self.changes.append(event.values)

    def action_note(self):
        self.noted += 1


def field(app, name) -> SettingField:
    return next(one for one in app.query(SettingField) if one.setting == name)


def help_line(app):
    return str(app.query_one(".settings--help", Static).content)


def problem_beside(app, name):
    return str(field(app, name).query_one(".setting--problem", Static).content)


def focused(app):
    return next((one.setting for one in app.query(SettingField) if one.has_focus_within), None)


async def go_to(pilot, name):
    field(pilot.app, name).editor.focus()
    await pilot.pause()
    await pilot.wait_for_scheduled_animations()
    await pilot.pause()


async def test_every_field_has_its_name_and_the_editor_of_its_type():
    app = FormApp()
    async with app.run_test(size=(80, 20)):
        labels = [str(label.content) for label in app.query(".setting--label").results(Static)]
        assert labels == ["batch size", "learning rate", "mask prompt", "teacher", "the [i]topic[/i]", "phrases"]
        editors = [type(one.editor) for one in app.query(SettingField)]
        assert editors == [Input, Input, Toggle, Choice, Input, Input]
        assert field(app, "phrases").editor.value == "How do I; Can I"
        assert {one.size.height for one in app.query(SettingField)} == {1}


async def test_only_the_fields_asked_for_in_that_order():
    app = FormApp(only=("teacher", "batch_size"))
    async with app.run_test(size=(80, 20)):
        assert app.query_one(SettingsForm).values == {"teacher": "mlx", "batch_size": 4}


async def test_typing_a_value_posts_all_values():
    app = FormApp()
    async with app.run_test(size=(80, 20)) as pilot:
        await go_to(pilot, "learning_rate")
        await pilot.press("end", *["backspace"] * 6, *"2e-5")
        assert app.changes[-1] == {
            "batch_size": 4,
            "learning_rate": 2e-5,
            "mask_prompt": True,
            "teacher": "mlx",
            "topic": "",
            "phrases": ("How do I", "Can I"),
        }


async def test_a_mistake_is_shown_when_the_field_is_left_and_what_was_typed_stays():
    app = FormApp()
    async with app.run_test(size=(80, 20)) as pilot:
        form = app.query_one(SettingsForm)
        await go_to(pilot, "batch_size")
        await pilot.press("end", "x")
        assert problem_beside(app, "batch_size") == "", "not while typing"
        assert form.problems["batch_size"].startswith("batch_size is '4x'"), "but known at once"
        await pilot.press("tab")
        assert problem_beside(app, "batch_size") == "✗ a whole number from 1 to 64"
        assert field(app, "batch_size").editor.value == "4x"
        assert form.values["batch_size"] == 4
        assert app.changes == []
        await pilot.press("shift+tab")
        assert help_line(app).startswith("batch_size is '4x', expected a whole number from 1 to 64")
        await pilot.press("end", "backspace")
        assert problem_beside(app, "batch_size") == ""
        assert help_line(app) == "Examples per step."
        assert form.problems == {}
        assert app.changes == [], "it is 4 again, as it was"


@pytest.mark.parametrize("typed", ["0", "65", "", "1.5", "nan"])
async def test_values_out_of_bounds_are_mistakes_too(typed):
    app = FormApp()
    async with app.run_test(size=(80, 20)) as pilot:
        await go_to(pilot, "batch_size")
        await pilot.press("end", "backspace", *typed)
        assert "batch_size" in app.query_one(SettingsForm).problems


async def test_enter_goes_on_unless_the_field_is_wrong():
    app = FormApp()
    async with app.run_test(size=(80, 20)) as pilot:
        await go_to(pilot, "batch_size")
        await pilot.press("enter")
        assert focused(app) == "learning_rate"
        await pilot.press("x", "enter")
        assert focused(app) == "learning_rate"
        assert problem_beside(app, "learning_rate").startswith("✗ a number")


async def test_show_problems_marks_even_the_field_being_typed_in_and_goes_to_the_first():
    app = FormApp()
    async with app.run_test(size=(80, 20)) as pilot:
        await go_to(pilot, "batch_size")
        await pilot.press("x")
        await go_to(pilot, "learning_rate")
        await pilot.press("x")
        app.query_one(SettingsForm).show_problems()
        await pilot.pause()
        assert focused(app) == "batch_size"
        assert problem_beside(app, "learning_rate").startswith("✗")


async def test_up_and_down_move_between_fields_of_every_type_and_stop_at_the_ends():
    app = FormApp()
    async with app.run_test(size=(80, 20)) as pilot:
        await go_to(pilot, "batch_size")
        seen = []
        for _step in range(6):
            await pilot.press("down")
            seen.append(focused(app))
        assert seen == ["learning_rate", "mask_prompt", "teacher", "topic", "phrases", "phrases"]
        for _step in range(7):
            await pilot.press("up")
        assert focused(app) == "batch_size"
        await pilot.press("tab", "tab")
        assert focused(app) == "mask_prompt"
        await pilot.press("shift+tab")
        assert focused(app) == "learning_rate"


async def test_two_columns_on_a_wide_screen_where_down_stays_in_its_column():
    app = FormApp()
    async with app.run_test(size=(100, 20)) as pilot:
        await pilot.pause()
        assert field(app, "batch_size").region.y == field(app, "learning_rate").region.y
        await go_to(pilot, "batch_size")
        await pilot.press("down")
        assert focused(app) == "mask_prompt"
        await pilot.resize_terminal(95, 20)
        await pilot.pause()
        assert field(app, "batch_size").region.y < field(app, "learning_rate").region.y
        assert focused(app) == "mask_prompt"


async def test_escape_gives_the_keys_back_to_the_screen():
    app = FormApp()
    async with app.run_test(size=(80, 20)) as pilot:
        await go_to(pilot, "topic")
        await pilot.press("1")
        assert (app.noted, app.changes[-1]["topic"]) == (0, "1")
        await pilot.press("escape", "1")
        assert (app.noted, focused(app)) == (1, None)
        assert help_line(app) == ""


async def test_the_help_of_the_focused_field_is_shown_as_it_is_written():
    app = FormApp()
    async with app.run_test(size=(80, 20)) as pilot:
        await go_to(pilot, "topic")
        assert help_line(app) == "What it is about: [b]anything[/b]."
        await pilot.press("down")
        assert help_line(app) == "Openings."


async def test_a_switch_turns_and_says_how_it_stands():
    app = FormApp()
    async with app.run_test(size=(80, 20)) as pilot:
        await go_to(pilot, "mask_prompt")
        assert str(field(app, "mask_prompt").editor.render()) == "● on"
        await pilot.press("space")
        assert str(field(app, "mask_prompt").editor.render()) == "○ off"
        assert app.changes[-1]["mask_prompt"] is False


async def test_a_choice_turns_in_place_or_opens_its_list():
    app = FormApp()
    async with app.run_test(size=(80, 20)) as pilot:
        await go_to(pilot, "teacher")
        await pilot.press("right")
        assert app.changes[-1]["teacher"] == "ollama"
        await pilot.press("right", "right")
        assert app.changes[-1]["teacher"] == "server"
        await pilot.press("enter", "up", "up", "enter")
        assert app.changes[-1]["teacher"] == "mlx"
        await pilot.press("enter", "escape", "left")
        assert app.changes[-1]["teacher"] == "mlx"
        assert focused(app) == "teacher"


async def test_values_from_outside_are_shown_without_a_word():
    app = FormApp()
    async with app.run_test(size=(80, 20)) as pilot:
        form = app.query_one(SettingsForm)
        await go_to(pilot, "batch_size")
        await pilot.press("x", "tab")
        other = Recipe(8, 0.5, False, "server", "cats", ("Why; and how",))
        form.show(other)
        await pilot.pause()
        assert Recipe(**form.values) == other
        assert form.problems == {}
        assert problem_beside(app, "batch_size") == ""
        assert field(app, "phrases").editor.value == "Why; and how"
        assert field(app, "teacher").editor.value == "server"
        assert app.changes == []


@pytest.mark.parametrize("height", [4, 6, 20])
async def test_it_scrolls_where_it_is_higher_than_the_screen_and_keeps_its_help_in_sight(height):
    app = FormApp()
    async with app.run_test(size=(60, height)) as pilot:
        for name in ("phrases", "batch_size"):
            await go_to(pilot, name)
            help_row = app.query_one(".settings--help").region.y
            assert 0 <= field(app, name).region.y < help_row < height
        await pilot.press("down", "down")
        assert focused(app) == "mask_prompt", "down moves between fields and does not scroll"


async def test_a_long_help_has_two_lines_from_the_start_so_that_nothing_jumps():
    @dataclass(frozen=True)
    class Talkative:
        short: int = setting(1, "Short.")
        long: int = setting(1, "word " * 20)

    class TalkativeApp(FormApp):
        def compose(self):
            yield SettingsForm(Talkative())

    app = TalkativeApp()
    async with app.run_test(size=(60, 20)) as pilot:
        await go_to(pilot, "short")
        assert app.query_one(".settings--help").size.height == 2


def test_picture(snap_compare):
    async def make_a_mistake(pilot):
        app = pilot.app
        for editor in app.query(Input):
            editor.cursor_blink = False
        await go_to(pilot, "batch_size")
        await pilot.press("x", "down", "down")

    assert snap_compare(FormApp(), run_before=make_a_mistake, terminal_size=(80, 9))


@dataclass(frozen=True)
class Grouped:
    first: int = setting(1, "First.")
    apple: int = setting(1, "Apple.", group="Fruit")
    pear: int = setting(1, "Pear.", group="Fruit")
    plum: int = setting(1, "Plum.", group="Fruit")
    leek: int = setting(1, "Leek.", group="Greens")


class GroupedApp(FormApp):
    def compose(self):
        yield SettingsForm(Grouped())


@pytest.mark.parametrize("width", [60, 100])
async def test_each_group_stands_under_its_heading(width):
    app = GroupedApp()
    async with app.run_test(size=(width, 20)) as pilot:
        await pilot.pause()
        headings = list(app.query(".settings--group").results(Static))
        assert [str(heading.content) for heading in headings] == ["Fruit", "Greens"]
        assert {heading.region.x for heading in headings} == {field(app, "first").region.x}
        fruit, greens = (heading.region for heading in headings)
        assert field(app, "first").region.bottom <= fruit.y
        assert fruit.bottom == field(app, "apple").region.y
        assert field(app, "plum").region.bottom <= greens.y < greens.bottom == field(app, "leek").region.y


async def test_down_passes_over_headings_and_gaps_to_the_nearest_field():
    app = GroupedApp()
    async with app.run_test(size=(100, 20)) as pilot:
        await go_to(pilot, "pear")
        await pilot.press("down")
        assert focused(app) == "plum", "below it there is a gap"
        await pilot.press("down")
        assert focused(app) == "leek"
        await pilot.press("down", "up", "up")
        assert focused(app) == "apple"
        await pilot.press("up")
        assert focused(app) == "first"
