"""Rows of `train.jsonl` and `valid.jsonl` as tokens, each marked whether it is learned.

A row is `{"messages": [...]}` (with `tools` if there are any), `{"prompt", "completion"}` or `{"text"}`, as for mlx-lm,
and gives the same tokens as there. No row is dropped in silence: those that cannot be used are listed with the reason.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui_tuner.errors import DatasetError
from tui_tuner.files import storage_errors
from tui_tuner.language import _
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Emit, Pace, StopToken
from tui_tuner.training.supervision import Template, answer_spans

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

# Preparing is pure Python and holds the interpreter: after this many seconds others get a turn.
SLICE_SECONDS = 0.008
PAUSE_SECONDS = 0.001


@dataclass(frozen=True, eq=False)
class Example:
    """One row, ready to train on. Equal only to itself, so that it can be a key.

    Attributes:
        line: its line in the file, from 1.
        tokens: token ids, shape (length,), int32; at least two.
        learned: shape (length,), bool: whether the token is predicted; never the first, which nothing predicts.
        cut: whether tokens beyond `max_seq_length` were cut off.
        answers_missed: how many answers could not be found in the rendered conversation.
    """

    line: int
    tokens: NDArray[numpy.int32]
    learned: NDArray[numpy.bool_]
    cut: bool = False
    answers_missed: int = 0

    @property
    def length(self) -> int:
        """Tokens, none of them padding."""
        return len(self.tokens)

    @property
    def supervised(self) -> int:
        """Tokens that are learned."""
        return int(self.learned.sum())

    def within(self, longest: int) -> Example:
        """The example as it is trained on when no more than its first `longest` tokens are.

        Raises:
            UnusableRow: none of them is learned.
        """
        if self.length <= longest:
            return self
        if not self.learned[:longest].any():
            raise UnusableRow(_("the question alone fills all {longest:,} tokens", longest=longest))
        return replace(self, tokens=self.tokens[:longest].copy(), learned=self.learned[:longest].copy(), cut=True)


@dataclass(frozen=True)
class Refused:
    """A row that cannot be used, and why."""

    line: int
    reason: str


@dataclass
class Examples:
    """A file's rows: the usable ones, and those that are not."""

    path: Path
    usable: list[Example] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)

    @property
    def tokens(self) -> int:
        """Real tokens in one pass."""
        return sum(example.length for example in self.usable)

    @property
    def supervised(self) -> int:
        """Learned tokens in one pass."""
        return sum(example.supervised for example in self.usable)


class UnusableRow(Exception):
    """A row without anything to learn; the text says why."""


def read_examples(
    path: Path, tokenizer: Any, *, max_seq_length: int, mask_prompt: bool, emit: Emit, stop: StopToken
) -> Examples:
    """Prepare every row of `path`; a missing file has none.

    Raises:
        DatasetError: the rows are conversations and the model has no chat template.
        StorageError: the file cannot be read.
        Stopped: asked to.
    """
    examples = Examples(path)
    encoder = Encoder(tokenizer, max_seq_length=max_seq_length, mask_prompt=mask_prompt)
    lines = read_lines(path)
    if lines is None:
        return examples
    for row in prepared_rows(path.name, lines, encoder.encode, emit=emit, stop=stop):
        if isinstance(row, Example):
            examples.usable.append(row)
        else:
            examples.refused.append(row)
    return examples


def prepared_rows(
    name: str,
    rows: Sequence[tuple[int, bytes]],
    encode: Callable[[int, bytes], Example],
    *,
    emit: Emit,
    stop: StopToken,
) -> Iterator[Example | Refused]:
    """Each of `rows`, a line's number and its content, as `encode` makes it; others get a turn in between.

    Raises:
        DatasetError: the rows are conversations and the model has no chat template.
        Stopped: asked to.
    """
    pace = Pace(_("Preparing {name}", name=name), len(rows), _("examples"), emit)
    slice_began = reported = time.monotonic()
    for done, (number, line) in enumerate(rows, start=1):
        stop.check()
        try:
            row: Example | Refused = encode(number, line)
        except UnusableRow as unusable:
            row = Refused(number, str(unusable))
        yield row
        now = time.monotonic()
        if now - slice_began > SLICE_SECONDS:
            time.sleep(PAUSE_SECONDS)
            slice_began = time.monotonic()
        if now - reported > 0.1:
            pace.reach(done)
            reported = now
    pace.reach(len(rows))
    pace.finish()


