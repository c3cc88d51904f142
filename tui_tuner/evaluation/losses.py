"""How well a model foretells the held-out answers, row by row. Runs on the engine's thread."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui_tuner.evaluation.intervals import mean_interval
from tui_tuner.language import _
from tui_tuner.progress import Emit, Pace, StopToken

if TYPE_CHECKING:
    from tui_tuner.models.loading import LoadedModel


@dataclass(frozen=True)
class Loss:
    """One model's loss on a file.

    Attributes:
        file: the file's name.
        rows: by the row's line, its mean loss and over how many learned tokens; without those that have no finite loss.
    """

    file: str
    rows: Mapping[int, tuple[float, int]]

    @property
    def tokens(self) -> int:
        """Learned tokens in all."""
        return sum(tokens for _loss, tokens in self.rows.values())

    @property
    def mean(self) -> float:
        """The mean over all learned tokens, as in training; NaN without any."""
        return math.fsum(loss * n for loss, n in self.rows.values()) / self.tokens if self.tokens else math.nan

    @property
    def perplexity(self) -> float:
        """Among how many tokens the model hesitates on average."""
        return math.exp(min(self.mean, 700.0))  # beyond, no float holds it

    def as_row(self) -> dict[str, Any]:
        """Plain JSON."""
        return {"file": self.file, "rows": [[line, loss, tokens] for line, (loss, tokens) in self.rows.items()]}

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Loss:
        """What `as_row` gave.

        Raises:
            ValueError, TypeError, KeyError: it is not that.
        """
        return cls(str(row["file"]), {int(line): (float(loss), int(n)) for line, loss, n in row["rows"]})


@dataclass(frozen=True)
class LossPlan:
    """What to measure on, and how rows become tokens.

    Attributes:
        path: the file.
        max_seq_length: longest row, in tokens; the rest is cut off.
        mask_prompt: only the answers count.
    """

    path: Path
    max_seq_length: int
    mask_prompt: bool


def measure_loss(loaded: LoadedModel, plan: LossPlan, *, emit: Emit, stop: StopToken) -> Loss:
    """Measure the model on every row that can be used, one at a time, so that two models can be compared row by row.

    Raises:
        DatasetError: the rows are conversations and the model has no chat template.
        StorageError: the file cannot be read.
        Stopped: asked to.
    """
    from tui_tuner.training.batches import assemble
    from tui_tuner.training.examples import read_examples
    from tui_tuner.training.loss import PlainLoss

    longest, masked = plan.max_seq_length, plan.mask_prompt
    read = read_examples(plan.path, loaded.tokenizer, max_seq_length=longest, mask_prompt=masked, emit=emit, stop=stop)
    examples = read.usable
    pace = Pace(_("Measure the loss"), len(examples), _("examples"), emit)
    rows: dict[int, tuple[float, int]] = {}
    for example in examples:
        stop.check()
        batch = assemble([example])
        loss = PlainLoss().value(loaded.model, batch)
        if math.isfinite(loss):
            rows[example.line] = (loss, batch.supervised)
        pace.advance()
    pace.finish()
    return Loss(plan.path.name, rows)


def fall_of_loss(before: Loss, after: Loss) -> tuple[float, tuple[float, float]]:
    """By how much the loss is lower, over the rows both have, and the interval of that by how rows differ."""
    lines = [line for line in before.rows if line in after.rows]
    tokens = sum(before.rows[line][1] for line in lines)
    if not tokens:
        return 0.0, (-math.inf, math.inf)
    usual = tokens / len(lines)
    falls = [(before.rows[line][0] - after.rows[line][0]) * before.rows[line][1] / usual for line in lines]
    return math.fsum(falls) / len(falls), mean_interval(falls)
