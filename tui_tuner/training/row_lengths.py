"""How long the rows of a training file are in tokens, and which of them are learned, for any sequence length."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui_tuner.progress import Emit, StopToken
from tui_tuner.training.effort import Row
from tui_tuner.training.examples import Encoder, Example, prepared_rows, read_lines

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

ANY_LENGTH = 1 << 30


@dataclass(frozen=True)
class MeasuredRow:
    """One row, whole.

    Attributes:
        length: its tokens.
        learned: the places of its learned tokens, ascending, shape (supervised,), int32.
    """

    length: int
    learned: NDArray[numpy.int32]

    def within(self, longest: int) -> Row | None:
        """As it is trained on when no more than its first `longest` tokens are; None where nothing is then learned."""
        supervised = int(self.learned.searchsorted(longest))
        return Row(min(self.length, longest), supervised) if supervised else None


def measured(example: Example) -> MeasuredRow:
    """The row of an example that was not cut."""
    import numpy

    return MeasuredRow(example.length, numpy.flatnonzero(example.learned).astype(numpy.int32))


def measure_rows(path: Path, tokenizer: Any, *, mask_prompt: bool, emit: Emit, stop: StopToken) -> list[MeasuredRow]:
    """Measure every row of `path` that can be used; a missing file has none.

    Raises:
        DatasetError: the rows are conversations and the model has no chat template.
        StorageError: the file cannot be read.
        Stopped: asked to.
    """
    encoder = Encoder(tokenizer, max_seq_length=ANY_LENGTH, mask_prompt=mask_prompt)
    lines = read_lines(path) or []
    rows = prepared_rows(path.name, lines, encoder.whole, emit=emit, stop=stop)
    return [measured(row) for row in rows if isinstance(row, Example)]


def within(rows: Iterable[MeasuredRow], longest: int) -> list[Row]:
    """The rows as they are trained on when no more than their first `longest` tokens are."""
    cut = (row.within(longest) for row in rows)
    return [row for row in cut if row is not None]
