"""When memory runs short a run goes on with less at a time, instead of ending.

What MLX could not compute is computed again with half as many rows at once. How many rows that is belongs to the run's
progress, so that a resumed run does what an uninterrupted one would have done.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from tui_tuner.environment.display import tells_of_the_watchdog, watchdog_advice
from tui_tuner.errors import TrainingError
from tui_tuner.language import _
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Emit, Notice
from tui_tuner.training.checkpoint import Progress
from tui_tuner.training.events import MicroBatchHalved
from tui_tuner.training.random_key import random_key, set_random_key

log = logging.getLogger(__name__)

Result = TypeVar("Result")

# In what MLX says when memory is not to be had: its allocators' own words, Metal's, CUDA's, and the C++ library's.
NO_MEMORY = (
    "unable to allocate",
    "attempting to allocate",
    "resource limit",
    "insufficient memory",
    "outofmemory",
    "out of memory",
    "bad_alloc",
)


def tells_of_memory(error: BaseException) -> bool:
    """Whether `error`, raised by MLX, means that memory was not to be had."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(words in text for words in NO_MEMORY)


class MemoryGuard:
    """Decides how many rows are computed at once.

    Args:
        run: the run's name.
        progress: holds what is decided.
        batch_size: the rows of a batch.
        danger: why memory is dangerously short; empty where it is not.
        keep: puts everything on the disk as it stands.
        tell: hears of every change.
    """

    def __init__(
        self,
        run: str,
        progress: Progress,
        batch_size: int,
        danger: Callable[[], str],
        keep: Callable[[], None],
        tell: Emit,
    ) -> None:
        self._run, self._progress, self._batch_size = run, progress, batch_size
        self._danger, self._keep, self._tell = danger, keep, tell
        self._warned = False

    @property
    def micro_batch(self) -> int:
        """Rows computed at once."""
        return self._progress.micro_batch or self._batch_size

    def halve(self, reason: str) -> bool:
        """Compute half as many rows at once from now on, with everything on the disk; False where one is the least."""
        before = self.micro_batch
        if before == 1:
            return False
        after = self._progress.micro_batch = (before + 1) // 2
        self._tell(MicroBatchHalved(self._progress.iteration, after, before, reason, time.time()))
        self._keep()
        return True

    def look(self) -> None:
        """Compute less at once where memory is about to run out; where that cannot be, keep everything, and say so."""
        reason = self._danger()
        if not reason or self.halve(reason) or self._warned:
            return
        self._warned = True
        self._keep()
        advice = _("{reason}, and rows are computed one by one already: close other programs", reason=reason)
        self._tell(Notice(advice, "warning"))

    def retrying(self, what: str, compute: Callable[[int], Result]) -> Result:
        """The result of `compute`, which takes the number of rows at once; tried with half as many as often as it goes.

        The random numbers of a new attempt are those of the first. `compute` must not have changed any weight when it
        fails.

        Args:
            what: is computed, for a message: "step 7".
            compute: does it.

        Raises:
            TrainingError: MLX cannot do it, and fewer rows would not help.
        """
        key = random_key()
        while True:
            try:
                return compute(self.micro_batch)
            except (RuntimeError, MemoryError) as error:
                log.warning("%s, %s rows at once: %r", what, self.micro_batch, error)
                reason, text = _reason(error, what), one_line(str(error), 200)
            # Only here, where the error is gone and with it all it held on to, is its memory free. The random numbers
            # that were to be drawn in a batch that failed may be anything now.
            set_random_key(key)
            advice = _advice(text)
            if not reason or not self.halve(reason):
                raise TrainingError(
                    _("MLX could not compute {what}: {error}", what=what, error=text), where=self._run, advice=advice
                )
            if tells_of_the_watchdog(text):
                self._tell(Notice(advice, "warning"))


def _reason(error: BaseException, what: str) -> str:
    """Why fewer rows at once may help, the beginning of a sentence; empty where they would not."""
    if tells_of_memory(error):
        return _("MLX ran out of memory in {what}", what=what)
    return _("macOS stopped the GPU in {what}", what=what) if tells_of_the_watchdog(str(error)) else ""


def _advice(error: str) -> str:
    if tells_of_the_watchdog(error):
        return watchdog_advice()
    return _("If memory ran out, start a new run with a smaller batch_size, max_seq_length or num_layers.")
