"""The theme of the first paint, and what comes after it."""

import pytest
from textual.color import Color

from tui_tuner.settings import config_folder
from tui_tuner.theme_files import first_theme
from tui_tuner.themed_app import ThemedApp


def own_theme(name: str) -> None:
    folder = config_folder() / "themes"
    folder.mkdir(parents=True)
    (folder / f"{name}.toml").write_text('primary = "#010203"')


@pytest.mark.parametrize("name", ["tuner-dark", "tuner-light"])
def test_the_chosen_theme_is_there_before_the_style_sheet(name):
    app = ThemedApp(name)
    assert app.theme == name
    assert Color.parse(app.stylesheet._variables["primary"]) == Color.parse(first_theme(name).primary)


def test_an_unknown_theme_gives_the_default():
    assert ThemedApp("gone").theme == "tuner-dark"


@pytest.mark.parametrize("name", ["tuner-dark", "mine"])
async def test_a_persons_own_theme_is_put_on_even_under_a_shipped_name(name):
    own_theme(name)
    app, remembered = ThemedApp(name), []
    async with app.run_test() as pilot:
        await app.load_all_themes(name, remembered.append)
        await pilot.pause()
        assert app.theme == name
        assert Color.parse(app.theme_variables["primary"]) == Color.parse("#010203")
        assert set(remembered) <= {name}  # what the app starts with was not chosen now
        app.theme = "tuner-light"
        await pilot.pause()
        assert remembered[-1] == "tuner-light"


async def test_quitting_before_the_themes_are_read_is_no_failure():
    app = ThemedApp("tuner-dark")
    async with app.run_test():
        pass
    await app.load_all_themes("tuner-dark", lambda name: None)
    assert "tuner-light" not in app.available_themes
