"""A conversation and the file it is kept in: readable JSON, replaced whole after every turn."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tui_tuner.errors import StorageError
from tui_tuner.files import read_json, write_json
from tui_tuner.language import _
from tui_tuner.models.thinking import without_thoughts
from tui_tuner.plain_text import one_line
from tui_tuner.project import Project

if TYPE_CHECKING:
    from tui_tuner.models.prompts import Message
    from tui_tuner.models.replies import Reply

FORMAT = 1
TITLE_WIDTH = 60
ENDS = {
    "length": _("cut at the longest answer"),
    "stopped": _("stopped"),
    "context": _("cut: the context is full"),
}

Role = Literal["user", "assistant"]


@dataclass(frozen=True)
class Figures:
    """How a reply was made.

    Attributes:
        tokens: how many the model wrote.
        tokens_per_second: while it wrote, without reading the prompt.
        seconds_to_first: from the question to the first token.
        finish: `stop` (the model ended its turn), `length` (cut at the longest answer), `context` (cut where the
            model's context is full) or `stopped` (asked to).
        prompt_tokens: length of the conversation before the reply.
    """

    tokens: int
    tokens_per_second: float
    seconds_to_first: float
    finish: str
    prompt_tokens: int

    @property
    def cut_short(self) -> str:
        """Why the reply is not whole, in words; empty where the model ended it."""
        return ENDS.get(self.finish, "")

    @classmethod
    def of(cls, reply: Reply) -> Figures:
        """The figures of a reply just made."""
        return cls(reply.tokens, reply.tokens_per_second, reply.seconds_to_first, reply.finish, reply.prompt_tokens)


@dataclass(frozen=True)
class Turn:
    """One turn.

    Attributes:
        role: who speaks.
        content: what is said.
        figures: how a reply was made; none where it broke off because the program ended.
        model: label of the model that replied.
        others: replies to the same question that were made before this one; none of them has others itself.
    """

    role: Role
    content: str
    figures: Figures | None = None
    model: str = ""
    others: tuple[Turn, ...] = ()

    def as_row(self) -> dict[str, Any]:
        """The turn as plain JSON, without what it does not have."""
        row: dict[str, Any] = {"role": self.role, "content": self.content}
        if self.figures:
            row["figures"] = dataclasses.asdict(self.figures)
        if self.model:
            row["model"] = self.model
        if self.others:
            row["others"] = [turn.as_row() for turn in self.others]
        return row


@dataclass
class Conversation:
    """A conversation, kept in `path` whenever it changes.

    Attributes:
        path: its file; written with the first turn.
        id: the file's name without its ending.
        title: the beginning of the first question, until it is given another one.
        model: label of the model that answered last.
        turns: the user's and the assistant's in turn; the system prompt is a setting, not a turn.
        left_out: how many turns from the first on the model no longer sees, because its context was full.
        moved: it was gone on with in another window at the same time, and is now kept in a copy of its own.
    """

    path: Path
    title: str = ""
    model: str = ""
    turns: list[Turn] = field(default_factory=list)
    left_out: int = 0
    moved: bool = field(default=False, compare=False)
    _seen: tuple[int, int] | None = field(default=None, compare=False, repr=False)

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
        """Add the assistant's turn. One that was stopped before its first word is none: what was there before stays.

        Raises:
            StorageError: it cannot be saved; the turn is there all the same.
        """
        if reply.text or reply.finish != "stopped":
            self.turns = self._with_reply(Turn("assistant", reply.text, Figures.of(reply), model))
            self.model = model
        self.save()

    def save_with(self, text: str, model: str) -> None:
        """Save it with the beginning of a reply that is still being written: what a crash leaves is on the disk.

        The turns are as they were; the next `save` writes them.

        Raises:
            StorageError: it cannot be saved; the file is as it was.
        """
        self._write(self._with_reply(Turn("assistant", text, None, model)))

    def _with_reply(self, reply: Turn) -> list[Turn]:
        if not self.turns or self.turns[-1].role == "user":
            return [*self.turns, reply]
        replaced = self.turns[-1]
        others = (*replaced.others, dataclasses.replace(replaced, others=()))
        return [*self.turns[:-1], dataclasses.replace(reply, others=others)]

    @property
    def asked(self) -> list[Turn]:
        """The turns up to the last question: what a reply, the first or another one, is an answer to."""
        return self.turns[:-1] if self.turns and self.turns[-1].role == "assistant" else self.turns

    def take_other(self) -> bool:
        """Put the reply made before the last one in its place, and so on in turn; False where there is only one.

        Raises:
            StorageError: it cannot be saved.
        """
        if not self.turns or not self.turns[-1].others:
            return False
        last = self.turns[-1]
        first, *rest = last.others
        self.turns[-1] = dataclasses.replace(first, others=(*rest, dataclasses.replace(last, others=())))
        self.save()
        return True

    def branch(self, place: int, path: Path) -> Conversation:
        """A conversation in `path` that begins with the turns before `place`, counted from 0; this one stays as it is.

        Its file is made with its first new turn.
        """
        return Conversation(path, self.title, self.model, self.turns[:place], min(self.left_out, place))

    def rename(self, title: str) -> None:
        """Give it another title; an empty one takes the beginning of the first question.

        Raises:
            StorageError: it cannot be saved.
        """
        first = self.turns[0].content if self.turns else ""
        self.title = one_line(title.encode(errors="replace").decode() or first, TITLE_WIDTH)
        if self.turns:
            self.save()

    def messages(self, system_prompt: str = "") -> list[Message]:
        """The turns up to the last question as a model's template takes them, without those that are left out.

        What a model thought before earlier answers is not put to it again: thinking models are made without it.
        """
        messages: list[Message] = [{"role": "system", "content": system_prompt}] if system_prompt else []
        for turn in self.asked[self.left_out :]:
            said = without_thoughts(turn.content)[1] if turn.role == "assistant" else turn.content
            messages.append({"role": turn.role, "content": said})
        return messages

    def save(self) -> None:
        """Write the file, wholly or not at all. What another window wrote there meanwhile stays: see `moved`.

        Raises:
            StorageError: the disk is full or the folder not writable; the file is as it was.
        """
        self._write(self.turns)

    def _write(self, turns: Sequence[Turn]) -> None:
        row: dict[str, Any] = {"format": FORMAT, "title": self.title, "model": self.model}
        if self.left_out:
            row["left_out"] = self.left_out
        if (now := _version(self.path)) is not None and now != self._seen:
            self.path, self.moved = _path_in(self.path.parent), True
        write_json(self.path, {**row, "turns": [turn.as_row() for turn in turns]})
        self._seen = _version(self.path)


def new_path(project: Project, now: datetime | None = None) -> Path:
    """Where another conversation of `project` may be kept."""
    return _path_in(project.chats, now)


def _path_in(folder: Path, now: datetime | None = None) -> Path:
    # Named after the time, so that names sort; a few random letters keep two of one second apart.
    name = (now or datetime.now()).strftime("%Y-%m-%d_%H-%M-%S")
    return folder / f"{name}_{secrets.token_hex(2)}.json"


def _version(path: Path) -> tuple[int, int] | None:
    """Which writing of a file this is; None where there is none. Files are replaced whole, so each is another one."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


def new_conversation(project: Project, now: datetime | None = None) -> Conversation:
    """An empty conversation of `project`; its file is made with the first turn."""
    return Conversation(new_path(project, now))


def open_conversation(path: Path) -> Conversation:
    """Read the conversation in `path`.

    Raises:
        StorageError: it cannot be read, is damaged, or was made by a newer version.
        DatasetError: it is not JSON; names the line.
    """
    seen = _version(path)
    table = read_json(path)
    if isinstance(table, dict) and isinstance(table.get("format"), int) and table["format"] > FORMAT:
        raise StorageError(
            _("this conversation was made by a newer tuner"),
            where=str(path),
            advice=_("Update with: pip install --upgrade tui-tuner"),
        )
    try:
        turns = [_turn(row) for row in table["turns"]]
        left_out = min(max(int(table.get("left_out", 0)), 0), len(turns))
        title, model = str(table.get("title", "")), str(table.get("model", ""))
        return Conversation(path, title, model, turns, left_out, _seen=seen)
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise StorageError(
            _("this is not a conversation"), where=str(path), advice=_("Mend the file, or move it away.")
        ) from error


def _turn(row: dict[str, Any]) -> Turn:
    role: Role = "assistant" if row["role"] == "assistant" else "user"
    figures = Figures(**row["figures"]) if row.get("figures") else None
    others = tuple(_turn(other) for other in row.get("others", ()))
    return Turn(role, str(row["content"]), figures, str(row.get("model", "")), others)
