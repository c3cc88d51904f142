"""tuner fuse: make one model of the base and the adapter, and prove that it is the one that was trained.

The folder is a standard one: mlx_lm and others load it as it is.
"""

from __future__ import annotations

import argparse

from tui_tuner.commands.options import add_json, add_project, add_set, chosen_project
from tui_tuner.commands.output import Output
from tui_tuner.commands.running import exit_code, run_project_job
from tui_tuner.journey import step
from tui_tuner.language import _
from tui_tuner.step_work import fuse_work

EXAMPLES = _("""examples:
  tuner fuse
  tuner fuse --run run-2 --set name=my-model
  tuner fuse --set save_path=/Volumes/large --set quantize=8""")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_project(parser)
    parser.add_argument("--run", metavar="NAME", help=_("the run to fuse; the latest where none is named"))
    add_set(parser, "export")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Fuse the chosen project's tuned model."""
    from tui_tuner.export.fuse import usage_of

    project = chosen_project(arguments)
    output = Output(as_json=arguments.json)
    run_folder = project.runs / arguments.run if arguments.run else None
    job = run_project_job(project, step("export").job, fuse_work(project, run=run_folder), output)
    if job.ended and job.ended.outcome == "done":
        output.say(_("The model is in {folder}. Use it with:", folder=project.fused_model))
        for command in usage_of(project.fused_model, project):
            output.say(f"  {command}")
    return exit_code(job)
