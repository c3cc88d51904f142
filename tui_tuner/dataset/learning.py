"""What a model would learn from the training files: every row in tokens, counted as training counts them.

The rows go through training's own `Encoder`, so that what is shown is what is trained.
"""

from __future__ import annotations

import json
import math
import statistics
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tui_tuner.choices import TrainingChoice
from tui_tuner.dataset.examples import Example as Conversation
from tui_tuner.dataset.formats import UnwritableExample, open_format
from tui_tuner.dataset.plan import TEST, TRAIN, VALID, DatasetPlan
from tui_tuner.dataset.token_view import ExampleShown, show_example
from tui_tuner.errors import DatasetError
from tui_tuner.language import _
from tui_tuner.models.loading import load_tokenizer
from tui_tuner.progress import Emit, Event, StopToken
from tui_tuner.project import Project
from tui_tuner.training.batches import batches_per_epoch
from tui_tuner.training.examples import Encoder, Example, Refused, UnusableRow, prepared_rows, read_lines

PARTS = {"train": TRAIN, "valid": VALID, "test": TEST}
LENGTHS = (256, 512, 1024, 2048, 4096)  # sequence lengths it is worth to compare
SECONDS_BETWEEN_NEWS = 0.1
USUAL_SHARE = 0.97  # of the examples; those beyond may be far longer


@dataclass(frozen=True)
class LearningPlan:
    """Whose tokens are counted, and how.

    Attributes:
        data: the folder of the training files.
        model: the base model's folder.
        choice: how it will be trained.
        trust_remote_code: whether code that comes with the model may run.
    """

    data: Path
    model: Path
    choice: TrainingChoice
    trust_remote_code: bool = False

    @property
    def lengths(self) -> tuple[int, ...]:
        """The sequence lengths that are compared, the chosen one among them."""
        return tuple(sorted({*LENGTHS, self.choice.max_seq_length}))


def plan_learning(project: Project, model: Path, *, files_required: bool = True) -> LearningPlan:
    """Plan to look at the training files of `project` with the tokenizer of the base model in `model`.

    Raises:
        DatasetError: there are no training files and they are required.
    """
    if files_required and not project.has_dataset():
        raise DatasetError(
            _("there is no dataset to learn from (no train.jsonl)"),
            where=str(project.data),
            advice=_("Make one in the Dataset step, or with: tuner data"),
        )
    return LearningPlan(
        project.data, model, project.choices.training, trust_remote_code=project.choices.model.trust_remote_code
    )


def row_of(project: Project, example: Conversation) -> bytes:
    """The line of `example` in a training file of the chosen format; as a conversation where it has no such form.

    Raises:
        DatasetError: the format needs a base model that is not on this machine.
    """
    write = open_format(DatasetPlan(project.data, project.choices.dataset, base_model=project.choices.model))
    try:
        row = write(example)
    except UnwritableExample:
        row = example.as_row()
    return json.dumps(row, ensure_ascii=False).encode()


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
class RowsMeasured(Event):
    """More rows of a part, in the order of its file."""

    part: str
    rows: tuple[RowTokens, ...]


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
        return _("{iters:,} steps see {share:.0%} of them once", iters=iters, share=totals.epochs)
    return _("{iters:,} steps see each {epochs:.1f} times", iters=iters, epochs=totals.epochs)


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


class Learning:
    """The training files of a plan as the model gets them. May be asked from several threads.

    Reads the files and the tokenizer at once.

    Args:
        plan: whose, and how.

    Raises:
        ModelError: the tokenizer cannot be read.
        StorageError: a file cannot be read.
    """

    def __init__(self, plan: LearningPlan) -> None:
        self.plan = plan
        choice = plan.choice
        self._lines = {part: read_lines(plan.data / name) or [] for part, name in PARTS.items()}
        self._tokenizer = load_tokenizer(plan.model, trust_remote_code=plan.trust_remote_code)
        self._encoder = Encoder(self._tokenizer, max_seq_length=choice.max_seq_length, mask_prompt=choice.mask_prompt)
        self._turn = threading.Lock()  # a tokenizer does one thing at a time

    @property
    def parts(self) -> tuple[str, ...]:
        """Those that have rows."""
        return tuple(part for part, lines in self._lines.items() if lines)

    def rows(self, part: str) -> int:
        """How many rows a part has."""
        return len(self._lines[part])

    def place_of(self, row: bytes) -> tuple[str, int] | None:
        """In which part, and at which place from 0, a row stands exactly so; None where it stands nowhere."""
        for part, lines in self._lines.items():
            for place, (_number, line) in enumerate(lines):
                if line == row:
                    return part, place
        return None

    def example(self, part: str, place: int) -> ExampleShown:
        """The row at `place`, from 0, of a part.

        Raises:
            DatasetError: it is a conversation and the model has no chat template.
        """
        return self._shown(self._lines[part][place], part, place + 1)

    def alone(self, row: bytes) -> ExampleShown:
        """A row that is in no training file; its part is empty and its number 0.

        Raises:
            DatasetError: it is a conversation and the model has no chat template.
        """
        return self._shown((0, row), "", 0)

    def _shown(self, line: tuple[int, bytes], part: str, number: int) -> ExampleShown:
        longest = self.plan.choice.max_seq_length
        with self._turn:
            return show_example(self._encoder, self._tokenizer, line, part=part, number=number, max_seq_length=longest)

    def measure(self, part: str, *, emit: Emit, stop: StopToken) -> PartTotals:
        """Count the tokens of every row of a part.

        Emits `StageProgress` and `RowsMeasured`.

        Raises:
            DatasetError: the rows are conversations and the model has no chat template.
            Stopped: asked to.
        """
        count = PartCount(part, self.plan)
        waiting: list[RowTokens] = []
        told = time.monotonic()

        def tell() -> None:
            count.take(waiting)
            emit(RowsMeasured(part, tuple(waiting)))
            waiting.clear()

        for row in prepared_rows(PARTS[part], self._lines[part], self._whole, emit=emit, stop=stop):
            waiting.append(self._measured(row))
            if time.monotonic() - told > SECONDS_BETWEEN_NEWS:
                tell()
                told = time.monotonic()
        tell()
        return count.totals()

    def _whole(self, number: int, line: bytes) -> Example:
        with self._turn:
            return self._encoder.whole(number, line)

    def _measured(self, row: Example | Refused) -> RowTokens:
        if isinstance(row, Refused):
            return RowTokens(row.line, 0, (0,) * len(self.plan.lengths), row.reason)
        refused = ""
        learned = []
        for length in self.plan.lengths:
            try:
                learned.append(row.within(length).supervised)
            except UnusableRow as unusable:
                learned.append(0)
                if length == self.plan.choice.max_seq_length:
                    refused = str(unusable)
        return RowTokens(row.line, row.length, tuple(learned), refused)
