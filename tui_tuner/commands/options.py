"""What several commands take: the project, `--json` and `--set`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from tui_tuner.errors import ProjectError, UsageError
from tui_tuner.language import _
from tui_tuner.project import MANIFEST, SECTIONS, Project, holds_project, open_project


def add_project(parser: argparse.ArgumentParser) -> None:
    """Add `--project`."""
    parser.add_argument(
        "--project",
        metavar="DIR",
        type=Path,
        default=argparse.SUPPRESS,  # named before the command, it stays named
        help=_("the project; the current folder if it holds {name}", name=MANIFEST),
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add `--json`."""
    parser.add_argument("--json", action="store_true", help=_("JSON Lines on stdout, one typed event each"))


def add_set(parser: argparse.ArgumentParser, section: str) -> None:
    """Add `--set`, whose plain names belong to `section`."""
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        dest="assignments",
        help=_("a setting over tuner.toml's [{section}]; section.name=value for another section", section=section),
    )
    parser.set_defaults(section=section)


def chosen_project(arguments: argparse.Namespace) -> Project:
    """The project the command is about, with every `--set` applied.

    Raises:
        ProjectError: none named and none in the current folder.
        ConfigurationError: a mistake in `tuner.toml` or in a `--set`.
        UsageError: a `--set` that is no assignment.
    """
    folder: Path | None = arguments.project
    if folder is None:
        folder = Path.cwd()
        if not holds_project(folder):
            raise ProjectError(
                _("no project here"),
                where=os.fspath(folder),
                advice=_("Name one with --project DIR, or make one with: tuner new DIR"),
            )
    project = open_project(folder)
    sections: dict[str, dict[str, str]] = {}
    for text in getattr(arguments, "assignments", []):
        section, name, value = _assignment(text, arguments.section)
        sections.setdefault(section, {})[name] = value
    for section, assignments in sections.items():
        project = project.with_settings(section, assignments)
    return project


def _assignment(text: str, section: str) -> tuple[str, str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise UsageError(_("--set takes name=value, not {text}", text=repr(text)))
    name = name.strip()
    if "." in name:
        section, name = name.split(".", 1)
    if section not in SECTIONS:
        raise UsageError(
            _("there is no section {name}", name=repr(section)), advice=_("Known: {names}.", names=", ".join(SECTIONS))
        )
    return section, name, value
