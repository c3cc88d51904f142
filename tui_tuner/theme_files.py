"""Colour themes as TOML files: those that ship with the program and those of the person.

A file holds the keys of `textual.theme.Theme` and, under `[variables]`, any of Textual's theme variables. A file with a
mistake is left out and named with its reason; the others load all the same.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textual.color import ColorParseError
from textual.css.tokenizer import TokenError
from textual.markup import parse_style
from textual.theme import Theme

from tui_tuner.configuration import line_of
from tui_tuner.errors import ConfigurationError, TunerError
from tui_tuner.files import read_toml
from tui_tuner.language import _
from tui_tuner.settings import config_folder

_FIELDS = tuple(field.name for field in dataclasses.fields(Theme))
_SWITCHES, _NUMBERS = ("dark", "ansi"), ("luminosity_spread", "text_alpha")
# The words of CSS that a variable may hold besides a colour or a text style.
_CSS_WORDS = ("none", "initial")


@dataclass(frozen=True)
class BadTheme:
    """A theme file that was left out: where it is and why."""

    path: Path
    reason: str

    def __str__(self) -> str:
        return _("{path}: {reason}", path=self.path, reason=self.reason)


def bundled_folder() -> Path:
    """Where the shipped themes are: inside the package in a wheel, beside it in a checkout or an editable install."""
    package = Path(__file__).parent
    inside = package / "themes"
    return inside if inside.is_dir() else package.parent / "themes"


def own_folder() -> Path:
    """Where a person puts themes of their own."""
    return config_folder() / "themes"


def load_themes(folders: Iterable[Path] | None = None) -> tuple[list[Theme], list[BadTheme]]:
    """Read every `*.toml` in `folders`, by default the shipped ones and then the person's own.

    Returns:
        The themes that can be used, of two with one name the later, and the files that cannot.
    """
    themes: dict[str, Theme] = {}
    failures: list[BadTheme] = []
    for folder in folders if folders is not None else (bundled_folder(), own_folder()):
        for path in sorted(folder.glob("*.toml")):
            try:
                theme = read_theme(path)
            except TunerError as error:
                failures.append(BadTheme(path, _reason(error, path)))
            else:
                themes[theme.name] = theme
    return list(themes.values()), failures


def first_theme(name: str) -> Theme | None:
    """The shipped theme `name`, for the first paint; None where it is not one of them.

    Shipped themes are proved by the tests; checking every variable of one again would cost a tenth of a second.
    """
    path = bundled_folder() / f"{name}.toml"
    if not path.is_file():
        return None
    table, _text = read_toml(path)
    return Theme(**{"name": path.stem, **table})


def failures_message(failures: Sequence[BadTheme]) -> str:
    """One message that names every bad file with its reason, a line each; empty where there is none."""
    if not failures:
        return ""
    return "\n".join([_("Left out, mend and start again:"), *map(str, failures)])


def read_theme(path: Path) -> Theme:
    """Read one theme; its name is the file's where it does not give one.

    Raises:
        StorageError: the file cannot be read.
        ConfigurationError: not TOML, an unknown key, a wrong type or a bad colour.
    """
    table, text = read_toml(path)

    def bad(name: str, what: str) -> ConfigurationError:
        section, _dot, key = name.rpartition(".")
        return ConfigurationError(what, where=f"{path}:{line_of(text, section, key)}")

    values = {"name": path.stem, **table}
    for name, value in values.items():
        if name not in _FIELDS:
            raise bad(name, _unknown(name, _FIELDS))
        if (wanted := _wrong_type(name, value)) is not None:
            raise bad(name, _("{name} is {value}, expected {wanted}", name=name, value=repr(value), wanted=wanted))
    if "primary" not in values:
        raise bad("primary", _('the colour primary is missing, as in primary = "#6cb6e8"'))
    try:
        theme = Theme(**values)
        generated = theme.to_color_system().generate()
    except ColorParseError as error:
        raise bad(_holder(values, error), str(error)) from error
    for name, value in theme.variables.items():
        if (wrong := _bad_variable(name, value, generated)) is not None:
            raise bad(f"variables.{name}", wrong)
    return theme


def _reason(error: TunerError, path: Path) -> str:
    line = error.where.removeprefix(f"{path}:")
    return _("line {line}: {what}", line=line, what=error.what) if line.isdigit() else error.what


def _unknown(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return _("there is no {name} in a theme; did you mean {near}?", name=name, near=near[0])
    return _("there is no {name} in a theme; known are {names}", name=name, names=", ".join(known))


def _wrong_type(name: str, value: object) -> str | None:
    """What was expected instead; None where `value` will do."""
    if name in _SWITCHES:
        return None if isinstance(value, bool) else _("true or false")
    if name in _NUMBERS:
        return None if type(value) in (int, float) else _("a number")
    if name == "variables":
        good = isinstance(value, dict) and all(isinstance(item, str) for item in value.values())
        return None if good else _("a table of texts")
    return None if isinstance(value, str) else _("a text")


def _holder(values: Mapping[str, Any], error: ColorParseError) -> str:
    """The key whose colour could not be read: the error only quotes the colour."""
    return next((name for name, value in values.items() if isinstance(value, str) and repr(value) in str(error)), "")


def _bad_variable(name: str, value: str, variables: dict[str, str]) -> str | None:
    """What is wrong with a variable; found here, because a style sheet would fail on it only when it is applied."""
    if value in _CSS_WORDS:
        return None
    try:
        style = parse_style(value, variables)
    except (ColorParseError, TokenError) as error:
        return _("{name}: {error}", name=name, error=str(error).splitlines()[0])
    is_colour = style.foreground is not None
    if is_colour == name.endswith("-style"):
        wanted = _("a colour") if not is_colour else _("a text style such as bold")
        return _("{name} is {value}, expected {wanted}", name=name, value=repr(value), wanted=wanted)
    return None
