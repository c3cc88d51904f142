"""Whether an example fits the sequence length: in the base model's own tokens where the model is on this machine.

An example that is a little too long is cut by training and still learned from. One of which nothing learned is within
the sequence length teaches nothing, and training refuses it; here it is set aside before that.
"""

from __future__ import annotations

import contextlib
import json
import random
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from tui_tuner.dataset.checks import Objection
from tui_tuner.dataset.examples import Example
from tui_tuner.dataset.formats import UnwritableExample, Write
from tui_tuner.dataset.gathering import SetAside
from tui_tuner.dataset.plan import DatasetPlan
from tui_tuner.dataset.review import Decision, identity
from tui_tuner.dataset.word_tokens import WordTokens, most_bytes, open_word_tokens
from tui_tuner.errors import ModelError
from tui_tuner.language import _, ngettext
from tui_tuner.models.base_model import find_tokenizer_folder
from tui_tuner.models.loading import load_tokenizer
from tui_tuner.models.prompts import Message
from tui_tuner.progress import Emit, Notice, Pace, StopToken, ignore_event
from tui_tuner.training.examples import Encoder, UnusableRow

LOOK_EVERY = 64  # examples between two looks at the stop token
MOST_MEASURED = 1000  # examples: a second or so
# What a tokenizer may add of its own to a text: a beginning, a space before each turn.
ADDED_TOKENS, ADDED_PER_TURN = 16, 4


@dataclass(frozen=True)
class TokenFigures:
    """The examples to learn from, in the base model's tokens, as training cuts them.

    Attributes:
        measured: how many examples were looked at; where that is not all, the sums are estimates.
        tokens: in one pass.
        learned: of them learned.
        median: tokens of an example.
        longest: tokens of the longest one looked at.
    """

    measured: int
    tokens: int
    learned: int
    median: int
    longest: int


class LengthCheck(Protocol):
    """Says which examples are too long.

    Attributes:
        in_tokens: whether it counts tokens, and so knows which examples are cut.
        cut: the `identity` of each example so far whose end will not be trained on.
    """

    in_tokens: bool
    cut: set[str]

    def objection(self, example: Example) -> Objection | None:
        """Why nothing can be learned of `example`; None where something can."""
        ...


class InWords:
    """Without a tokenizer: a token is never longer than a word, so more words than tokens are too many in any case."""

    in_tokens = False

    def __init__(self, max_seq_length: int) -> None:
        self.cut: set[str] = set()
        self._most = max_seq_length

    def objection(self, example: Example) -> Objection | None:
        """Why `example` is too long in any case; None where it may fit."""
        words = sum(len(message["content"].split()) for message in example.messages)
        if words <= self._most:
            return None
        text = ngettext(
            "its {words:,} word is more than the {most:,} tokens of the sequence length",
            "its {words:,} words are more than the {most:,} tokens of the sequence length",
            words,
            words=words,
            most=self._most,
        )
        return Objection("too_long", text)


class InTokens:
    """With the base model's tokenizer and training's own encoder.

    Args:
        tokenizer: mlx-lm's wrapper, with a chat template.
        max_seq_length: longest example, in tokens.
        mask_prompt: whether the answers alone are learned.
        write: how an example is written into the training files, which is what training reads.
    """

    in_tokens = True

    def __init__(
        self, tokenizer: Any, max_seq_length: int, *, mask_prompt: bool, write: Write = Example.as_row
    ) -> None:
        self.cut: set[str] = set()
        self._tokenizer, self._write = tokenizer, write
        self._most = max_seq_length
        self._encoder = Encoder(tokenizer, max_seq_length=max_seq_length, mask_prompt=mask_prompt)
        self._frames: dict[tuple[str, ...], int | None] = {}

    def objection(self, example: Example) -> Objection | None:
        """Why training would refuse `example`; None where it learns from it. Notes those that are cut."""
        if self._fits_for_certain(example):
            return None
        try:
            whole = self._encoder.whole(0, self._line(example))
        except UnwritableExample:
            return None  # left out where the files are written, with its own reason
        except UnusableRow as unusable:
            return Objection("template", str(unusable))
        try:
            if whole.within(self._most).cut:
                self.cut.add(identity(example))
        except UnusableRow as unusable:
            return Objection("too_long", str(unusable))
        return None

    def figures(self, examples: Sequence[Example], seed: int) -> TokenFigures:
        """What examples come to in a training file, measured on at most `MOST_MEASURED` of them."""
        measured = random.Random(seed).sample(examples, min(len(examples), MOST_MEASURED))
        lengths, learned = [], 0
        for one in measured:
            with contextlib.suppress(UnusableRow, UnwritableExample):
                example = self._encoder.encode(0, self._line(one))
                lengths.append(example.length)
                learned += example.supervised
        scale = len(examples) / max(len(measured), 1)
        return TokenFigures(
            measured=len(measured),
            tokens=round(sum(lengths) * scale),
            learned=round(learned * scale),
            median=round(statistics.median(lengths)) if lengths else 0,
            longest=max(lengths, default=0),
        )

    def _fits_for_certain(self, example: Example) -> bool:
        """Whether it need not be tokenized: its bytes, or else the tokens of its words, are few enough."""
        roles = tuple(message["role"] for message in example.messages)
        if roles not in self._frames:
            self._frames[roles] = self._frame(example)
        frame = self._frames[roles]
        if frame is None:
            return False
        texts, room = [message["content"] for message in example.messages], self._most - frame
        if sum(map(most_bytes, texts)) <= room:
            return True
        most = self._words.most(texts, room) if self._words else None
        return most is not None and most <= room

    @cached_property
    def _words(self) -> WordTokens | None:
        return open_word_tokens(self._tokenizer)

    def _frame(self, example: Example) -> int | None:
        """How many tokens the template puts around turns of these roles, at most; None where it refuses them."""
        bare = Example(tuple(Message(role=message["role"], content="x") for message in example.messages), "")
        try:
            tokens = self._encoder.whole(0, self._line(bare)).length
        except (UnusableRow, UnwritableExample):
            return None
        return 2 * tokens + ADDED_TOKENS + ADDED_PER_TURN * len(example.messages)

    def _line(self, example: Example) -> bytes:
        return json.dumps(self._write(example)).encode()


