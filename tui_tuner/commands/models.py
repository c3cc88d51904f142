"""tuner models: list, fetch and choose base models.

Without arguments it lists those that are worth a look on this machine, and those that are here. Needs no project; with
one, --use makes a model its base model. Ctrl-C keeps what has arrived: getting it again continues.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tui_tuner.choices import ModelChoice
from tui_tuner.commands.options import add_json, add_project, chosen_project
from tui_tuner.commands.output import Output
from tui_tuner.commands.running import exit_code, run_job
from tui_tuner.language import _
from tui_tuner.project import holds_project, open_project, save_project
from tui_tuner.project_lock import project_lock

EXAMPLES = _("""examples:
  tuner models
  tuner models --get mlx-community/Mistral-7B-Instruct-v0.3-4bit
  tuner models --get Qwen/Qwen2.5-0.5B-Instruct --quantize 4
  tuner models --use mlx-community/Mistral-7B-Instruct-v0.3-4bit --project wordpress""")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--get", metavar="MODEL", help=_("fetch it: a repository, or 'starter'"))
    what.add_argument("--use", metavar="MODEL", help=_("make it the project's base model"))
    parser.add_argument(
        "--quantize", choices=("none", "4", "8"), help=_("with --get or --use: squeeze a full model into so many bits")
    )
    add_project(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """List, fetch or choose."""
    output = Output(as_json=arguments.json)
    if arguments.use is not None:
        return _use(arguments, output)
    if arguments.get is not None:
        return _get(arguments, output)
    _list(arguments, output)
    return 0


def _list(arguments: argparse.Namespace, output: Output) -> None:
    from tui_tuner.environment.memory import memory_facts, usable
    from tui_tuner.environment.model_offers import model_offers

    folder: Path | None = arguments.project or (Path.cwd() if holds_project(Path.cwd()) else None)
    choice = open_project(folder).choices.model if folder else ModelChoice()
    output.say(f"   {_('base model'):<50} {_('size'):>9}  {_('memory'):>8}")
    for offer in model_offers(choice, usable(memory_facts())):
        output.event(offer)
    output.say("")
    output.say(_("✓ on this machine   * suggested   ~ about   memory: what teaching it takes at least, about"))
    if folder:
        output.say(_("The project's base model: {name}", name=choice.name))


def _get(arguments: argparse.Namespace, output: Output) -> int:
    from tui_tuner.environment.fixes import fix_work

    choice = ModelChoice(arguments.get, quantize=arguments.quantize or "none")
    return exit_code(run_job(_("getting a model"), fix_work("base_model", choice), output))


def _use(arguments: argparse.Namespace, output: Output) -> int:
    from tui_tuner.models.catalogue import require_name

    require_name(arguments.use)
    project = chosen_project(arguments)
    wanted = {"name": arguments.use, **({"quantize": arguments.quantize} if arguments.quantize else {})}
    with project_lock(project):
        project = project.with_settings("model", wanted)
        save_project(project)
    output.say(_("The base model of {project} is now {model}.", project=project.name, model=project.choices.model.name))
    return 0
