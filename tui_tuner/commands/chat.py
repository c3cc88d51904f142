"""tuner chat: talk with the fused, the tuned or the base model.

Interactive with history; one answer with `--prompt`, read from a pipe with `--prompt -`.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path
from typing import Any

from tui_tuner.commands.options import add_json, add_project, add_set, chosen_project
from tui_tuner.commands.output import Output
from tui_tuner.commands.running import exit_code, run_job
from tui_tuner.engine import Engine, running_engine
from tui_tuner.errors import UsageError
from tui_tuner.jobs import Job, Work
from tui_tuner.journey import base_model
from tui_tuner.language import _
from tui_tuner.plain_text import printable
from tui_tuner.progress import Emit, StopToken
from tui_tuner.project import Project
from tui_tuner.settings import config_folder

EXAMPLES = _("""examples:
  tuner chat
  tuner chat --model base --prompt "How do I add a plugin?"
  echo "How do I add a plugin?" | tuner chat --prompt -""")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_project(parser)
    parser.add_argument("--prompt", help=_("one question, one answer; - reads the question from stdin"))
    parser.add_argument(
        "--model", choices=("fused", "tuned", "base"), help=_("which one; the best there is if not said")
    )
    add_set(parser, "chat")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Chat on the chosen project."""
    project = chosen_project(arguments)
    if arguments.prompt is not None:
        question = sys.stdin.read().strip() if arguments.prompt == "-" else arguments.prompt
        if not question:
            raise UsageError(_("the question is empty"))
        return _answer_once(project, arguments, question)
    if not sys.stdin.isatty():
        raise UsageError(
            _("there is no terminal to chat in"), advice=_("Give the question with --prompt, or --prompt - .")
        )
    return _converse(project, arguments)


def chosen_model(project: Project, key: str | None) -> Any:
    """The model to talk with.

    Raises:
        UsageError: the named one is not there yet.
        ModelError: none is there.
    """
    from tui_tuner.chat.models import chat_models
    from tui_tuner.journey import required_base_model

    models = chat_models(project, base_model(project))
    if not models:
        required_base_model(project)
    for model in models:
        if key is None or model.key == key:
            return model
    raise UsageError(
        _("there is no {key} model yet", key=key), advice=_("There is: {keys}.", keys=", ".join(m.key for m in models))
    )


def _answer_once(project: Project, arguments: argparse.Namespace, question: str) -> int:
    from tui_tuner.chat.conversation import new_conversation
    from tui_tuner.chat.talk import Talk

    output = Output(as_json=arguments.json)

    def work(emit: Emit, stop: StopToken) -> object:
        model = chosen_model(project, arguments.model)
        conversation = new_conversation(project)
        conversation.ask(question)
        return Talk().reply_work(model, conversation, project.choices.chat)(emit, stop)

    job = run_job(_("answering"), work, output)
    output.say("")
    return exit_code(job)


def _converse(project: Project, arguments: argparse.Namespace) -> int:
    from tui_tuner.chat.conversation import new_conversation
    from tui_tuner.chat.talk import Talk

    output, talk = Output(), Talk()
    model = chosen_model(project, arguments.model)
    output.say(_("{label} · Ctrl-C stops an answer, /clear starts again, Ctrl-D ends.", label=model.label))
    with running_engine() as engine, _line_history():
        conversation = new_conversation(project)
        while (question := _ask()) is not None:
            if question == "/clear":
                conversation = new_conversation(project)
            elif question:
                conversation.ask(question)
                _reply(engine, talk.reply_work(model, conversation, project.choices.chat), output)
        # The model leaves on the thread it came in on.
        engine.submit(talk.let_go)
    return 0


def _reply(engine: Engine, work: Work, output: Output) -> None:
    job = Job(_("answering"), work, output.event, engine).start()
    while job.running:
        try:
            job.wait()
        except KeyboardInterrupt:
            job.stop()
    output.say("")
    if job.result:
        rate, first = f"{job.result.tokens_per_second:.0f}", f"{job.result.seconds_to_first:.2f}"
        output.say(_("  {rate} tok/s · first after {first} s", rate=rate, first=first))


def _ask() -> str | None:
    try:
        return printable(input("\n> ")).strip()
    except (EOFError, KeyboardInterrupt):
        sys.stdout.write("\n")
        return None


@contextlib.contextmanager
def _line_history() -> Any:
    """Line editing, with the questions of earlier chats on the arrow keys."""
    import readline

    path: Path = config_folder() / "chat_history"
    with contextlib.suppress(OSError):
        readline.read_history_file(path)
    try:
        yield
    finally:
        readline.set_history_length(500)
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            readline.write_history_file(path)
