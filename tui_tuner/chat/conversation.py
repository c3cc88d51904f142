"""A conversation and the file it is kept in: readable JSON, replaced whole after every turn."""

from __future__ import annotations

import dataclasses
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tui_tuner.errors import StorageError, TunerError
from tui_tuner.files import read_json, write_json
from tui_tuner.language import _
from tui_tuner.plain_text import one_line
from tui_tuner.project import Project

if TYPE_CHECKING:
    from tui_tuner.models.generation import Reply
    from tui_tuner.models.prompts import Message

FORMAT = 1
TITLE_WIDTH = 60

Role = Literal["user", "assistant"]


@dataclass(frozen=True)
class Figures:
    """How a reply was made.

    Attributes:
        tokens: how many the model wrote.
        tokens_per_second: while it wrote, without reading the prompt.
        seconds_to_first: from the question to the first token.
        finish: `stop` (the model ended its turn), `length` (cut at the longest answer) or `stopped` (asked to).
        prompt_tokens: length of the conversation before the reply.
    """

    tokens: int
    tokens_per_second: float
    seconds_to_first: float
    finish: str
    prompt_tokens: int

    @classmethod
    def of(cls, reply: Reply) -> Figures:
        """The figures of a reply just made."""
        return cls(reply.tokens, reply.tokens_per_second, reply.seconds_to_first, reply.finish, reply.prompt_tokens)


@dataclass(frozen=True)
class Turn:
    """One turn: who speaks, what is said, and for a reply how it was made and by which model."""

    role: Role
    content: str
    figures: Figures | None = None
    model: str = ""


@dataclass
class Conversation:
    """A conversation, kept in `path` whenever it changes.

    Attributes:
        path: its file; written with the first turn.
        id: the file's name without its ending.
        title: the beginning of the first question, until it is given another one.
        model: label of the model that answered last.
        turns: the user's and the assistant's in turn; the system prompt is a setting, not a turn.
    """

    path: Path
    title: str = ""
    model: str = ""
    turns: list[Turn] = field(default_factory=list)

    @property
    def id(self) -> str:
        """What it is known by within its project."""
        return self.path.stem

    def ask(self, question: str) -> None:
        """Add the user's turn. A question that never got an answer gives way: no template takes two in a row.

        Raises:
            StorageError: it cannot be saved; the turn is there all the same.
        """
        if self.turns and self.turns[-1].role == "user":
            self.turns.pop()
        question = question.encode(errors="replace").decode()  # a terminal may hand over what no file can hold
        self.turns.append(Turn("user", question))
        self.title = self.title or one_line(question, TITLE_WIDTH)
        self.save()

    def answer(self, reply: Reply, model: str) -> None:
        """Add the assistant's turn.

        Raises:
            StorageError: it cannot be saved; the turn is there all the same.
        """
        self.turns.append(Turn("assistant", reply.text, Figures.of(reply), model))
        self.model = model
        self.save()

    def edit(self, place: int, question: str) -> None:
        """Ask another question at `place`, counted from 0; what followed is dropped.

        Raises:
            StorageError: it cannot be saved.
        """
        del self.turns[place:]
        self.ask(question)

    def messages(self, system_prompt: str = "") -> list[Message]:
        """The turns as a model's template takes them."""
        messages: list[Message] = [{"role": "system", "content": system_prompt}] if system_prompt else []
        for turn in self.turns:
            messages.append({"role": turn.role, "content": turn.content})
        return messages

    def save(self) -> None:
        """Write the file, wholly or not at all.

        Raises:
            StorageError: the disk is full or the folder not writable; the file is as it was.
        """
        turns = [
            {
                name: value
                for name, value in dataclasses.asdict(turn).items()
                if value not in (None, "") or name == "content"
            }
            for turn in self.turns
        ]
        write_json(self.path, {"format": FORMAT, "title": self.title, "model": self.model, "turns": turns})


def new_conversation(project: Project, now: datetime | None = None) -> Conversation:
    """An empty conversation of `project`; its file is made with the first turn."""
    # Named after the time, so that names sort; a few random letters keep two of one second apart.
    name = (now or datetime.now()).strftime("%Y-%m-%d_%H-%M-%S")
    return Conversation(project.chats / f"{name}_{secrets.token_hex(2)}.json")


def open_conversation(path: Path) -> Conversation:
    """Read the conversation in `path`.

    Raises:
        StorageError: it cannot be read, is damaged, or was made by a newer version.
        DatasetError: it is not JSON; names the line.
    """
    table = read_json(path)
    if isinstance(table, dict) and isinstance(table.get("format"), int) and table["format"] > FORMAT:
        raise StorageError(
            _("this conversation was made by a newer tuner"),
            where=str(path),
            advice=_("Update with: pip install --upgrade tui-tuner"),
        )
    try:
        turns = [_turn(row) for row in table["turns"]]
        return Conversation(path, str(table.get("title", "")), str(table.get("model", "")), turns)
    except (TypeError, KeyError, AttributeError) as error:
        raise StorageError(
            _("this is not a conversation"), where=str(path), advice=_("Mend the file, or move it away.")
        ) from error


def _turn(row: dict[str, Any]) -> Turn:
    role: Role = "assistant" if row["role"] == "assistant" else "user"
    figures = Figures(**row["figures"]) if row.get("figures") else None
    return Turn(role, str(row["content"]), figures, str(row.get("model", "")))


def list_conversations(project: Project) -> list[Conversation]:
    """The conversations of `project`, the one changed last first; damaged files are left out."""
    found: list[tuple[float, Conversation]] = []
    for path in project.chats.glob("*.json"):
        try:
            found.append((path.stat().st_mtime, open_conversation(path)))
        except (OSError, TunerError):
            continue
    return [conversation for _time, conversation in sorted(found, key=lambda pair: pair[0], reverse=True)]
