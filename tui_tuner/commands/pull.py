"""tuner pull: have Ollama download a model that is to write the data.

Needs no project; with one, its Ollama is asked. Ctrl-C keeps what has arrived: pulling again continues.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tui_tuner.commands.options import add_json, add_project
from tui_tuner.commands.output import Output
from tui_tuner.commands.running import exit_code, run_job
from tui_tuner.language import _
from tui_tuner.project import holds_project, open_project

EXAMPLES = _("""examples:
  tuner pull mistral:7b               about 4.4 GB
  tuner pull llama3.2:3b --url studio.local:11434
  tuner pull mistral:7b --json | jq .done""")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("model", metavar="MODEL", help=_("its name in Ollama's library, such as mistral:7b"))
    parser.add_argument(
        "--url", metavar="ADDRESS", help=_("where Ollama listens; the project's, OLLAMA_HOST or this machine")
    )
    add_project(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Pull the model."""
    from tui_tuner.teachers.pulling import pull_work

    url: str | None = arguments.url
    folder: Path | None = arguments.project or (Path.cwd() if holds_project(Path.cwd()) else None)
    if url is None:
        url = open_project(folder).choices.dataset.ollama_url if folder else ""
    work = pull_work(url, arguments.model)
    return exit_code(run_job(_("getting a model"), work, Output(as_json=arguments.json), on_engine=False))
