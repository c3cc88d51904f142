"""What every document is read into, whatever it was: blocks in their order, headings among them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from tui_tuner.plain_text import one_line

LONGEST_TITLE = 120  # letters of a heading that go with each of its passages

# Chinese and Japanese put no spaces between words, and a language model reads about one letter at a time there; Thai,
# Lao, Burmese and Khmer put none either. What has no end, such as a key or an address, counts by its length.
_WITHOUT_SPACES = "\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003fffd"
_IN_PHRASES = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
WORD = re.compile(rf"[{_WITHOUT_SPACES}]|[{_IN_PHRASES}]{{1,4}}|[^\s{_WITHOUT_SPACES}{_IN_PHRASES}]{{1,20}}")


@dataclass(frozen=True)
class Block:
    """A piece of a document.

    Attributes:
        kind: `heading`; `text`, cut between sentences where it is too long; `lines` (code, a list, a table), between
            lines.
        text: as it stands in a Markdown or text file; other documents are written as Markdown would have it.
        line: where it begins in its file, from 1; in a PDF the page.
        level: of a heading, from 1.
        title: of a heading, on one line without its marks.
    """

    kind: Literal["heading", "text", "lines"]
    text: str
    line: int
    level: int = 0
    title: str = ""


def heading(text: str, line: int, level: int, title: str) -> Block:
    """A heading whose title is fit to stand on one line."""
    return Block("heading", text, line, level, one_line(title, LONGEST_TITLE))


def count_words(text: str) -> int:
    """How many words `text` has, as far as its size for a language model is concerned."""
    return sum(1 for _word in WORD.finditer(text))
