"""Guessing what a file's rows mean from the names of their columns and from what is in them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tui_tuner.errors import UsageError
from tui_tuner.importing.shapes import MORE_TURNS, ROLES, Form, Shape, column_name, columns_of
from tui_tuner.importing.tagged_text import is_tagged
from tui_tuner.importing.turns import is_turn_list
from tui_tuner.language import _

TURN_NAMES = ("messages", "conversations", "conversation", "dialogue", "dialog", "turns", "chat")
# In the order in which they are believed.
_USER = """instruction prompt question query user human request frage problem usermessage userprompt inputtext q
    anweisung pregunta domanda 问题 指令 ask input"""
_ASSISTANT = """completion response answer output assistant reply chosen solution target gpt assistantmessage antwort a
    respuesta réponse risposta 回答 答案 outputtext bot"""
_NAMES: Mapping[str, tuple[str, ...]] = {
    "system": ("system", "systemprompt", "systemmessage"),
    "user": tuple(_USER.split()),
    "assistant": tuple(_ASSISTANT.split()),
    "input": ("input", "context", "passage"),
}
_PLAIN = re.compile(r"[\W_]+")


def guess_shape(records: Sequence[Mapping[str, Any]]) -> Shape | None:
    """How rows like these are to be read; None where nobody can tell."""
    columns = columns_of(records)
    known = {plain_name(column): column for column in reversed(columns)}
    system = _system_of(known)
    if column := _turns_column(records, columns):
        form: Form = "conversations" if plain_name(column).startswith("conversation") else "messages"
        return Shape(form, {"messages": column, **system})
    if (shape := _pair(known, system)) is not None:
        return shape
    tagged = [
        column for column in columns if any(is_tagged(text) for text in _texts(records[:20], column) if len(text) > 10)
    ]
    if tagged or len(columns) == 1 or "text" in known:
        return Shape("text", {"text": known["text"] if "text" in known else (tagged or columns)[0], **system})
    if columns and all(column == column_name(place) for place, column in enumerate(columns)):
        return Shape("columns", {"user": columns[0], "assistant": columns[1]})
    return None


def _system_of(known: Mapping[str, str]) -> dict[str, str]:
    column = next((known[name] for name in _NAMES["system"] if name in known), "")
    return {"system": column} if column else {}


def _turns_column(records: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    found = Counter(
        column
        for record in records[:50]
        for column in columns
        if is_turn_list(record.get(column), exchanges=plain_name(column) in TURN_NAMES)
    )
    named = next((column for column in columns if plain_name(column) in TURN_NAMES and found[column]), "")
    if named:
        return named
    # A prompt and a completion may be lists of turns, too: they are a pair.
    alone = [column for column, _number in found.most_common() if plain_name(column) not in _NAMES["user"]]
    alone = [column for column in alone if plain_name(column) not in ("completion", "response", "chosen", "rejected")]
    if alone:
        return alone[0]
    return next((column for column in columns if plain_name(column) in TURN_NAMES), "")


def _pair(known: Mapping[str, str], system: Mapping[str, str]) -> Shape | None:
    user = next((known[name] for name in _NAMES["user"] if name in known), "")
    assistant = next((known[name] for name in _NAMES["assistant"] if name in known and known[name] != user), "")
    if not user or not assistant:
        return None
    found = {**system, "user": user}
    about = next((known[name] for name in _NAMES["input"] if name in known and known[name] != user), "")
    if about:
        found["input"] = about
    found["assistant"] = assistant
    found |= _more_turns(known)
    if {"instruction", "output"} <= set(known) and user == known["instruction"]:
        return Shape("alpaca", found)
    return Shape(
        "completions" if {plain_name(user), plain_name(assistant)} == {"prompt", "completion"} else "columns", found
    )


def _more_turns(known: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for number in range(2, MORE_TURNS + 1):
        for role in ("user", "assistant"):
            name = next((known[f"{name}{number}"] for name in _NAMES[role] if f"{name}{number}" in known), "")
            if name:
                found[f"{role}{number}"] = name
    return found


def _texts(records: Sequence[Mapping[str, Any]], column: str) -> list[str]:
    return [text for record in records if isinstance(text := record.get(column), str)]


def plain_name(column: str) -> str:
    """A column's name without case, spaces and punctuation."""
    return _PLAIN.sub("", column).casefold()


def mapped_shape(guess: Shape | None, mapping: Mapping[str, str], columns: Sequence[str]) -> Shape:
    """The guess with a person's own mapping over it; an empty column takes a role's guess away.

    Raises:
        UsageError: there is no such role or column.
    """
    for role, column in mapping.items():
        if role not in ROLES:
            raise UsageError(
                _("there is no role {name}", name=repr(role)), advice=_("Known: {names}.", names=", ".join(ROLES))
            )
        if column and columns and column not in columns:
            raise UsageError(
                _("there is no column {name}", name=repr(column)),
                advice=_("There is: {names}.", names=", ".join(columns)),
            )
    chosen = {**(guess.columns if guess else {}), **mapping}
    if {"user", "assistant"} & set(mapping):  # said by whom, rather than a list of turns
        chosen = {
            role: column for role, column in chosen.items() if role not in ("messages", "text") or role in mapping
        }
    elif mapping.get("messages") or mapping.get("text"):
        chosen = {role: column for role, column in chosen.items() if role in mapping or role == "system"}
    chosen = {role: column for role, column in chosen.items() if column}
    form: Form = "columns"
    if guess is not None and chosen == dict(guess.columns):
        form = guess.form
    elif "messages" in chosen:
        form = "messages"
    elif "text" in chosen:
        form = "text"
    return Shape(form, chosen)


def forced_shape(form: Form, records: Sequence[Mapping[str, Any]]) -> Shape:
    """The shape of a `form` that a person named, with its usual columns.

    Raises:
        UsageError: the rows have no such columns.
    """
    columns = columns_of(records)
    known = {plain_name(column): column for column in reversed(columns)}
    system = _system_of(known)
    shape: Shape | None = None
    if form in ("messages", "conversations"):
        column = _turns_column(records, columns)
        shape = Shape(form, {"messages": column, **system}) if column else None
    elif form == "text":
        column = known.get("text", columns[0] if columns else "")
        shape = Shape(form, {"text": column, **system}) if column else None
    else:
        shape = _pair(known, system)
        shape = Shape(form, shape.columns) if shape else Shape("columns", {}) if form == "columns" else None
    if shape is None:
        raise UsageError(
            _("these rows do not look like {form}", form=form),
            advice=_("Their columns: {names}. Say which is which with --map.", names=", ".join(columns)),
        )
    return shape
