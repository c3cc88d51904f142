"""Theme files: the shipped ones can be read by people, a person's mistakes are named and cost nothing else."""

import functools
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from textual.app import App
from textual.color import Color
from textual.widgets import Input

import tui_tuner
from tui_tuner.theme_files import bundled_folder, failures_message, load_themes

SHIPPED = ["tuner-contrast", "tuner-dark", "tuner-ember", "tuner-light", "tuner-okabe-ito"]
TEXT_COLOURS = ["foreground", "primary", "accent", "secondary", "success", "warning", "error"]
PAPERS = ["background", "surface", "panel"]


@functools.cache
def shipped():
    themes, failures = load_themes([bundled_folder()])
    assert failures == []
    return {theme.name: theme for theme in themes}


def luminance(colour: Color) -> float:
    """Relative luminance as WCAG 2 defines it."""
    parts = [part / 255 for part in colour.rgb]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Color, other: Color) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_five_themes_are_shipped():
    assert sorted(shipped()) == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_every_text_colour_can_be_read_on_every_paper(name):
    colours = shipped()[name].to_color_system().generate()
    least = 7 if name == "tuner-contrast" else 4.5
    ratios = {
        (text, paper): contrast(Color.parse(colours[text]), Color.parse(colours[paper]))
        for text in TEXT_COLOURS
        for paper in PAPERS
    }
    assert {pair: ratio for pair, ratio in ratios.items() if ratio < least} == {}


@pytest.mark.parametrize("name", SHIPPED)
def test_muted_text_and_the_cursor_can_be_read_too(name):
    colours = shipped()[name].to_color_system().generate()
    paper = Color.parse(colours["background"])
    # Charts and hints use the foreground at 70 %.
    assert contrast(paper.blend(Color.parse(colours["foreground"]), 0.7), paper) >= 4.5
    cursor = Color.parse(colours["block-cursor-background"])
    assert contrast(Color.parse(colours["block-cursor-foreground"]), cursor) >= 4.5


@pytest.mark.parametrize("name", SHIPPED)
async def test_a_shipped_theme_can_be_put_on(name):
    app = App()
    async with app.run_test() as pilot:
        app.register_theme(shipped()[name])
        app.theme = name
        await app.mount(Input())
        await pilot.pause()
        assert app.theme_variables["border"] == shipped()[name].variables["border"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('primary = "#123456"\nprimery = "#123456"', "line 2: there is no primery in a theme; did you mean primary?"),
        ('primary = "#123456"\ncolour = "#123456"', "line 2: there is no colour in a theme; known are name, primary"),
        ('dark = true\nprimary = "#zzz"', "line 2: failed to parse '#zzz' as a color"),
        ("primary = 5", "line 1: primary is 5, expected a text"),
        ('primary = "red"\ndark = "yes"', "line 2: dark is 'yes', expected true or false"),
        ('primary = "red"\ntext_alpha = true', "line 2: text_alpha is True, expected a number"),
        ('primary = "red"\nvariables = {border = 5}', "line 2: variables is {'border': 5}, expected a table of texts"),
        ("dark = true", "line 1: the colour primary is missing"),
        ('primary = "red"\n[variables]\nborder = "notacolour"', "line 3: border: failed to parse 'notacolour'"),
        ('primary = "red"\n[variables]\nborder = "bold"', "line 3: border is 'bold', expected a colour"),
        ('primary = "red"\n[variables]\nlink-style = "red"', "line 3: link-style is 'red', expected a text style"),
        ('primary = "red"\n[variables]\nborder = "#12"', "line 3: border: "),
        ('primary = "red', "line 1: not valid TOML"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path, text, reason):
    (tmp_path / "mine.toml").write_text(text)
    themes, failures = load_themes([tmp_path])
    assert themes == []
    assert failures[0].path == tmp_path / "mine.toml"
    assert failures[0].reason.startswith(reason)


def test_one_message_names_all_bad_files_and_the_good_ones_load(tmp_path):
    (tmp_path / "bad.toml").write_text('primary = "#zzz"')
    (tmp_path / "good.toml").write_text(
        'primary = "#123456"\n[variables]\nborder = "$primary 50%"\nlink-style = "none"'
    )
    (tmp_path / "worse.toml").write_bytes(b"\xff\xfe")
    themes, failures = load_themes([tmp_path, tmp_path / "missing"])
    assert [theme.name for theme in themes] == ["good"]
    message = failures_message(failures)
    assert len(message.splitlines()) == 3
    assert str(tmp_path / "bad.toml") in message
    assert "not UTF-8" in message
    assert failures_message([]) == ""


def test_a_persons_own_theme_takes_the_place_of_a_shipped_one(tmp_path, monkeypatch):
    monkeypatch.setenv("TUNER_CONFIG", str(tmp_path))
    (tmp_path / "themes").mkdir()
    (tmp_path / "themes" / "tuner-dark.toml").write_text('primary = "#010203"')
    themes, failures = load_themes()
    assert failures == []
    assert {theme.name: theme.primary for theme in themes}["tuner-dark"] == "#010203"
    assert len(themes) == len(SHIPPED)


def test_themes_inside_the_package_are_found_as_in_a_wheel(tmp_path):
    """A wheel has no checkout around it: its themes lie in the package."""
    package = Path(tui_tuner.__file__).parent
    shutil.copytree(package, tmp_path / "tui_tuner", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(bundled_folder(), tmp_path / "tui_tuner" / "themes", dirs_exist_ok=True)
    code = (
        "from tui_tuner import theme_files as t; print(t.bundled_folder(), len(t.load_themes([t.bundled_folder()])[0]))"
    )
    ran = subprocess.run(
        [sys.executable, "-P" if sys.version_info >= (3, 11) else "-B", "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.stdout.split() == [str(tmp_path / "tui_tuner" / "themes"), str(len(SHIPPED))], ran.stderr
