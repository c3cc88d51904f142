"""tuner watch: watch a training run that another process does.

In a terminal it opens the dashboard; in a pipe, or with `--json`, it prints what happens. Leaving never stops the run:
that is done where it was started, with Ctrl-C or s, and keeps everything.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tui_tuner.commands.options import add_json, add_project, chosen_project
from tui_tuner.commands.output import Output
from tui_tuner.errors import Stopped, TrainingError
from tui_tuner.language import _
from tui_tuner.progress import StopToken
from tui_tuner.project import Project

EXAMPLES = _("""examples:
  tuner watch                 the latest run, in full screen
  tuner watch run-2 --plain   line by line
  tuner watch --json | jq .loss""")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("run", nargs="?", metavar="RUN", help=_("the run; the latest one where none is named"))
    add_project(parser)
    parser.add_argument("--plain", action="store_true", help=_("line by line, also in a terminal"))
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Watch the chosen run."""
    project = chosen_project(arguments)
    folder = _chosen_run(project, arguments.run)
    if arguments.json or arguments.plain or not sys.stdout.isatty():
        return _print(project, folder, Output(as_json=arguments.json))
    from tui_tuner.opening import watch_in_app

    return watch_in_app(project, folder.name)


def _chosen_run(project: Project, name: str | None) -> Path:
    runs = project.run_folders()
    named = [folder for folder in runs if name in (None, folder.name)]
    if not named:
        raise TrainingError(
            _("there is no run {run} here", run=repr(name)) if runs else _("there is no run to watch"),
            where=str(project.runs),
            advice=_("See which there are with: tuner runs") if runs else _("Start one with: tuner train"),
        )
    return named[-1]


def _print(project: Project, folder: Path, output: Output) -> int:
    from tui_tuner.training.watching import watch

    stop = StopToken()
    try:
        for event in watch(project, folder, stop):
            output.event(event)
            if output.broken:
                break
    except (KeyboardInterrupt, Stopped):
        return 130
    return 0
