"""tuner demo: the whole journey on a small model, about five minutes.

Makes a project, lets the starter model write examples around sixteen that come with it, trains, compares, fuses, asks.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tui_tuner.commands.compare import show_side_by_side
from tui_tuner.commands.options import add_json
from tui_tuner.commands.output import Output
from tui_tuner.commands.running import exit_code, run_project_job
from tui_tuner.language import _

EXAMPLES = _("""examples:
  tuner demo
  tuner demo ~/my-first-model
  tuner demo --fresh                  start over""")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path("tuner-demo"), metavar="DIR", help=_("its project")
    )
    parser.add_argument("--fresh", action="store_true", help=_("start over: delete what the demo made in this folder"))
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the demo, or go on with it."""
    from tui_tuner.demo.journey import DemoAnswers, demo_work, prepare_demo

    output = Output(as_json=arguments.json)
    project = prepare_demo(arguments.folder, fresh=arguments.fresh)
    job = run_project_job(project, _("the demo"), demo_work(project), output)
    if isinstance(job.result, DemoAnswers):
        show_side_by_side(job.result.compared, output)
        output.say("")
        output.say(_("And the fused model, a folder of its own, asked the last question:"))
        output.say(f"  {job.result.fused_answer}")
        output.say("")
        output.say(_("Open it in the app:    tuner --project {folder}", folder=arguments.folder))
        output.say(_("Chat with your model:  tuner chat --project {folder}", folder=arguments.folder))
    return exit_code(job)
