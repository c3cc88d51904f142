"""tuner train: fine-tune the base model on the project's dataset.

Ctrl-C stops within one iteration and keeps everything; `--resume` goes on as if nothing had happened.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from tui_tuner.commands.options import add_json, add_project, add_set, chosen_project
from tui_tuner.commands.output import Output
from tui_tuner.commands.running import exit_code, run_job, run_project_job
from tui_tuner.errors import UsageError
from tui_tuner.journey import step
from tui_tuner.language import _
from tui_tuner.project_lock import project_lock
from tui_tuner.step_work import forecast_work, training_work

EXAMPLES = _("""examples:
  tuner train --set iters=300 --set batch_size=2 --set num_layers=8
  tuner train --run small-rate --set learning_rate=2e-5
  tuner train --auto                  with settings that suit this machine and dataset
  tuner train --auto --dry-run        only say which, and what the run would take
  tuner train --resume
  tuner train --resume --run run-2 --set iters=600
  tuner train --resume --extend --set learning_rate=5e-5
  tuner train --from-yaml lora.yaml   take the settings of an mlx_lm.lora file, then: tuner train
  tuner train --to-yaml lora.yaml     write one for: mlx_lm.lora -c lora.yaml
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
        "--auto",
        action="store_true",
        help=_("with the settings that suit machine, model and dataset, kept in tuner.toml; what --set gives stays"),
    )
    parser.add_argument("--dry-run", action="store_true", help=_("say what the run would take, and begin nothing"))
    parser.add_argument("--anyway", action="store_true", help=_("start even if it surely does not fit into memory"))
    parser.add_argument(
        "--hosts",
        metavar="FILE",
        type=Path,
        help=_("train on the machines that FILE names, as mlx.distributed_config writes it, this one first"),
    )
    yaml = parser.add_mutually_exclusive_group()
    yaml.add_argument(
        "--from-yaml",
        metavar="FILE",
        type=Path,
        help=_("take the settings of a file for mlx_lm.lora -c into the project, and do nothing else"),
    )
    yaml.add_argument(
        "--to-yaml",
        metavar="FILE",
        type=Path,
        help=_("write the settings into a file for mlx_lm.lora -c, and do nothing else"),
    )
    add_set(parser, "training")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Train on the chosen project."""
    if arguments.extend and not arguments.resume:
        raise UsageError(_("--extend goes with --resume"))
    if arguments.resume and (arguments.auto or arguments.dry_run):
        raise UsageError(_("--auto and --dry-run are for a new run"))
    project = chosen_project(arguments)
    if arguments.hosts is not None:
        project = project.with_settings("machines", {"hosts": os.fspath(arguments.hosts.absolute())})
    output = Output(as_json=arguments.json)
    if arguments.from_yaml is not None or arguments.to_yaml is not None:
        from tui_tuner.training.coming_and_leaving import settings_from_yaml, settings_to_yaml

        with project_lock(project):
            if arguments.from_yaml is not None:
                settings_from_yaml(project, arguments.from_yaml, emit=output.event)
            else:
                settings_to_yaml(project, arguments.to_yaml, emit=output.event)
        return 0
    if arguments.dry_run:
        return exit_code(run_job(_("looking"), forecast_work(project, auto=arguments.auto), output))
    work = training_work(
        project,
        run=arguments.run,
        resume=arguments.resume,
        extend=arguments.extend,
        anyway=arguments.anyway,
        auto=arguments.auto,
    )
    return exit_code(run_project_job(project, step("train").job, work, output))
