"""tuner runs: list the training runs of a project.

Newest last: how far each came, its best validation loss and its settings.
"""

from __future__ import annotations

import argparse

from tui_tuner.commands.options import add_json, add_project, chosen_project
from tui_tuner.commands.output import Output
from tui_tuner.language import _

EXAMPLES = _("""examples:
  tuner runs
  tuner runs --json | jq .best_loss""")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_project(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """List the runs of the chosen project."""
    from tui_tuner.training.runs import list_runs

    project = chosen_project(arguments)
    summaries = list_runs(project)
    output = Output(as_json=arguments.json)
    if not summaries:
        output.say(_("No runs yet. Start one with: tuner train"))
    for summary in summaries:
        output.event(summary)
    return 0
