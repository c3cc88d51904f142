"""tuner data: write the training set, or go on writing it.

Questions, answers, checks, then the split; every finished example is on the disk before the next one is asked for.
"""

from __future__ import annotations

import argparse
import textwrap

from tui_tuner.commands.options import add_json, add_project, add_set, chosen_project
from tui_tuner.commands.output import Output
from tui_tuner.commands.running import exit_code, run_job, run_project_job
from tui_tuner.journey import step
from tui_tuner.language import _
from tui_tuner.project import Project
from tui_tuner.step_work import dataset_needs_engine, dataset_work, prompt_trying_work

EXAMPLES = _("""examples:
  tuner data --set topic="using a WordPress website" --set instructions=200
  tuner data --set teacher=ollama --set teacher_model=mistral:7b
  tuner data --set quality.near_duplicate=0.9 --set quality.shortest_answer=5
  tuner data --try-prompt --set audience="people with their first shop"
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
    parser.add_argument(
        "--show-prompt",
        action="store_true",
        help=_("only show what the teacher would be told when it is asked for questions"),
    )
    parser.add_argument(
        "--try-prompt",
        action="store_true",
        help=_("only ask for questions once, and show which would be kept and which dropped; nothing is written"),
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the dataset of the chosen project."""
    project = chosen_project(arguments)
    output = Output(as_json=arguments.json)
    if arguments.card:
        return _show_card(project, output)
    if arguments.show_prompt:
        return _show_prompt(project, output)
    if arguments.try_prompt:
        name = _("trying the prompt")
        return exit_code(run_job(name, prompt_trying_work(project), output, on_engine=dataset_needs_engine(project)))
    job = run_project_job(
        project, step("dataset").job, dataset_work(project), output, on_engine=dataset_needs_engine(project)
    )
    return exit_code(job)


def _show_prompt(project: Project, output: Output) -> int:
    from tui_tuner.dataset.plan import plan_dataset
    from tui_tuner.dataset.trying import PromptSent, prompt_sent

    output.event(PromptSent(prompt_sent(plan_dataset(project), continues=dataset_needs_engine(project))))
    return 0


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
