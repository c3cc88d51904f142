"""Texts that go in circles, as small models' do."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from tui_tuner.dataset.examples import question_key

LONGEST_LOOP = 12  # words
LOOPS = 3  # times in a row
SINGLE_LOOPS = 5  # times in a row, for one word alone: "very very" happens


def repetition(text: str) -> str:
    """The words that come several times in a row in `text`, or several whole lines that are the same; empty if none.

    Looks for runs of up to `LONGEST_LOOP` words; in scripts that put no spaces between words for runs of letters.
    """
    words = [word for word in question_key(text).split() if word.isalnum() or any(map(str.isalnum, word))]
    if _has_no_spaces(letters := "".join(words)):
        words = list(letters)
    # A loop brings the same pair of words each time round; most texts have no such pair, and are done here.
    often = max(Counter(pairwise(words)).values(), default=0)
    for length in range(1, LONGEST_LOOP + 1) if often >= LOOPS else ():
        times = SINGLE_LOOPS if length == 1 else LOOPS
        if found := _loop(words, length, times):
            return " ".join(found)
    lines = text.splitlines()
    if len(lines) < LOOPS:
        return ""
    same = Counter(line for line in map(question_key, lines) if len(line) > 20)
    return next((line for line, times in same.items() if times >= LOOPS), "")


def _has_no_spaces(letters: str) -> bool:
    """Whether most letters are of a script that puts no spaces between words."""
    if letters.isascii():
        return False
    wide = (times for letter, times in Counter(letters).items() if unicodedata.east_asian_width(letter) in "WF")
    return sum(wide) > len(letters) / 2


def _loop(words: Sequence[str], length: int, times: int) -> Sequence[str]:
    """The first `length` words that come `times` times in a row."""
    same = 0
    for place in range(length, len(words)):
        same = same + 1 if words[place] == words[place - length] else 0
        if same == length * (times - 1):
            found = words[place - length + 1 : place + 1]
            if not all(word.isdigit() for word in found):  # a row of zeros is data, not a stammer
                return found
    return []
