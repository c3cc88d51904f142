"""What a file's rows mean: which column holds the turns, or which is said by whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tui_tuner.importing.rows import RowProblem
from tui_tuner.importing.tagged_text import read_tagged_text
from tui_tuner.importing.turns import Conversation, as_text, finished, is_turn_list, read_turns
from tui_tuner.language import _
from tui_tuner.models.prompts import Message

Form = Literal["messages", "conversations", "alpaca", "completions", "text", "columns"]
FORMS: tuple[Form, ...] = ("messages", "conversations", "alpaca", "completions", "text", "columns")
MORE_TURNS = 9
MORE_ROLES = tuple(f"{role}{number}" for number in range(2, MORE_TURNS + 1) for role in ("user", "assistant"))
ROLES = ("messages", "text", "system", "user", "input", "assistant", *MORE_ROLES)


@dataclass(frozen=True)
class Shape:
    """How a row is read.

    Attributes:
        form: its name, one of `FORMS`.
        columns: the column of each role of `ROLES` that has one.
    """

    form: Form
    columns: Mapping[str, str]

    @property
    def complete(self) -> bool:
        """Whether there is a question and an answer to it."""
        return bool({"messages", "text"} & set(self.columns)) or {"user", "assistant"} <= set(self.columns)

    def read(self, value: Any) -> Conversation:
        """The conversation that a row's `value` is.

        Raises:
            RowProblem: it is none; says why.
        """
        record = as_record(value)
        if column := self.columns.get("messages"):
            return finished([*self._system(record), *read_turns(_field(record, column))])
        if column := self.columns.get("text"):
            return finished([*self._system(record), *read_tagged_text(as_text(_field(record, column)))])
        return finished(self._said(record))

    def _system(self, record: Mapping[str, Any]) -> list[Message]:
        column = self.columns.get("system")
        return [Message(role="system", content=as_text(record.get(column)))] if column else []

    def _said(self, record: Mapping[str, Any]) -> list[Message]:
        asked = _field(record, self.columns["user"])
        answered = _field(record, self.columns["assistant"])
        said = read_turns(answered) if is_turn_list(answered) else [_assistant(answered)]
        if any(turn["role"] == "user" for turn in said):  # an answer that is the whole conversation
            return [*self._system(record), *said]
        if is_turn_list(asked):  # a prompt that is a conversation already
            return [*self._system(record), *read_turns(asked), *said]
        about = as_text(record.get(self.columns["input"])) if "input" in self.columns else ""
        question = "\n\n".join(part for part in (as_text(asked), about) if part.strip())
        turns = [*self._system(record), Message(role="user", content=question), *said]
        for role in MORE_ROLES:
            text = as_text(record.get(self.columns.get(role, "")))
            if text.strip():
                turns.append(Message(role=role.rstrip("23456789"), content=text))
        return turns


def _assistant(value: Any) -> Message:
    return Message(role="assistant", content=as_text(value))


def _field(record: Mapping[str, Any], column: str) -> Any:
    if column not in record:
        raise RowProblem(_("it has no {column}", column=repr(column)))
    return record[column]


def as_record(value: Any) -> Mapping[str, Any]:
    """A row as an object with named fields; a bare list of turns, list of texts or text gets a name.

    Raises:
        RowProblem: it is neither.
    """
    if isinstance(value, dict):
        return value
    if is_turn_list(value) and isinstance(value, list):
        return {"messages": value}
    if isinstance(value, list) and value:
        return {column_name(place): cell for place, cell in enumerate(value)}
    if isinstance(value, str):
        return {"text": value}
    raise RowProblem(_("neither an object nor a list nor a text"), repr(value)[:60])


def column_name(place: int) -> str:
    """What a column without a name is called, counted from 0 here and from 1 by people."""
    return _("column {number}", number=place + 1)


def columns_of(records: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Every column that occurs, in the order it first does."""
    return tuple(dict.fromkeys(name for record in records for name in record if isinstance(name, str)))
