"""tuner compare: base and tuned model answer the same questions side by side.

The comparison is kept in the project's comparisons folder.
"""

from __future__ import annotations

import argparse
import shutil
import textwrap
from typing import Any

from tui_tuner.commands.options import add_json, add_project, add_set, chosen_project
from tui_tuner.commands.output import Output
from tui_tuner.commands.running import exit_code, run_project_job
from tui_tuner.journey import comparison_work, step
from tui_tuner.language import _
from tui_tuner.plain_text import printable

EXAMPLES = _("""examples:
  tuner compare
  tuner compare --prompt "How do I sell car parts with WordPress?" --prompt "What is a permalink?"
  tuner compare --run run-1""")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_project(parser)
    parser.add_argument(
        "--prompt", action="append", default=[], help=_("a question for both; may be given several times")
    )
    parser.add_argument("--run", metavar="NAME", help=_("the tuned run; the latest where none is named"))
    add_set(parser, "compare")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Compare on the chosen project."""
    project = chosen_project(arguments)
    if arguments.prompt:
        choice = project.choices.compare
        project = project.with_choice("compare", type(choice)(**{**vars(choice), "prompts": tuple(arguments.prompt)}))
    run_folder = project.runs / arguments.run if arguments.run else None
    output = Output(as_json=arguments.json)
    job = run_project_job(project, step("compare").job, comparison_work(project, run=run_folder), output)
    for answered in job.result or ():
        show_side_by_side(answered, output)
    return exit_code(job)


def show_side_by_side(answered: Any, output: Output) -> None:
    """Print one question with the base's answer on the left and the tuned one's on the right."""
    total = min(shutil.get_terminal_size((100, 24)).columns, 160)
    width = (total - 3) // 2
    left, right = (_wrapped(text, width) for text in (answered.base.text, answered.tuned.text))
    output.say("")
    output.say(f"? {answered.prompt}")
    output.say(f"{_('base'):<{width}} │ {_('tuned')}")
    for row in range(max(len(left), len(right))):
        one = left[row] if row < len(left) else ""
        other = right[row] if row < len(right) else ""
        output.say(f"{one:<{width}} │ {other}")


def _wrapped(text: str, width: int) -> list[str]:
    lines: list[str] = []
    for paragraph in printable(text).expandtabs(4).splitlines():
        lines += textwrap.wrap(paragraph, width) or [""]
    return lines
