"""tuner new: make a project folder.

The folder may exist as long as it holds no project.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from tui_tuner.choices import DatasetChoice, ModelChoice
from tui_tuner.commands.options import add_json
from tui_tuner.commands.output import Output
from tui_tuner.language import _
from tui_tuner.project import Choices, ProjectMade, create_project

EXAMPLES = _("""examples:
  tuner new wordpress --topic "using a WordPress website"
  tuner new law --model mlx-community/Mistral-7B-Instruct-v0.3-4bit""")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("folder", type=Path, metavar="DIR", help=_("the new project's folder"))
    parser.add_argument("--topic", default="", help=_("what the training questions are about"))
    parser.add_argument(
        "--model", default=ModelChoice().name, help=_("base model: 'starter', a folder or a repository")
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Make the project."""
    choices = Choices(model=ModelChoice(name=arguments.model))
    choices = dataclasses.replace(choices, dataset=DatasetChoice(topic=arguments.topic))
    project = create_project(arguments.folder, choices=choices)
    output = Output(as_json=arguments.json)
    output.event(ProjectMade(project.folder))
    output.say(
        _("Next: tuner --project {folder}   (or headless: tuner data --project {folder})", folder=project.folder)
    )
    return 0
