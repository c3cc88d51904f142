"""One example as the model gets it: token by token, what is learned, what is only read, and what is cut off."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

from tui_tuner.plain_text import printable
from tui_tuner.progress import Event
from tui_tuner.training.examples import Encoder, Example, UnusableRow

Kind = Literal["read", "learned", "cut"]

MOST_TOKENS = 6000  # shown of one example
MOST_CUT_TOKENS = 300  # shown of what is cut off
MOST_LETTERS = 4000  # of a row that gives no tokens
LONGEST_CHARACTER = 4  # tokens, where each is one byte
_BROKEN = "\ufffd"  # what a part of a character decodes to


@dataclass(frozen=True)
class Piece:
    """What is read as one thing: a token, or the few that only together are a character.

    Attributes:
        text: as it stands in the rendered conversation, spaces and line ends included.
        special: it is one of the model's marks rather than text, such as `<|im_end|>`.
    """

    text: str
    special: bool = False


@dataclass(frozen=True)
class Segment:
    """Tokens in a row of one kind: a question with the template's marks around it, or an answer.

    Attributes:
        kind: `read` (the model sees it and learns nothing from it), `learned`, or `cut` (it never sees it).
        tokens: how many there are, also of those not shown.
        pieces: what is shown.
    """

    kind: Kind
    tokens: int
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class ExampleShown(Event):
    """A row of a training file in tokens.

    Attributes:
        part: `train`, `valid` or `test`; empty for a row that is in none of them.
        number: which of the part's rows, from 1.
        line: its line in the file.
        tokens: of the whole row.
        learned: tokens that are learned of what is not cut off.
        refused: why it is not trained on; empty where it is.
        answers_missed: answers that are not learned because the template hides where they are.
        segments: the tokens in their order; none where the row gives none.
        row: the beginning of the row as it stands in the file, where it gives no tokens.
    """

    part: str
    number: int
    line: int
    tokens: int = 0
    learned: int = 0
    refused: str = ""
    answers_missed: int = 0
    segments: tuple[Segment, ...] = ()
    row: str = ""


def show_example(
    encoder: Encoder, tokenizer: Any, line: tuple[int, bytes], *, part: str, number: int, max_seq_length: int
) -> ExampleShown:
    """The row `line`, its number and its content, as `encoder` gives it to training.

    Raises:
        DatasetError: it is a conversation and the model has no chat template.
    """
    at, content = line
    try:
        whole = encoder.whole(at, content)
    except UnusableRow as unusable:
        row = printable(content[: 4 * MOST_LETTERS].decode(errors="replace"))[:MOST_LETTERS]
        return ExampleShown(part, number, at, refused=str(unusable), row=row)
    learned, refused = 0, ""
    try:
        learned = whole.within(max_seq_length).supervised
    except UnusableRow as unusable:
        refused = str(unusable)
    segments = tuple(_segments(tokenizer, whole, max_seq_length))
    return ExampleShown(part, number, at, whole.length, learned, refused, whole.answers_missed, segments)


def _segments(tokenizer: Any, example: Example, max_seq_length: int) -> Iterator[Segment]:
    def kind(place: int) -> Kind:
        if place >= max_seq_length:
            return "cut"
        return "learned" if example.learned[place] else "read"

    tokens = example.tokens.tolist()
    marks = frozenset(tokenizer.all_special_ids) | frozenset(getattr(tokenizer, "added_tokens_decoder", ()))
    left = MOST_TOKENS
    for of_kind, places in groupby(range(len(tokens)), kind):
        run = list(places)
        shown = min(len(run), left, MOST_CUT_TOKENS if of_kind == "cut" else left)
        left -= shown
        yield Segment(of_kind, len(run), tuple(_pieces(tokenizer, tokens, run[0], run[0] + shown, marks)))


def _pieces(tokenizer: Any, tokens: Sequence[int], start: int, end: int, marks: frozenset[int]) -> Iterator[Piece]:
    begin = start
    for place in range(start, end):
        text = _text(tokenizer, tokens, begin, place + 1)
        if text.endswith(_BROKEN) and place + 1 < end and place + 1 - begin < LONGEST_CHARACTER:
            continue
        yield Piece(printable(text), tokens[begin] in marks)
        begin = place + 1


def _text(tokenizer: Any, tokens: Sequence[int], start: int, end: int) -> str:
    """What the tokens from `start` to before `end` say.

    Decoded together with the one before them: alone, some tokenizers take away the space a token begins with.
    """
    if start == 0:
        return _decoded(tokenizer, tokens[:end])
    before = _decoded(tokenizer, tokens[start - 1 : start])
    both = _decoded(tokenizer, tokens[start - 1 : end])
    return both[len(before) :] if both.startswith(before) else _decoded(tokenizer, tokens[start:end])


def _decoded(tokenizer: Any, tokens: Sequence[int]) -> str:
    return str(tokenizer.decode(list(tokens), skip_special_tokens=False, clean_up_tokenization_spaces=False))
