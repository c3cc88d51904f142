"""Settings as frozen dataclasses: one declaration gives the TOML reader, its errors, `--set`, the form and the help.

A field made with `setting` carries its help, bounds and choices; everything else here is drawn from that. TOML mistakes
are reported with the file, the line and what was expected.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from tui_tuner.errors import ConfigurationError
from tui_tuner.language import _

Config = TypeVar("Config")


def setting(
    default: Any,
    help: str,
    *,
    label: str = "",
    minimum: float | None = None,
    maximum: float | None = None,
    choices: Sequence[str] | None = None,
    placeholders: Sequence[str] | None = None,
    group: str = "",
) -> Any:
    """Declare one setting: its default, one sentence of help and, where they apply, bounds or choices.

    Args:
        default: the value when nothing else is said; a tuple for a list of texts.
        help: what it does, in a sentence.
        label: how a form calls it; the field's name in words where empty.
        minimum: smallest number allowed.
        maximum: largest number allowed.
        choices: the only texts allowed.
        placeholders: the only names allowed in braces, where the text is a template.
        group: the heading under which a form shows it and those after it that name the same.
    """
    about = {
        "help": help,
        "label": label,
        "minimum": minimum,
        "maximum": maximum,
        "choices": choices,
        "placeholders": placeholders,
        "group": group,
    }
    return dataclasses.field(default=default, metadata=about)


def label_of(field: dataclasses.Field[Any]) -> str:
    """How a person reads the field's name."""
    return str(field.metadata.get("label") or field.name.replace("_", " "))


@functools.cache  # evaluating the annotations again for each field took a tenth of the app's start
def _type_hints(owner: type) -> dict[str, Any]:
    return typing.get_type_hints(owner)


def type_of(owner: type, name: str) -> type:
    """The type of a field: `bool`, `int`, `float`, `str` or `tuple` (of texts)."""
    hint = _type_hints(owner)[name]
    kind: type = typing.get_origin(hint) or hint
    return kind


def parse_value(owner: type, name: str, text: str) -> Any:
    """Read the value of a setting from what a person typed in a form or after `--set name=`.

    A list takes one text per line or separated by `;`.

    Raises:
        ConfigurationError: no such setting, or not a value it can have.
    """
    field = _field(owner, name)
    kind = type_of(owner, name)
    text = text.strip()
    value: Any = text
    try:
        if kind is bool:
            value = _switch(text)
        elif kind is int:
            value = int(text.replace(",", "").replace("_", ""))
        elif kind is float:
            value = float(text)
        elif kind is tuple:
            value = tuple(part.strip() for part in re.split(r"[;\n]", text) if part.strip())
    except ValueError:
        raise _not_expected(owner, field, text) from None
    return _checked(owner, field, value)


def _switch(text: str) -> bool:
    if text.lower() in {"true", "yes", "on", "1"}:
        return True
    if text.lower() in {"false", "no", "off", "0"}:
        return False
    raise ValueError(text)


def override(config: Config, assignments: Mapping[str, str]) -> Config:
    """Return `config` with the settings of `assignments`, each given as text.

    Raises:
        ConfigurationError: an unknown name or an impossible value.
    """
    owner = type(config)
    values = {name: parse_value(owner, name, text) for name, text in assignments.items()}
    return dataclasses.replace(config, **values)  # type: ignore[type-var]


def read_table(owner: type[Config], table: Mapping[str, Any], *, path: Path, text: str, section: str) -> Config:
    """Read one table of a TOML file.

    Args:
        owner: the frozen dataclass to make.
        table: what the file says.
        path: the file, for the message.
        text: its text, in which the line of a mistake is looked up.
        section: the table's name; empty at the top level.

    Raises:
        ConfigurationError: file, line and what was expected.
    """
    values = {}
    for name, value in table.items():
        try:
            values[name] = _checked(owner, _field(owner, name), _from_toml(owner, name, value))
        except ConfigurationError as error:
            where = f"{path}:{line_of(text, section, name)}"
            raise ConfigurationError(error.what, where=where, advice=error.advice) from None
    return owner(**values)


