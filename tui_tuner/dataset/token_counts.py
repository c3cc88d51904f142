"""The rows of a training file in numbers: their tokens, what is learned of them, and what each sequence length cuts."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass

from tui_tuner.dataset.learning_plan import LearningPlan
from tui_tuner.language import ngettext
from tui_tuner.progress import Event
from tui_tuner.training.batches import batches_per_epoch

USUAL_SHARE = 0.97  # of the examples; those beyond may be far longer


@dataclass(frozen=True)
class RowTokens:
    """One row in numbers.

    Attributes:
        line: its line in the file.
        tokens: of the whole row; 0 where it gives none.
        learned: how many of them are learned at each of the plan's `lengths`; 0 where it cannot be trained on.
        refused: why it is not trained on at the chosen length; empty where it is.
    """

    line: int
    tokens: int
    learned: tuple[int, ...]
    refused: str = ""


@dataclass(frozen=True)
class AtLength:
    """What a sequence length would make of a part.

    Attributes:
        length: the sequence length.
        cut: examples whose end is not trained on.
        refused: rows that cannot be trained on.
        tokens: in one pass.
        learned: of them learned.
    """

    length: int
    cut: int
    refused: int
    tokens: int
    learned: int


@dataclass(frozen=True)
class LengthRange:
    """How many examples have from `first` to `last` tokens."""

    first: int
    last: int
    examples: int


@dataclass(frozen=True)
class PartTotals(Event):
    """A part in numbers, at the chosen sequence length where nothing else is said.

    Attributes:
        part: `train`, `valid` or `test`.
        rows: in the file.
        examples: of them trained on.
        refused: of them not, by reason.
        cut: examples whose end is not trained on.
        tokens: in one pass.
        learned: of them learned.
        median: tokens of an example before anything is cut.
        longest: tokens of the longest one.
        sequence_length: the chosen one.
        lengths: the same for other sequence lengths.
        histogram: examples by length, before anything is cut.
        epochs: passes over the examples the chosen steps make.
    """

    part: str
    rows: int
    examples: int
    refused: dict[str, int]
    cut: int
    tokens: int
    learned: int
    median: int
    longest: int
    sequence_length: int
    lengths: tuple[AtLength, ...]
    histogram: tuple[LengthRange, ...]
    epochs: float


def passes(totals: PartTotals, iters: int) -> str:
    """How often the chosen steps go through a part, in words; empty where they do not."""
    if not totals.epochs:
        return ""
    if totals.epochs < 1:
        return ngettext(
            "{iters:,} step sees {share:.0%} of them once",
            "{iters:,} steps see {share:.0%} of them once",
            iters,
            iters=iters,
            share=totals.epochs,
        )
    return ngettext(
        "{iters:,} step sees each {epochs:.1f} times",
        "{iters:,} steps see each {epochs:.1f} times",
        iters,
        iters=iters,
        epochs=totals.epochs,
    )


class PartCount:
    """The rows of a part as far as they are known, and what they come to.

    Args:
        part: `train`, `valid` or `test`.
        plan: its sequence lengths and its steps.
    """

    def __init__(self, part: str, plan: LearningPlan) -> None:
        self.part, self._plan = part, plan
        self.rows: list[RowTokens] = []
        self._sums = [[0, 0, 0, 0] for _length in plan.lengths]  # cut, refused, tokens, learned
        self._refused: dict[str, int] = {}
        self._lengths: list[int] = []

    def take(self, rows: Iterable[RowTokens]) -> None:
        """Count more rows."""
        for row in rows:
            self.rows.append(row)
            if row.refused:
                self._refused[row.refused] = self._refused.get(row.refused, 0) + 1
            if row.tokens:
                self._lengths.append(row.tokens)
            for sums, length, learned in zip(self._sums, self._plan.lengths, row.learned, strict=True):
                if not learned:
                    sums[1] += 1
                    continue
                sums[0] += row.tokens > length
                sums[2] += min(row.tokens, length)
                sums[3] += learned

    def longest(self) -> list[int]:
        """The places of the rows, the one with the most tokens first."""
        return sorted(range(len(self.rows)), key=lambda place: -self.rows[place].tokens)

    def cut(self) -> list[int]:
        """The places of the examples whose end is not trained on."""
        most = self._plan.choice.max_seq_length
        return [place for place, row in enumerate(self.rows) if row.tokens > most and not row.refused]

    def refused(self) -> list[int]:
        """The places of the rows that are not trained on."""
        return [place for place, row in enumerate(self.rows) if row.refused]

    def totals(self, ranges: int = 8) -> PartTotals:
        """What they come to, with a histogram of about as many `ranges`."""
        choice, lengths = self._plan.choice, self._plan.lengths
        compared = tuple(AtLength(length, *sums) for length, sums in zip(lengths, self._sums, strict=True))
        chosen = compared[lengths.index(choice.max_seq_length)]
        examples = len(self.rows) - chosen.refused
        steps = batches_per_epoch(examples, choice.batch_size)
        return PartTotals(
            part=self.part,
            rows=len(self.rows),
            examples=examples,
            refused=dict(sorted(self._refused.items(), key=lambda item: -item[1])),
            cut=chosen.cut,
            tokens=chosen.tokens,
            learned=chosen.learned,
            median=round(statistics.median(self._lengths)) if self._lengths else 0,
            longest=max(self._lengths, default=0),
            sequence_length=choice.max_seq_length,
            lengths=compared,
            histogram=histogram(self._lengths, ranges),
            epochs=choice.iters / steps if steps and self.part == "train" else 0.0,
        )


def histogram(lengths: list[int], ranges: int) -> tuple[LengthRange, ...]:
    """How many of `lengths` are in each of at most `ranges` ranges from 0 on, whose width is a round number.

    A few that are much longer than all others share the last range, so that these are still told apart.
    """
    if not lengths:
        return ()
    ordered = sorted(lengths)
    longest, usual = ordered[-1], ordered[math.ceil(USUAL_SHARE * (len(ordered) - 1))]
    ends = usual if longest > 2 * usual else longest
    width = next(step for step in _round_numbers() if step * (ranges - 1) > ends)
    last = min(longest // width, ranges - 1)
    counts = [0] * (last + 1)
    for length in lengths:
        counts[min(length // width, last)] += 1
    tops = [(place + 1) * width - 1 for place in range(last + 1)]
    tops[-1] = max(tops[-1], longest)
    return tuple(
        LengthRange(place * width, top, examples)
        for place, (top, examples) in enumerate(zip(tops, counts, strict=True))
    )


def _round_numbers() -> Iterable[int]:
    power = 1
    while True:
        yield from (power, 2 * power, 3 * power, 4 * power, 5 * power)
        power *= 10
