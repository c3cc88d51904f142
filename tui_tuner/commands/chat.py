"""tuner chat: talk with the fused, the tuned, the base or an Ollama model.

Interactive with history; one answer with `--prompt`, read from a pipe with `--prompt -`.
"""

from __future__ import annotations

import argparse
import sys

from tui_tuner.chat.conversation import Figures
from tui_tuner.chat.models import ChatModel
from tui_tuner.commands.options import add_json, add_project, add_set, chosen_project
from tui_tuner.commands.output import Output
from tui_tuner.commands.running import exit_code, run_job
from tui_tuner.errors import UsageError
from tui_tuner.journey import base_model
from tui_tuner.language import _
from tui_tuner.progress import Emit, StopToken
from tui_tuner.project import Project

EXAMPLES = _("""examples:
  tuner chat                           /help there lists what can be typed
  tuner chat --last
  tuner chat --model base --prompt "How do I add a plugin?"
  tuner chat --model ollama:mistral:7b
  echo "How do I add a plugin?" | tuner chat --prompt -""")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_project(parser)
    parser.add_argument("--prompt", help=_("one question, one answer; - reads the question from stdin"))
    parser.add_argument("--model", help=_("fused, tuned, base or ollama:NAME; the best there is if not said"))
    parser.add_argument("--last", action="store_true", help=_("go on with the conversation that changed last"))
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
    from tui_tuner.commands.chat_lines import ChatLines

    return ChatLines(project, chosen_model(project, arguments.model), go_on=arguments.last).run()


def chosen_model(project: Project, name: str | None) -> ChatModel:
    """The model to talk with.

    Raises:
        UsageError: the named one is not there yet.
        ModelError: none is there.
    """
    from tui_tuner.chat.models import OLLAMA, chat_models, ollama_models, ollama_url
    from tui_tuner.journey import required_base_model

    models = chat_models(project, base_model(project))
    if name and name.startswith(f"{OLLAMA}:"):
        models += ollama_models(ollama_url(project))
    if not models:
        required_base_model(project)
    for model in models:
        # Ollama knows "mistral" as "mistral:latest".
        if name is None or name in (model.known_as, model.known_as.removesuffix(":latest")):
            return model
    raise UsageError(
        _("there is no {name} model", name=name),
        advice=_("There is: {names}.", names=", ".join(model.known_as for model in models)),
    )


def _answer_once(project: Project, arguments: argparse.Namespace, question: str) -> int:
    from tui_tuner.chat.conversation import new_conversation
    from tui_tuner.chat.library import latest_conversation
    from tui_tuner.chat.talk import Talk

    output = Output(as_json=arguments.json, answers_alone=True)

    def work(emit: Emit, stop: StopToken) -> object:
        model = chosen_model(project, arguments.model)
        last = latest_conversation(project) if arguments.last else None
        conversation = last or new_conversation(project)
        conversation.ask(question)
        return Talk().reply_work([(model, conversation)], project.choices.chat)(emit, stop)

    job = run_job(_("answering"), work, output)
    output.end_answer()
    for reply in job.result or ():
        if cut_short := Figures.of(reply).cut_short:
            output.say(f"tuner: {cut_short}")
    return exit_code(job)