def read_lines(path: Path) -> list[tuple[int, bytes]] | None:
    """The lines of `path` that are not empty, each with its number from 1; None where there is no file.

    Raises:
        StorageError: the file cannot be read.
    """
    if not path.exists():
        return None
    with storage_errors(path):
        lines = path.read_bytes().split(b"\n")
    return [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]


class Encoder:
    """Turns one row into an `Example`.

    Args:
        tokenizer: mlx-lm's wrapper, with the chat template.
        max_seq_length: longest example, in tokens.
        mask_prompt: learn the answers alone. A `text` row has no question, so all of it is learned.
    """

    def __init__(self, tokenizer: Any, *, max_seq_length: int, mask_prompt: bool) -> None:
        self._tokenizer, self._max_seq_length, self._mask_prompt = tokenizer, max_seq_length, mask_prompt
        self._template = Template(tokenizer)

    def encode(self, number: int, line: bytes) -> Example:
        """The example of the row on line `number`, as it is trained on.

        Raises:
            UnusableRow: nothing in it can be learned; says why.
            DatasetError: it is a conversation and the model has no chat template.
        """
        return self.whole(number, line).within(self._max_seq_length)

    def whole(self, number: int, line: bytes) -> Example:
        """The example of the row on line `number`, however long it is.

        Raises:
            UnusableRow: nothing in it can be learned; says why.
            DatasetError: it is a conversation and the model has no chat template.
        """
        row = _parse(line)
        if isinstance(row.get("messages"), list):
            return self._conversation(number, row["messages"], row.get("tools"))
        if isinstance(row.get("prompt"), str) and isinstance(row.get("completion"), str):
            asked = {"role": "user", "content": row["prompt"]}
            answered = {"role": "assistant", "content": row["completion"]}
            return self._conversation(number, [asked, answered], row.get("tools"))
        if isinstance(row.get("text"), str):
            return self._text(number, row["text"])
        raise UnusableRow(_("it has neither messages, nor prompt and completion, nor text"))

    def _conversation(self, number: int, messages: list[Any], tools: Any) -> Example:
        if not getattr(self._tokenizer, "has_chat_template", False):
            raise DatasetError(
                _("the data are conversations, but this model has no chat template"),
                advice=_("Choose an instruction-tuned model (its name usually has Instruct or Chat in it)."),
            )
        if not messages or not all(isinstance(turn, dict) and isinstance(turn.get("role"), str) for turn in messages):
            raise UnusableRow(_("its messages are not a list of turns with a role"))
        try:
            tokens = self._template.render(messages, tools)
        except Exception as error:  # a template is a program and may raise anything
            reason = one_line(str(error), 120)
            raise UnusableRow(_("the model's chat template refuses it: {reason}", reason=reason)) from error
        if not self._mask_prompt:
            return self._example(number, tokens, [(0, len(tokens))])
        spans = answer_spans(self._template, messages, tools, tokens)
        if not spans:
            raise UnusableRow(_("it has no answer of the assistant"))
        found = [span for span in spans if span is not None]
        if not found:
            raise UnusableRow(_("its answers cannot be told from the questions in this model's chat template"))
        return self._example(number, tokens, found, answers_missed=len(spans) - len(found))

    def _text(self, number: int, text: str) -> Example:
        if not text:
            raise UnusableRow(_("its text is empty"))
        tokens = list(self._tokenizer.encode(text))
        if tokens and tokens[-1] != self._tokenizer.eos_token_id:
            tokens.append(self._tokenizer.eos_token_id)
        return self._example(number, tokens, [(0, len(tokens))])

    def _example(
        self, number: int, tokens: list[int], spans: list[tuple[int, int]], *, answers_missed: int = 0
    ) -> Example:
        import numpy

        learned = numpy.zeros(len(tokens), dtype=numpy.bool_)
        for start, end in spans:
            learned[max(start, 1) : end] = True
        if not learned.any():
            raise UnusableRow(_("there is nothing in it to learn"))
        return Example(number, numpy.array(tokens, dtype=numpy.int32), learned, answers_missed=answers_missed)


def _parse(line: bytes) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except UnicodeDecodeError as error:
        raise UnusableRow(_("not UTF-8 text")) from error
    except (ValueError, RecursionError) as error:
        raise UnusableRow(_("not valid JSON")) from error
    if not isinstance(row, dict):
        raise UnusableRow(_("it is not a JSON object"))
    if b"\\ud" in line.lower():  # JSON can write half of a pair, of which no tokenizer can make anything
        try:
            json.dumps(row, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise UnusableRow(_("a character in it is cut in half")) from error
    return row
