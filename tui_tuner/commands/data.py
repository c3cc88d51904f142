"""tuner data: write the training set, or go on writing it.

Questions, answers, checks, then the split; every finished example is on the disk before the next one is asked for.
"""

from __future__ import annotations

import argparse
import textwrap

from tui_tuner.commands.options import add_json, add_project, add_set, chosen_project
from tui_tuner.commands.output import Output
from tui_tuner.commands.running import exit_code, run_project_job
from tui_tuner.journey import dataset_needs_engine, dataset_work, step
from tui_tuner.language import _
from tui_tuner.project import Project

EXAMPLES = _("""examples:
  tuner data --set topic="using a WordPress website" --set instructions=200
  tuner data --set teacher=ollama --set teacher_model=mistral:7b
  tuner data --set quality.near_duplicate=0.9 --set quality.shortest_answer=5
  tuner data --card
  tuner data --json | jq .event""")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_project(parser)
    add_set(parser, "dataset")
    parser.add_argument(
        "--card",
        action="store_true",
        help=_("only show what the dataset is made of: sources, teachers, what was left out"),
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the dataset of the chosen project."""
    project = chosen_project(arguments)
    output = Output(as_json=arguments.json)
    if arguments.card:
        return _show_card(project, output)
    job = run_project_job(
        project, step("dataset").job, dataset_work(project), output, on_engine=dataset_needs_engine(project)
    )
    return exit_code(job)


def _show_card(project: Project, output: Output) -> int:
    from tui_tuner.dataset.card import DatasetCard, make_card, out_of_date, read_report

    report = read_report(project.data)
    output.event(DatasetCard(report))
    card = make_card(report, project.name)
    output.say(card.title)
    for text in out_of_date(report, project):
        output.say(f"! {text}")
    for section in card.sections:
        output.say(f"\n{section.heading}")
        width = max((len(name) for name, _text in section.rows), default=0)
        for name, text in section.rows:
            output.say(f"  {name:<{width}}  {text}")
        for name, text in section.texts:
            output.say(f"  {name}:\n\n{textwrap.indent(text, '    ')}\n")
    return 0
