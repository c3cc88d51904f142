"""The conversations of a project: listed, searched, deleted, and written down for others to read."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tui_tuner.chat.conversation import Conversation, Turn, open_conversation
from tui_tuner.chat.fences import with_fences_closed
from tui_tuner.errors import TunerError, UsageError
from tui_tuner.files import storage_errors, write_text
from tui_tuner.language import _
from tui_tuner.models.thinking import without_thoughts
from tui_tuner.project import Project

if TYPE_CHECKING:
    from tui_tuner.models.prompts import Message

Kind = Literal["markdown", "jsonl"]
ENDINGS: dict[str, Kind] = {".md": "markdown", ".markdown": "markdown", ".jsonl": "jsonl"}


def list_conversations(project: Project) -> list[Conversation]:
    """The conversations of `project`, the one changed last first; damaged files are left out."""
    return list(_from_the_latest(project))


def latest_conversation(project: Project) -> Conversation | None:
    """The one that changed last; None where there is none. Reads no other one."""
    return next(_from_the_latest(project), None)


def _from_the_latest(project: Project) -> Iterator[Conversation]:
    changed: list[tuple[float, Path]] = []
    for path in project.chats.glob("*.json"):
        with contextlib.suppress(OSError):  # deleted meanwhile
            changed.append((path.stat().st_mtime, path))
    for _time, path in sorted(changed, key=lambda pair: pair[0], reverse=True):
        with contextlib.suppress(TunerError):
            yield open_conversation(path)


def having(conversations: Sequence[Conversation], words: str) -> list[Conversation]:
    """Those in whose title, model or turns every one of `words` stands, whatever its case."""
    wanted = words.casefold().split()
    return [one for one in conversations if all(word in _searched(one) for word in wanted)]


def _searched(conversation: Conversation) -> str:
    said = "\n".join(turn.content for turn in conversation.turns)
    return f"{conversation.title}\n{conversation.model}\n{said}".casefold()


def delete_conversation(conversation: Conversation) -> None:
    """Delete its file; nothing brings it back.

    Raises:
        StorageError: the folder is not writable.
    """
    with storage_errors(conversation.path):
        conversation.path.unlink(missing_ok=True)


def as_markdown(conversation: Conversation) -> str:
    """The conversation as a person reads it; a model's thoughts stand before its reply as a quotation."""
    parts = [f"# {conversation.title}"] if conversation.title else []
    for turn in conversation.turns:
        who = _("You") if turn.role == "user" else turn.model or _("Model")
        thoughts, said = without_thoughts(turn.content) if turn.role == "assistant" else ("", turn.content)
        parts.append(f"## {who}")
        if thoughts:
            parts.append("\n".join(f"> {line}".rstrip() for line in thoughts.splitlines()))
        parts.append(with_fences_closed(said))
    return "\n\n".join(parts) + "\n"


def as_json_line(conversation: Conversation, system_prompt: str = "") -> str:
    """The conversation as a row of a training file, up to its last reply; empty where there is nothing to learn."""
    messages = answered(conversation)
    if not messages:
        return ""
    if system_prompt:
        messages = ({"role": "system", "content": system_prompt}, *messages)
    return json.dumps({"messages": messages}, ensure_ascii=False) + "\n"


def answered(conversation: Conversation) -> tuple[Message, ...]:
    """What a model can learn from it: the turns up to the last reply, without thoughts.

    Nothing where none was made, or where one says nothing: an empty answer is not to be learned.
    """
    turns = list(conversation.turns)
    while turns and turns[-1].role != "assistant":
        turns.pop()
    messages = tuple(map(_without_thoughts, turns))
    return messages if all(message["content"].strip() for message in messages) else ()


def _without_thoughts(turn: Turn) -> Message:
    said = without_thoughts(turn.content)[1] if turn.role == "assistant" else turn.content
    return {"role": turn.role, "content": said}


def kind_of(path: Path) -> Kind:
    """How a file of this name is written.

    Raises:
        UsageError: neither as Markdown nor as JSON Lines.
    """
    kind = ENDINGS.get(path.suffix.lower())
    if kind is None:
        raise UsageError(
            _("a conversation is written as Markdown or as JSON Lines"),
            where=str(path),
            advice=_("Let the file's name end with .md or .jsonl."),
        )
    return kind


def export_conversations(conversations: Sequence[Conversation], path: Path, system_prompt: str = "") -> int:
    """Write `conversations` to `path`, as its ending says; a file that is there is replaced.

    Args:
        conversations: which ones, in the order they are to stand.
        path: ends with `.md` (to be read) or `.jsonl` (one training example a line).
        system_prompt: what the models were told before; rows of JSON Lines begin with it.

    Returns:
        How many it holds: those without a reply are no example and not in JSON Lines.

    Raises:
        UsageError: the name has another ending.
        StorageError: it cannot be written.
    """
    if kind_of(path) == "markdown":
        write_text(path, "\n".join(map(as_markdown, conversations)))
        return len(conversations)
    lines = [line for one in conversations if (line := as_json_line(one, system_prompt))]
    write_text(path, "".join(lines))
    return len(lines)