def open_length_check(plan: DatasetPlan, emit: Emit, write: Write = Example.as_row) -> LengthCheck:
    """A check in tokens where the base model of `plan` is on this machine; otherwise one in words, and it is said.

    Args:
        plan: the base model and the sequence length.
        emit: hears why there are no tokens.
        write: how an example is written into the training files.
    """
    in_words = InWords(plan.max_seq_length)
    if plan.base_model is None:
        return in_words
    folder = find_tokenizer_folder(plan.base_model)
    if folder is None:
        why = _("the base model {name} is not on this machine", name=plan.base_model.name)
    else:
        try:
            tokenizer = load_tokenizer(folder, trust_remote_code=plan.base_model.trust_remote_code)
        except ModelError as error:
            why = error.what
        else:
            if getattr(tokenizer, "has_chat_template", False):
                return InTokens(tokenizer, plan.max_seq_length, mask_prompt=plan.mask_prompt, write=write)
            why = _("the base model has no chat template")
    emit(Notice(_("Lengths are checked in words, not in tokens: {why}.", why=why)))
    return in_words


def divide(
    check: LengthCheck,
    groups: Sequence[Sequence[Example]],
    decisions: Mapping[str, Decision],
    *,
    emit: Emit,
    stop: StopToken,
) -> tuple[list[list[Example]], list[SetAside]]:
    """Those of each group that fit, in their order, and those that do not. What a person decided on is not looked at.

    Raises:
        Stopped: asked to.
    """
    # Counting words takes no time worth a word.
    pace = Pace(_("Lengths"), sum(map(len, groups)), _("examples"), emit if check.in_tokens else ignore_event)
    fitting: list[list[Example]] = []
    aside: list[SetAside] = []
    looked = 0
    for group in groups:
        fitting.append([])
        for example in group:
            if looked % LOOK_EVERY == 0:
                stop.check()
                pace.reach(looked)
            looked += 1
            decided = bool(decisions) and identity(example) in decisions
            kept, found = (example, None) if decided else _fitting(check, example)
            if found is None:
                fitting[-1].append(kept)
            else:
                aside.append(SetAside(example, found))
    pace.reach(looked)
    pace.finish()
    return fitting, aside


def _fitting(check: LengthCheck, example: Example) -> tuple[Example, Objection | None]:
    """The example without those last follow-ups that would be cut, and why even the rest is too long.

    What a person took back stays, if only what comes before all follow-ups is short enough.
    """
    found = check.objection(example)
    while found is not None or identity(example) in check.cut:
        shorter = example.without_last_follow_up()
        if shorter is None:
            break
        check.cut.discard(identity(example))
        example = shorter
        found = check.objection(example)
    if found is not None and example.by_hand:
        found = check.objection(example.without_taken_back())
    return example, found


def kept_anyway(
    check: LengthCheck, seeds: Sequence[Example], groups: Sequence[Sequence[Example]], decisions: Mapping[str, Decision]
) -> int:
    """How many that a person wrote or accepted stay in the dataset although nothing can be learned of them."""
    by_hand = list(seeds)
    for example in (one for group in groups for one in group) if decisions else ():
        decision = decisions.get(identity(example))
        if decision is not None and decision.verdict != "reject":
            by_hand.append(decision.edited or example)
    return sum(check.objection(example) is not None for example in by_hand)
