"""What the rows of a review can be sorted by, and the number that goes with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from tui_tuner.dataset.review_rows import ReviewRow

Order = Literal["file", "question", "length", "words", "tokens", "standing", "source"]
ORDERS: tuple[Order, ...] = ("file", "question", "length", "words", "tokens", "standing", "source")
COUNTED: frozenset[Order] = frozenset(("length", "words", "tokens"))  # those with a number

Tokens = Mapping[str, int]
"""The base model's tokens of a row, by its name; not of those that nobody has counted."""


def figure(order: Order, row: ReviewRow, tokens: Tokens) -> int | None:
    """The letters (`length`), words or tokens of a row; None in another order, and where nobody has counted."""
    contents = (message["content"] for message in row.example.messages)
    if order == "length":
        return sum(map(len, contents))
    if order == "words":
        return sum(len(content.split()) for content in contents)
    return tokens.get(row.name) if order == "tokens" else None


def sort_key(order: Order, tokens: Tokens) -> Callable[[ReviewRow], Any]:
    """By what rows are sorted, in any order but the files': where there is a number, the highest is first."""
    by_words: dict[Order, Callable[[ReviewRow], str]] = {
        "question": lambda row: row.example.question.casefold(),
        "standing": lambda row: row.standing,
        "source": lambda row: row.written.source,
    }
    return by_words.get(order, lambda row: -(figure(order, row, tokens) or 0))
