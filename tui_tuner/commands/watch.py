"""tuner watch: watch a training run that another process does.

In a terminal it opens the dashboard; in a pipe, or with `--json`, it prints what happens. Leaving never stops the run.
In the dashboard space pauses it and s stops it, as do --pause, --go-on and --stop; everything is kept.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tui_tuner.commands.options import add_json, add_project, chosen_project
from tui_tuner.commands.output import Output
from tui_tuner.errors import Stopped, TrainingError
from tui_tuner.language import _
from tui_tuner.progress import Notice, StopToken
from tui_tuner.project import Project

if TYPE_CHECKING:
    from tui_tuner.training.asking import Wish

EXAMPLES = _("""examples:
  tuner watch                 the latest run, in full screen
  tuner watch run-2 --plain   line by line
  tuner watch --stop          have whoever trains it save and stop
  tuner watch --json | jq .loss""")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("run", nargs="?", metavar="RUN", help=_("the run; the latest one where none is named"))
    add_project(parser)
    parser.add_argument("--plain", action="store_true", help=_("line by line, also in a terminal"))
    ask = parser.add_mutually_exclusive_group()
    ask.add_argument("--pause", dest="wish", action="store_const", const="pause", help=_("have the run wait"))
    ask.add_argument("--go-on", dest="wish", action="store_const", const="go on", help=_("let a paused run go on"))
    ask.add_argument("--stop", dest="wish", action="store_const", const="stop", help=_("have the run save and stop"))
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Watch the chosen run."""
    project = chosen_project(arguments)
    folder = _chosen_run(project, arguments.run)
    if arguments.wish:
        return _ask(folder, arguments.wish, Output(as_json=arguments.json))
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


def _ask(folder: Path, wish: Wish, output: Output) -> int:
    from tui_tuner.training.asking import EVERY, Asking
    from tui_tuner.training.history import read_history

    asking = Asking(folder, read_history(folder), wish)
    while not asking.heard():
        time.sleep(EVERY / 5)
    done = {"pause": _("pauses after this step"), "go on": _("goes on"), "stop": _("stops, keeping everything")}
    output.event(Notice(f"{folder.name} {done[wish]}"))
    return 0


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
