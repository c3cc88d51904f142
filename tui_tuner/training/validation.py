"""The loss over all held-out rows, always the same rows in the same order."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tui_tuner.language import _
from tui_tuner.progress import Emit, Pace
from tui_tuner.training.batches import assemble, fixed_order
from tui_tuner.training.examples import Example
from tui_tuner.training.loss import BatchLoss


@dataclass(frozen=True)
class HeldOutLoss:
    """The mean over all learned tokens of the held-out rows; NaN where no batch gave a finite loss.

    Attributes:
        loss: the mean.
        seconds: spent computing, pauses not counted.
        spoilt: lines of the rows whose batch gave no finite loss and was left out.
    """

    loss: float
    seconds: float
    spoilt: tuple[int, ...]


def held_out_loss(
    model: Any,
    loss: BatchLoss,
    examples: Sequence[Example],
    batch_size: int,
    *,
    emit: Emit,
    check: Callable[[], None],
    clock: Callable[[], float],
) -> HeldOutLoss:
    """Measure `model` on `examples` with dropout off; the model is left in training mode.

    Args:
        model: what is measured.
        loss: how.
        examples: on what.
        batch_size: rows computed at once.
        emit: hears how far it is.
        check: called before each batch; may wait.
        clock: seconds of running.

    Raises:
        Stopped: by `check`; nothing has changed.
    """
    order = fixed_order([example.length for example in examples], batch_size)
    pace = Pace(_("Measuring held-out examples"), len(order), _("batches"), emit, clock=clock)
    total, tokens, seconds = 0.0, 0, 0.0
    spoilt: list[int] = []
    model.eval()
    try:
        for rows in order:
            check()
            began = clock()
            batch = assemble([examples[row] for row in rows])
            mean = loss.value(model, batch)
            seconds += clock() - began
            if math.isfinite(mean):
                total += mean * batch.supervised
                tokens += batch.supervised
            else:
                spoilt += batch.lines
            pace.advance()
    finally:
        model.train()
    pace.finish()
    return HeldOutLoss(total / tokens if tokens else math.nan, seconds, tuple(sorted(spoilt)))