def _from_toml(owner: type, name: str, value: Any) -> Any:
    kind = type_of(owner, name)
    if kind is float and type(value) is int:
        return float(value)
    if kind is tuple and isinstance(value, list):
        return tuple(value)
    return value


def line_of(text: str, section: str, name: str) -> int:
    """The line (from 1) on which `name` is set in `[section]`; 1 where it cannot be found."""
    current = ""
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[+\s*([^\]]+?)\s*\]", line)
        if header:
            current = header.group(1)
            if not section and current.split(".")[0] == name:
                return number
        elif current == section and re.match(rf"\s*[\"']?{re.escape(name)}[\"']?\s*[=.]", line):
            return number
    return 1


def _field(owner: type, name: str) -> dataclasses.Field[Any]:
    known = {field.name: field for field in dataclasses.fields(owner)}
    if name in known:
        return known[name]
    import difflib  # only for a mistake

    near = difflib.get_close_matches(name, known, n=1)
    advice = _("Did you mean {name}?", name=near[0]) if near else _("Known here: {names}.", names=", ".join(known))
    raise ConfigurationError(_("there is no setting {name}", name=repr(name)), advice=advice)


def _checked(owner: type, field: dataclasses.Field[Any], value: Any) -> Any:
    kind = type_of(owner, field.name)
    about = field.metadata
    right_type = type(value) is kind and (not isinstance(value, tuple) or all(isinstance(item, str) for item in value))
    if not right_type:
        raise _not_expected(owner, field, value)
    low, high, choices = about.get("minimum"), about.get("maximum"), about.get("choices")
    number = value if isinstance(value, int | float) else None
    # `not (value >= low)` instead of `value < low`: NaN must not pass.
    if number is not None and ((low is not None and not number >= low) or (high is not None and not number <= high)):
        raise _not_expected(owner, field, value)
    if choices is not None and value not in choices:
        raise _not_expected(owner, field, value)
    known = about.get("placeholders")
    if known is not None and (unknown := [name for name in re.findall(r"\{(\w+)\}", value) if name not in known]):
        raise ConfigurationError(
            _("{name} has a placeholder nobody knows: {unknown}", name=field.name, unknown=f"{{{unknown[0]}}}"),
            advice=_("Known here: {names}.", names=", ".join(f"{{{name}}}" for name in known)),
        )
    return value


def _not_expected(owner: type, field: dataclasses.Field[Any], value: Any) -> ConfigurationError:
    return ConfigurationError(
        _(
            "{name} is {value}, expected {expected}",
            name=field.name,
            value=repr(value),
            expected=expected(owner, field),
        ),
        advice=_("{name}: {help}", name=field.name, help=_(field.metadata.get("help", ""))),
    )


def expected(owner: type, field: dataclasses.Field[Any]) -> str:
    """What values the field takes, in words."""
    kind = type_of(owner, field.name)
    low, high, choices = (field.metadata.get(key) for key in ("minimum", "maximum", "choices"))
    if choices is not None:
        return _("one of {choices}", choices=", ".join(map(str, choices)))
    words = {
        bool: _("true or false"),
        int: _("a whole number"),
        float: _("a number"),
        str: _("a text"),
        tuple: _("a list of texts"),
    }[kind]
    if low is not None and high is not None:
        return _("{words} from {low} to {high}", words=words, low=f"{low:g}", high=f"{high:g}")
    if low is not None:
        return _("{words}, at least {low}", words=words, low=f"{low:g}")
    if high is not None:
        return _("{words}, at most {high}", words=words, high=f"{high:g}")
    return words


def write_table(config: Any, section: str) -> str:
    """The settings as a TOML table, each under its help as a comment."""
    import tomli_w  # only needed when something is written

    lines = [f"[{section}]"] if section else []
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        plain = list(value) if isinstance(value, tuple) else value
        lines.append(f"# {field.metadata.get('help', '')}")
        lines.append(tomli_w.dumps({field.name: plain}).rstrip())
    return "\n".join(lines) + "\n"
