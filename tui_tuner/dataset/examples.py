"""One training example, and the files that hold them: one JSON object a line, `{"messages": [...]}`."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from tui_tuner.documents.passages import Provenance
from tui_tuner.errors import DatasetError
from tui_tuner.files import storage_errors
from tui_tuner.language import _
from tui_tuner.models.prompts import Message

SEED = "seed"


@dataclass(frozen=True)
class Example:
    """A conversation to learn from.

    Attributes:
        messages: its turns; the last one is the assistant's.
        source: "seed" for one a person wrote, otherwise the name of the teacher.
        passage: what it was written from; None where that is no document.
        began_with: how many messages there were before follow-ups were added; 0 where none were. It stays the same
            example as it grows: a person's decision, its near duplicates and its side of the split go by these alone.
        by_hand: how many messages there were after the last follow-up that a person took back, whatever the checks say.
    """

    messages: tuple[Message, ...]
    source: str
    passage: Provenance | None = None
    began_with: int = 0
    by_hand: int = 0

    @property
    def beginning(self) -> tuple[Message, ...]:
        """The turns it is known by: all of them but for follow-ups added later."""
        return self.messages[: self.began_with or None]

    @property
    def question(self) -> str:
        """The first thing the user says."""
        return _first(self.messages, "user")

    @property
    def answer(self) -> str:
        """The first thing the assistant says."""
        return _first(self.messages, "assistant")

    @property
    def asked(self) -> str:
        """All the user says in `beginning`: what tells two conversations apart that both begin with a greeting."""
        return "\n".join(message["content"] for message in self.beginning if message["role"] == "user")

    @property
    def turns(self) -> int:
        """How many questions of the user are answered in it."""
        return sum(message["role"] == "user" for message in self.messages)

    @property
    def follow_ups(self) -> int:
        """How many of its turns were added after it was accepted as an example."""
        return (len(self.messages) - len(self.beginning)) // 2

    def followed_by(self, turns: Iterable[Message], *, by_hand: bool = False) -> Example:
        """The example with a follow-up question and its answer at its end; `by_hand` where a person took them back."""
        messages = (*self.messages, *turns)
        accepted = len(messages) if by_hand else self.by_hand
        return replace(self, messages=messages, began_with=self.began_with or len(self.messages), by_hand=accepted)

    def without_last_follow_up(self) -> Example | None:
        """The example as it was before its last follow-up; None where it has none, or a person took that one back."""
        added = self.began_with and len(self.messages) > max(self.began_with, self.by_hand)
        return replace(self, messages=self.messages[:-2]) if added else None

    def without_taken_back(self) -> Example:
        """The turns that checks still look at: what it began with, and what follows on the last one taken back."""
        return replace(self, messages=(*self.beginning, *self.messages[self.by_hand :])) if self.by_hand else self

    def as_row(self) -> dict[str, Any]:
        """The row of a training file, as mlx-lm reads it."""
        return {"messages": [dict(message) for message in self.messages]}

    @property
    def origin(self) -> dict[str, Any]:
        """What is noted beside the row where examples are kept: who wrote it, and from which passage."""
        passage = {"passage": self.passage.as_row()} if self.passage else {}
        return {"source": self.source, **passage}

    @classmethod
    def from_row(cls, row: Any, source: str) -> Example:
        """Read a row; its own `source` goes before the one given here.

        Raises:
            ValueError: it is no conversation that ends with an answer; says why.
        """
        messages = row.get("messages") if isinstance(row, dict) else None
        if not isinstance(messages, list):
            raise ValueError(_("it has no messages"))
        turns = tuple(map(_turn, messages))
        roles = [turn["role"] for turn in turns]
        if "user" not in roles or roles[-1] != "assistant":
            raise ValueError(_("it must have a question of the user and end with an answer of the assistant"))
        said = row.get("source")
        known = said if isinstance(said, str) and said else source
        return cls(turns, known, Provenance.from_row(row.get("passage")))


def asked_and_answered(question: str, answer: str, source: str, passage: Provenance | None = None) -> Example:
    """An example of one question and its answer."""
    turns = (Message(role="user", content=question), Message(role="assistant", content=answer))
    return Example(turns, source, passage)


def name_of(messages: Iterable[Message]) -> str:
    """A short name for turns: the same turns, the same name."""
    # With their lengths, so that no text can look like the end of a turn and the beginning of the next one.
    turns = "".join([f"{message['role']} {len(message['content'])} {message['content']}" for message in messages])
    return hashlib.blake2b(turns.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _first(messages: Iterable[Message], role: str) -> str:
    return next((message["content"] for message in messages if message["role"] == role), "")


def _turn(message: Any) -> Message:
    role, content = (message.get("role"), message.get("content")) if isinstance(message, dict) else (None, None)
    if role not in ("system", "user", "assistant") or not isinstance(content, str) or not content.strip():
        raise ValueError(_("each message needs a role (system, user or assistant) and a text"))
    # As it is where it has nothing else: large datasets are read twice as fast.
    return cast(Message, message) if len(message) == 2 else Message(role=role, content=content)


def well_formed(text: str) -> str:
    """`text` without halves of characters, which a model's JSON may name and no file can hold."""
    return text.encode("utf-8", "replace").decode()


def question_key(question: str) -> str:
    """What two questions have in common that differ only in case, punctuation or spacing; empty without any word."""
    return " ".join(unicodedata.normalize("NFKC", question).casefold().translate(_SEPARATORS).split())


class _Separators(dict[int, str]):
    """Which letters only stand between words; each is looked up once, which large datasets need."""

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        # Some signs carry meaning: C# is not C, and 5% is not 5.
        separates = unicodedata.category(letter)[0] in "PZC" and letter not in "#%&*@/"
        self[code] = " " if separates else letter
        return self[code]


_SEPARATORS = _Separators()


def read_seed_examples(path: Path) -> tuple[Example, ...]:
    """The examples a person wrote, in the order of the file; none where there is no file.

    Raises:
        DatasetError: a line is no example; names the line.
        StorageError: the file cannot be read.
    """
    if not path.exists():
        return ()
    with storage_errors(path):
        lines = path.read_bytes().split(b"\n")
    return tuple(_seed_example(path, number, line) for number, line in enumerate(lines, start=1) if line.strip())


def _seed_example(path: Path, number: int, line: bytes) -> Example:
    try:
        return Example.from_row(json.loads(line), SEED)
    except ValueError as error:
        form = '{"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}'
        raise DatasetError(
            _("not a training example: {reason}", reason=error),
            where=f"{path}:{number}",
            advice=_("Write one example a line: {form}", form=form),
        ) from error
