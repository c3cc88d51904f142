"""A chat in the plain terminal: what is typed is asked, and lines that begin with / are commands."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tui_tuner import figures
from tui_tuner.chat.context import ContextFull
from tui_tuner.chat.conversation import Conversation, Figures, new_conversation, new_path, open_conversation
from tui_tuner.chat.library import (
    delete_conversation,
    export_conversations,
    having,
    latest_conversation,
    list_conversations,
)
from tui_tuner.chat.models import ChatModel
from tui_tuner.chat.session import LEAVE_OUT, require_question
from tui_tuner.chat.talk import Talk
from tui_tuner.commands.output import Output
from tui_tuner.engine import Engine, running_engine
from tui_tuner.errors import TunerError, UsageError
from tui_tuner.jobs import Job
from tui_tuner.language import _
from tui_tuner.plain_text import one_line, printable
from tui_tuner.project import Project
from tui_tuner.settings import config_folder

LISTED = 20  # conversations


@dataclass(frozen=True)
class Command:
    """What a line that begins with / does.

    Attributes:
        name: without the /; the method `_name` does it.
        takes: what may follow it.
        help: what it does.
    """

    name: str
    takes: str
    help: str


COMMANDS = (
    Command("again", "", _("another answer to the last question; the one there is stays in the file")),
    Command("other", "", _("the answer before that one, and so on in turn")),
    Command("edit", _("TEXT"), _("ask the last question in other words, in a conversation of its own")),
    Command("branch", "", _("go on in a copy of this conversation")),
    Command("new", "", _("begin a new conversation")),
    Command("model", _("[NAME]"), _("talk with fused, tuned, base or ollama:NAME; alone: which there are")),
    Command("system", _("[TEXT]"), _("what the model is told before the conversation; alone: nothing")),
    Command("set", _("NAME=VALUE"), _("a setting of [chat], such as temperature=0.7, for this chat")),
    Command("chats", _("[WORDS]"), _("list the conversations, those with these words")),
    Command("open", _("NUMBER"), _("go on with a conversation of that list")),
    Command("title", _("TEXT"), _("give the conversation a title")),
    Command("delete", _("NUMBER"), _("delete a conversation of that list, after asking")),
    Command("export", _("FILE"), _("write the conversation to a .md or .jsonl file")),
    Command("keep", "", _("add the conversation to the dataset, as an example")),
    Command("help", "", _("this list")),
)


class ChatLines:
    """The loop of questions and answers.

    Args:
        project: whose models, settings and conversations they are.
        model: who answers at first.
        go_on: with the conversation that changed last.
    """

    def __init__(self, project: Project, model: ChatModel, *, go_on: bool = False) -> None:
        self._project, self._who = project, model
        self._talk, self._output = Talk(), Output()
        self._listed: list[Conversation] = []
        last = latest_conversation(project) if go_on else None
        self._conversation = last or new_conversation(project)
        self._engine: Engine | None = None

    def run(self) -> int:
        """Talk until the person ends it; return the exit code."""
        self._say(_("{label} · Ctrl-C stops an answer, Ctrl-D ends, /help lists more.", label=self._who.label))
        with running_engine() as self._engine, _line_history():
            if self._conversation.turns:
                self._show()
            while (line := _read("\n> ")) is not None:
                _keep_line_history()
                try:
                    self._take(line)
                except TunerError as error:
                    self._output.complain(error)
            # The model leaves on the thread it came in on.
            self._engine.submit(self._talk.let_go)
        return 0

    def _take(self, line: str) -> None:
        name, _space, rest = line[1:].partition(" ")
        if not line.startswith("/"):
            if line:
                self._ask(line)
        elif any(command.name == name for command in COMMANDS):
            getattr(self, f"_{name}")(rest.strip())
        else:
            raise UsageError(_("there is no command {name}", name=f"/{name}"), advice=_("/help lists them."))

    # -- asking --------------------------------------------------------------------------------------------------------

    def _ask(self, question: str) -> None:
        self._conversation.ask(question)
        self._answer()

    def _answer(self) -> None:
        require_question(self._conversation)
        job = self._job()
        helps = isinstance(job.error, ContextFull) and job.error.leaving_out_helps
        if helps and _agreed(_("Leave the oldest turns out?")):
            self._project = self._project.with_settings("chat", {"when_full": LEAVE_OUT})
            job = self._job()
        for reply in job.result or ():
            rate, first = figures.count(round(reply.tokens_per_second)), f"{reply.seconds_to_first:.2f}"
            context = self._who.context
            tokens = figures.count(reply.prompt_tokens + reply.tokens)
            held = _("{tokens} of {limit} tokens", tokens=tokens, limit=figures.count(context)) if context else tokens
            cut = f" · {short}" if (short := Figures.of(reply).cut_short) else ""
            self._say(_("  {rate} tok/s · first after {first} s · {held}", rate=rate, first=first, held=held) + cut)

    def _job(self) -> Job:
        work = self._talk.reply_work([(self._who, self._conversation)], self._project.choices.chat)
        job = Job(_("answering"), work, self._output.event, self._engine).start()
        while job.running:
            try:
                job.wait()
            except KeyboardInterrupt:
                job.stop()
        self._say("")
        return job

    def _again(self, _rest: str) -> None:
        self._answer()

    def _other(self, _rest: str) -> None:
        if not self._conversation.take_other():
            raise UsageError(_("there is only one answer"), advice=_("/again makes another one."))
        self._say(printable(self._conversation.turns[-1].content))

    def _edit(self, text: str) -> None:
        if not text or not self._conversation.asked:
            raise UsageError(_("/edit takes the question in other words"))
        place = len(self._conversation.asked) - 1
        self._conversation = self._conversation.branch(place, new_path(self._project))
        self._ask(text)

    def _branch(self, _rest: str) -> None:
        turns = self._conversation.turns
        self._conversation = self._conversation.branch(len(turns), new_path(self._project))
        self._say(_("A copy; the conversation it is from is kept as it is."))

    # -- conversations -------------------------------------------------------------------------------------------------

    def _new(self, _rest: str) -> None:
        self._conversation = new_conversation(self._project)
        self._say(_("A new conversation; the old one is kept."))

    def _chats(self, words: str) -> None:
        self._listed = having(list_conversations(self._project), words)
        for number, one in enumerate(self._listed[:LISTED], start=1):
            self._say(f"{number:3} {one_line(one.title, 60):60} {one_line(one.model, 24)}")
        if not self._listed:
            self._say(_("No conversation has these words.") if words else _("There is no conversation yet."))
        elif len(self._listed) > LISTED:
            self._say(_("and {number} more: /chats WORDS finds them", number=len(self._listed) - LISTED))

    def _numbered(self, number: str) -> Conversation:
        if number.isdecimal() and 1 <= int(number) <= len(self._listed):
            listed = self._listed[int(number) - 1]
            # Read anew: it may have gone on since it was listed.
            return self._conversation if listed.path == self._conversation.path else open_conversation(listed.path)
        raise UsageError(_("no conversation has that number"), advice=_("/chats lists them."))

    def _open(self, number: str) -> None:
        self._conversation = self._numbered(number)
        self._show()

    def _show(self) -> None:
        self._say(f"— {one_line(self._conversation.title)}")
        for turn in self._conversation.turns:
            self._say(f"\n> {printable(turn.content)}" if turn.role == "user" else printable(turn.content))

    def _title(self, title: str) -> None:
        self._conversation.rename(title)
        self._say(f"— {one_line(self._conversation.title)}")

    def _delete(self, number: str) -> None:
        one = self._numbered(number)
        if _agreed(_("Delete “{title}”? Nothing brings it back.", title=one_line(one.title))):
            delete_conversation(one)
            del self._listed[int(number) - 1]
            if one.path == self._conversation.path:
                self._conversation = new_conversation(self._project)

    def _export(self, name: str) -> None:
        if not name:
            raise UsageError(_("/export takes the name of a .md or .jsonl file"))
        path = Path(name).expanduser()
        export_conversations([self._conversation], path, self._project.choices.chat.system_prompt)
        self._say(_("Written to {path}.", path=path))

    def _keep(self, _rest: str) -> None:
        from tui_tuner.chat.to_dataset import keep_as_example

        if keep_as_example(self._project, self._conversation):
            self._say(_("Added to the dataset. Next: tuner data"))
        else:
            self._say(_("It is in the dataset already."))

    # -- settings ------------------------------------------------------------------------------------------------------

    def _model(self, name: str) -> None:
        from tui_tuner.chat.models import chat_models, ollama_models, ollama_url
        from tui_tuner.commands.chat import chosen_model
        from tui_tuner.journey import base_model

        if name:
            self._who = chosen_model(self._project, name)
            self._say(self._who.label)
            return
        models = [*chat_models(self._project, base_model(self._project)), *ollama_models(ollama_url(self._project))]
        self._say(", ".join(model.known_as for model in models))

    def _system(self, text: str) -> None:
        self._set(f"system_prompt={text}")

    def _set(self, assignment: str) -> None:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise UsageError(_("/set takes name=value"))
        self._project = self._project.with_settings("chat", {name.strip(): value.strip()})

    def _help(self, _rest: str) -> None:
        for command in COMMANDS:
            self._say(f"  {'/' + command.name + ' ' + command.takes:20} {command.help}")

    def _say(self, text: str) -> None:
        self._output.say(text)


def _read(prompt: str) -> str | None:
    try:
        return printable(input(prompt)).strip()
    except EOFError:
        sys.stdout.write("\n")
        return None
    except KeyboardInterrupt:  # meant for an answer that had just ended, or to take back what was typed
        sys.stdout.write("\n")
        return ""


def _agreed(question: str) -> bool:
    return (_read(f"{question} [y/N] ") or "").lower() in ("y", "yes")


@contextlib.contextmanager
def _line_history() -> Iterator[None]:
    """Line editing, with the questions of earlier chats on the arrow keys."""
    import readline

    with contextlib.suppress(OSError):
        readline.read_history_file(_history_path())
    readline.set_history_length(500)
    try:
        yield
    finally:
        _keep_line_history()


def _keep_line_history() -> None:
    """At every line: what ends the program need not let it say good-bye."""
    import readline

    path = _history_path()
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        readline.write_history_file(path)


def _history_path() -> Path:
    return config_folder() / "chat_history"
