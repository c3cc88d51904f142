"""Blocks cut into passages by the structure of their document.

What stands under one heading stays together as far as it fits; small neighbours are joined, and what is too long is cut
between blocks, then paragraphs or lines, then sentences, then words. Together the passages hold everything once.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from tui_tuner.documents.blocks import WORD, Block, count_words

SMALL = 1 / 10  # of the longest passage; smaller ones are joined with a neighbour
_PARAGRAPH = re.compile(r"\n[ \t]*\n\s*")
_LINE = re.compile(r"\n+")
# The look back keeps a long row of dots from being tried from each of them.
_SENTENCE = re.compile(r"(?<![.!?…؟۔।])[.!?…؟۔।]+[\"'”’»)\]]*\s+|[。！？]+[」』”）]*\s*")
_SPACE = re.compile(r"\s+")
_INSIDE_TEXT = (_PARAGRAPH, _SENTENCE, _SPACE)
_INSIDE_LINES = (_LINE, _SENTENCE, _SPACE)


@dataclass
class Piece:
    """A passage before it gets a name.

    Attributes:
        heading: the headings it stands under, the outermost first.
        line: where it begins.
        texts: what it holds.
        words: how many.
    """

    heading: tuple[str, ...]
    line: int
    texts: list[str] = field(default_factory=list)
    words: int = 0

    @property
    def text(self) -> str:
        """What it holds, in one text."""
        return "\n\n".join(self.texts)

    def take(self, other: Piece) -> None:
        """Take in the piece that follows; the headings common to both stay."""
        both = zip(self.heading, other.heading, strict=False)
        self.heading = tuple(one for one, _other in itertools.takewhile(lambda pair: pair[0] == pair[1], both))
        self.texts += other.texts
        self.words += other.words


def cut(blocks: Sequence[Block], longest: int) -> list[Piece]:
    """Passages of at most `longest` words.

    Headings stand in the text of the passage they begin; each passage also knows all the headings it is under. One of
    several sections knows those that are common to them.
    """
    pieces = [piece for heading, section in _sections(blocks) for piece in _packed(heading, section, longest)]
    return _joined(pieces, longest)


def _sections(blocks: Sequence[Block]) -> Iterator[tuple[tuple[str, ...], list[Block]]]:
    """What stands under each heading, with that heading in front of it."""
    path: list[tuple[int, str]] = []
    section: list[Block] = []
    for block in blocks:
        if block.kind == "heading":
            if section:
                yield tuple(title for _level, title in path if title), section
            path = [*((level, title) for level, title in path if level < block.level), (block.level, block.title)]
            section = []
        section.append(block)
    if section:
        yield tuple(title for _level, title in path if title), section


def _packed(heading: tuple[str, ...], section: Sequence[Block], longest: int) -> Iterator[Piece]:
    """One section in as few pieces as its blocks allow."""
    piece = Piece(heading, section[0].line)
    # A heading has to fit into one piece with the beginning of what follows it.
    room = max(longest - (count_words(section[0].text) if section[0].kind == "heading" else 0), longest // 2, 1)
    for block in section:
        ways = _INSIDE_LINES if block.kind == "lines" else _INSIDE_TEXT
        for text in _cut_text(block.text, room, ways) if count_words(block.text) > longest else [block.text]:
            words = count_words(text)
            if piece.texts and piece.words + words > longest:
                yield piece
                piece = Piece(heading, block.line)
            piece.texts.append(text)
            piece.words += words
    yield piece


def _joined(pieces: Iterable[Piece], longest: int) -> list[Piece]:
    """The pieces, each small one together with the next one, or else with the one before, where both fit into one."""
    joined: list[Piece] = []
    for piece in pieces:
        if joined and _small(joined[-1], longest) and joined[-1].words + piece.words <= longest:
            joined[-1].take(piece)
            continue
        _join_backward(joined, longest)
        joined.append(piece)
    _join_backward(joined, longest)
    return joined


def _join_backward(pieces: list[Piece], longest: int) -> None:
    if len(pieces) > 1 and _small(pieces[-1], longest) and pieces[-2].words + pieces[-1].words <= longest:
        last = pieces.pop()
        pieces[-1].take(last)


def _small(piece: Piece, longest: int) -> bool:
    return piece.words < SMALL * longest


def _cut_text(text: str, longest: int, ways: Sequence[re.Pattern[str]]) -> list[str]:
    """Parts of `text` of at most `longest` words and of about the same size, cut in the first way that will do."""
    total = count_words(text)
    if total <= longest:
        return [text] if text.strip() else []
    if not ways:
        return _cut_words(text, longest)
    fair = math.ceil(total / math.ceil(total / longest))
    parts: list[str] = []
    growing: list[str] = []
    words = 0
    for part in _parted(text, ways[0]):
        count = count_words(part)
        if growing and words + count > longest:
            parts += _cut_text("".join(growing).strip("\n "), longest, ways[1:])
            growing, words = [], 0
        growing.append(part)
        words += count
        if words >= fair:
            parts += _cut_text("".join(growing).strip("\n "), longest, ways[1:])
            growing, words = [], 0
    return parts + _cut_text("".join(growing).strip("\n "), longest, ways[1:])


def _parted(text: str, way: re.Pattern[str]) -> Iterator[str]:
    """`text` in parts, each with what parts it from the next one at its end."""
    start = 0
    for match in way.finditer(text):
        yield text[start : match.end()]
        start = match.end()
    yield text[start:]


def _cut_words(text: str, longest: int) -> list[str]:
    """A text without any place to cut, such as a long key, after every `longest` words."""
    starts = [match.start() for match in WORD.finditer(text)][::longest]
    return [text[start:end].strip() for start, end in itertools.zip_longest(starts, starts[1:])]
