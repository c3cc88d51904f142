"""tuner check: is this machine ready? Every check with its finding and its fix.

Needs no project; with one, its base model is checked too.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tui_tuner.commands.options import add_json, add_project
from tui_tuner.commands.output import Output
from tui_tuner.commands.running import exit_code, run_job
from tui_tuner.engine import running_engine
from tui_tuner.language import _
from tui_tuner.progress import StopToken, ignore_event
from tui_tuner.project import Choices, holds_project, open_project

EXAMPLES = _("""examples:
  tuner check
  tuner check --json
  tuner check --fix base_model        fetch the base model
  tuner check --fix ollama            start Ollama""")

MARKS = {"ok": "✓", "warning": "!", "missing": "✗", "not_applicable": "–"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_project(parser)
    parser.add_argument("--fix", metavar="CHECK", help=_("run the fix of one check, where that is safe"))
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run all checks, or one fix."""
    output = Output(as_json=arguments.json)
    here = Path.cwd() if holds_project(Path.cwd()) else None
    folder = arguments.project or here
    choices = open_project(folder).choices if folder else Choices()
    return _fix(arguments.fix, choices, output) if arguments.fix else _check(choices, folder, output)


def _check(choices: Choices, folder: Path | None, output: Output) -> int:
    from tui_tuner.environment.check import next_advice, ready
    from tui_tuner.environment.checks import run_checks

    with running_engine() as engine:
        results = run_checks(
            choices.model,
            engine=engine,
            emit=output.event if output.as_json else ignore_event,
            stop=StopToken(),
            folder=folder,
            ollama_url=choices.dataset.ollama_url,
        )
    for result in results:
        output.say(f" {MARKS[result.state]} {result.name:<16} {result.finding}")
        if result.state in ("warning", "missing"):
            output.say(f"   {'':<16} {result.why}")
            if result.fix:
                output.say(f"   {'':<16} " + _("fix: {command}", command=result.fix.command))
    output.say("")
    output.say(next_advice(results))
    return 0 if ready(results) else 1


def _fix(key: str, choices: Choices, output: Output) -> int:
    from tui_tuner.environment.fixes import fix_work

    wanted = choices.dataset.ollama_model
    work = fix_work(key, choices.model, ollama_url=choices.dataset.ollama_url, ollama_model=wanted)
    return exit_code(run_job(_("preparing this machine"), work, output))
