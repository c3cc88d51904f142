"""Lists of turns, as `messages`, ShareGPT and their relatives write them, made into ours."""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tui_tuner.importing.rows import RowProblem
from tui_tuner.language import _
from tui_tuner.models.prompts import Message
from tui_tuner.plain_text import one_line

_ROLES = {
    "system": ("system", "developer"),
    "user": ("user", "human", "prompter", "question", "prompt", "instruction", "customer", "usr"),
    "assistant": ("assistant", "gpt", "chatgpt", "bot", "model", "ai", "bing", "bard", "answer", "response", "chatbot"),
}
ROLE_OF = {name: role for role, names in _ROLES.items() for name in names}
_ROLE_KEYS = ("role", "from", "speaker", "author", "sender")
_TEXT_KEYS = ("content", "value", "text", "message")


@dataclass(frozen=True)
class Conversation:
    """What a row became.

    Attributes:
        messages: its turns; the last one is the assistant's.
        cut: whether a question without an answer at its end was left out.
    """

    messages: tuple[Message, ...]
    cut: bool = False


def is_turn_list(value: Any, *, exchanges: bool = False) -> bool:
    """Whether `value` looks like the turns of a conversation; also one that is written as JSON inside a text.

    Args:
        value: anything.
        exchanges: whether a turn may hold a question and its answer at once, as rows of a table do, too.
    """
    if isinstance(value, str) and value.lstrip()[:1] == "[":
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return False
    if not isinstance(value, list) or not value or not all(isinstance(turn, dict) for turn in value):
        return False
    return _has_role_and_text(value[0]) or (exchanges and _is_exchange(value[0]))


def _has_role_and_text(turn: Mapping[str, Any]) -> bool:
    return any(key in turn for key in _ROLE_KEYS) and any(key in turn for key in _TEXT_KEYS)


def _is_exchange(turn: Mapping[str, Any]) -> bool:
    """Whether a turn holds a question and its answer at once, by the names of who speaks."""
    return {ROLE_OF.get(name) for name in turn} >= {"user", "assistant"}


def read_turns(value: Any) -> list[Message]:
    """The turns in a list of objects with a role and a text each.

    Raises:
        RowProblem: it is no such list.
    """
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise RowProblem(_("the turns are no JSON list"), str(error)) from None
    if not isinstance(value, list):
        raise RowProblem(_("the turns are no list"), type(value).__name__)
    return [turn for item in value for turn in _turns(item)]


def _turns(item: Any) -> list[Message]:
    if isinstance(item, dict) and not _has_role_and_text(item) and _is_exchange(item):
        return [Message(role=ROLE_OF[name], content=as_text(said)) for name, said in item.items() if name in ROLE_OF]
    return [_turn(item)]


def _turn(item: Any) -> Message:
    if not isinstance(item, dict):
        raise RowProblem(_("a turn is no object with a role and a text"), repr(item))
    said = next((item[key] for key in _ROLE_KEYS if item.get(key) is not None), None)
    role = ROLE_OF.get(said.strip().casefold()) if isinstance(said, str) else None
    if role is None:
        raise RowProblem(_("a turn's role is neither system nor user nor assistant"), repr(said))
    text = next((item[key] for key in _TEXT_KEYS if item.get(key) is not None), None)
    if text is None and item.get("tool_calls"):
        raise RowProblem(_("a turn calls a tool"))
    return Message(role=role, content=_parts(text) if isinstance(text, list) else as_text(text))


def _parts(parts: list[Any]) -> str:
    """The text of a turn that is written in parts."""
    if not all(isinstance(part, dict) and isinstance(part.get("text"), str) for part in parts):
        raise RowProblem(_("a turn holds something else than text"))
    return "\n".join(part["text"] for part in parts)


def as_text(value: Any) -> str:
    """A cell or field as text; empty where there is nothing.

    Raises:
        RowProblem: it is neither a text nor a number nor a date.
    """
    if isinstance(value, str):
        return value
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, int | float | Decimal | datetime.date | datetime.time) and not isinstance(value, bool):
        return str(value)
    raise RowProblem(_("not a text"), one_line(repr(value), 60))


def finished(turns: Sequence[Message]) -> Conversation:
    """The conversation that `turns` are, without what cannot be learned from at its end.

    Raises:
        RowProblem: nothing can be learned from it.
    """
    kept = list(_without_empty_systems(turns))
    answered = max((place for place, turn in enumerate(kept) if turn["role"] == "assistant"), default=-1)
    # An answer that is empty at the end is a question without one.
    if answered >= 0 and answered == len(kept) - 1 and not kept[answered]["content"].strip():
        kept = kept[:-1]
        answered = max((place for place, turn in enumerate(kept) if turn["role"] == "assistant"), default=-1)
    asked = [turn for turn in kept if turn["role"] == "user"]
    if not kept or not any(turn["content"].strip() for turn in kept):
        raise RowProblem(_("empty"))
    if answered < 0:
        reason = _("ends on a question") if asked else _("no question and no answer")
        raise RowProblem(reason if len(asked) > 1 else _("no answer") if asked else reason)
    whole = tuple(kept[: answered + 1])
    if not any(turn["role"] == "user" for turn in whole):
        raise RowProblem(_("no question"))
    if any(not turn["content"].strip() for turn in whole):
        raise RowProblem(_("a turn is empty"))
    if any("\ud800" <= letter <= "\udfff" for turn in whole for letter in _beyond_ascii(turn["content"])):
        raise RowProblem(_("half a letter (a lone surrogate)"))
    if any("\0" in turn["content"] for turn in whole):
        raise RowProblem(_("a NUL, which is no letter"))
    return Conversation(whole, cut=len(whole) < len(kept))


def _without_empty_systems(turns: Sequence[Message]) -> Iterable[Message]:
    return (turn for turn in turns if turn["role"] != "system" or turn["content"].strip())


def _beyond_ascii(text: str) -> str:
    return "" if text.isascii() else text
