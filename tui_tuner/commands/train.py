"""tuner train: fine-tune the base model on the project's dataset.

Ctrl-C stops within one iteration and keeps everything; `--resume` goes on as if nothing had happened.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from tui_tuner.commands.options import add_json, add_project, add_set, chosen_project
from tui_tuner.commands.output import Output
from tui_tuner.commands.running import exit_code, run_project_job
from tui_tuner.errors import UsageError
from tui_tuner.journey import step, training_work
from tui_tuner.language import _

EXAMPLES = _("""examples:
  tuner train --set iters=300 --set batch_size=2 --set num_layers=8
  tuner train --run small-rate --set learning_rate=2e-5
  tuner train --resume
  tuner train --resume --run run-2 --set iters=600
  tuner train --resume --extend --set learning_rate=5e-5
  tuner train --hosts hosts.json
  tuner train --set machines.free_ollama=false""")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_project(parser)
    parser.add_argument("--resume", action="store_true", help=_("go on with the latest run that is not finished"))
    parser.add_argument(
        "--extend",
        action="store_true",
        help=_("with --resume: go on even with other data or settings than the run began with"),
    )
    parser.add_argument("--run", metavar="NAME", help=_("what to call the run; with --resume: the run to go on with"))
    parser.add_argument(
        "--hosts",
        metavar="FILE",
        type=Path,
        help=_("train on the machines that FILE names, as mlx.distributed_config writes it, this one first"),
    )
    add_set(parser, "training")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Train on the chosen project."""
    if arguments.extend and not arguments.resume:
        raise UsageError(_("--extend goes with --resume"))
    project = chosen_project(arguments)
    if arguments.hosts is not None:
        project = project.with_settings("machines", {"hosts": os.fspath(arguments.hosts.absolute())})
    output = Output(as_json=arguments.json)
    work = training_work(project, run=arguments.run, resume=arguments.resume, extend=arguments.extend)
    return exit_code(run_project_job(project, step("train").job, work, output))
