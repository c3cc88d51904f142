"""Which words of an answer are not in another one."""

from __future__ import annotations

import difflib
import re

MOST_WORDS = 1500  # comparing takes the square of them


def different_words(text: str, other: str) -> list[tuple[int, int]]:
    """Where `text` says something else than `other`: begin and end of each stretch of words, in characters."""
    mine = [match.span() for match in re.finditer(r"\S+", text)][:MOST_WORDS]
    words = [text[begin:end] for begin, end in mine]
    matcher = difflib.SequenceMatcher(None, other.split()[:MOST_WORDS], words, autojunk=False)
    return [
        (mine[begin][0], mine[end - 1][1])
        for what, _from, _to, begin, end in matcher.get_opcodes()
        if what in ("replace", "insert")
    ]
