"""Whether an answer is the one that was expected, or at least says it."""

from __future__ import annotations

import re
import unicodedata

_MARKS = re.compile(r"[^\w\s]+")


def is_exactly(answer: str, expected: str) -> bool:
    """Whether both are the same but for case, blanks, and the marks at the end."""
    return _plain(answer) == _plain(expected)


def contains(answer: str, expected: str) -> bool:
    """Whether the words of `expected` are in `answer`, one after the other, but for case and marks."""
    words = _words(expected)
    return bool(words) and f" {words} " in f" {_words(answer)} "


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).casefold().split()).rstrip(".!?… ")


def _words(text: str) -> str:
    return " ".join(_MARKS.sub(" ", unicodedata.normalize("NFC", text).casefold()).split())
