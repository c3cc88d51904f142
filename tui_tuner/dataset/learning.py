"""What a model would learn from the training files: every row in tokens, counted as training counts them.

The rows go through training's own `Encoder`, so that what is shown is what is trained.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from tui_tuner.dataset.examples import Example as Conversation
from tui_tuner.dataset.formats import UnwritableExample, open_format
from tui_tuner.dataset.learning_plan import LearningPlan
from tui_tuner.dataset.plan import TEST, TRAIN, VALID, DatasetPlan
from tui_tuner.dataset.token_counts import PartCount, PartTotals, RowTokens
from tui_tuner.dataset.token_view import ExampleShown, show_example
from tui_tuner.models.loading import load_tokenizer
from tui_tuner.progress import Emit, Event, StopToken
from tui_tuner.project import Project
from tui_tuner.training.examples import Encoder, Example, Refused, UnusableRow, prepared_rows, read_lines

PARTS = {"train": TRAIN, "valid": VALID, "test": TEST}
SECONDS_BETWEEN_NEWS = 0.1


def row_writer(project: Project) -> Callable[[Conversation], bytes]:
    """Makes the line of an example in a training file of the chosen format; a conversation of one without such a form.

    Raises:
        DatasetError: the format needs a base model that is not on this machine.
    """
    write = open_format(DatasetPlan(project.data, project.choices.dataset, base_model=project.choices.model))

    def line(example: Conversation) -> bytes:
        try:
            row = write(example)
        except UnwritableExample:
            row = example.as_row()
        return json.dumps(row, ensure_ascii=False).encode()

    return line


@dataclass(frozen=True)
class RowsMeasured(Event):
    """More rows of a part, in the order of its file."""

    part: str
    rows: tuple[RowTokens, ...]


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
