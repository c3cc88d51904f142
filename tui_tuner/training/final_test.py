"""What the adapter that is kept is worth on rows that nothing was chosen by: measured once, when a run is finished."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

from tui_tuner.errors import Stopped
from tui_tuner.language import _
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Notice
from tui_tuner.training.adapter import ADAPTER
from tui_tuner.training.checkpoint import Progress
from tui_tuner.training.events import FinalTest
from tui_tuner.training.examples import Example
from tui_tuner.training.plan import TrainingPlan
from tui_tuner.training.pupil import Pupil
from tui_tuner.training.record import RunRecord
from tui_tuner.training.validation import held_out_loss

log = logging.getLogger(__name__)


def measure_test(
    plan: TrainingPlan,
    pupil: Pupil,
    rows: Sequence[Example],
    progress: Progress,
    record: RunRecord,
    *,
    check: Callable[[], None],
    clock: Callable[[], float],
) -> None:
    """Put the adapter that is kept into the model, the best one, and tell its loss on `rows`; nothing without rows.

    A test that cannot be computed is said and costs the run nothing: it is trained.

    Raises:
        Stopped: by `check`.
        StorageError: the result cannot be kept.
    """
    if not rows:
        return
    pupil.loss.close()  # what is kept of other rows is of no use any more, and of these no row comes twice
    try:
        _put_in(plan, pupil.model)
        batch_size = progress.micro_batch or plan.choice.batch_size
        measured = held_out_loss(pupil.model, pupil.loss, rows, batch_size, emit=record.tell, check=check, clock=clock)
    except Stopped:
        raise
    except Exception as error:  # whatever MLX raises when memory runs out
        log.warning("no test: %r", error)
        record.tell(Notice(_("no test loss: {error}", error=one_line(str(error), 200)), "warning"))
        return
    if not math.isfinite(measured.loss):
        record.tell(Notice(_("the model gives no finite loss on any row of test.jsonl"), "warning"))
        return
    spoilt = set(measured.spoilt)
    counted = [row for row in rows if row.line not in spoilt]
    tokens = sum(row.supervised for row in counted)
    step = progress.iteration if progress.best_iteration is None else progress.best_iteration
    record.tell(FinalTest(step, measured.loss, perplexity(measured.loss), len(counted), tokens, time.time()))


def _put_in(plan: TrainingPlan, model: Any) -> None:
    import mlx.core as mx

    weights: Any = mx.load(str(plan.run / ADAPTER))
    model.load_weights(list(weights.items()), strict=False)


def perplexity(loss: float) -> float:
    """Among how many tokens the model hesitates on average: e to the loss."""
    return math.exp(min(loss, 700.0))  # beyond, no float holds it
