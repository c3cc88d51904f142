"""The machines' parts of a batch, and the ways to compute loss and gradient of all of it together."""

from __future__ import annotations

import random
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tui_tuner.errors import TrainingError
from tui_tuner.language import _
from tui_tuner.plain_text import one_line
from tui_tuner.training.batches import Batch, assemble
from tui_tuner.training.examples import Example
from tui_tuner.training.loop import GradientOfBatch
from tui_tuner.training.loss import BatchLoss
from tui_tuner.training.machines.group import END, MEASURE, STEP, Group
from tui_tuner.training.memory_guard import tells_of_memory

if TYPE_CHECKING:
    import mlx.core as mx


def fingerprint(examples: Sequence[Example], plan_text: str) -> int:
    """What has to be the same on all machines, as one number below 2**31: every row, in order, and the plan."""
    found = zlib.crc32(plan_text.encode())
    for example in examples:
        found = zlib.crc32(example.learned.tobytes(), zlib.crc32(example.tokens.tobytes(), found))
    return found & 0x7FFF_FFFF


class Parts:
    """Tells the machines' parts of a batch apart: each takes one row in so many, so that they take equally long.

    Args:
        group: the machines.
        examples: all rows there are, the same on every machine.
        batch_size: the most rows a batch has.
    """

    def __init__(self, group: Group, examples: Sequence[Example], batch_size: int) -> None:
        self.group, self.room = group, batch_size
        self._examples = list(examples)
        self._places = {id(example): place for place, example in enumerate(self._examples)}

    def knows(self, batch: Batch) -> bool:
        """Whether the rows of `batch` are among those of all machines."""
        return all(id(example) in self._places for example in batch.examples)

    def order(self, kind: int, batch: Batch) -> Batch | None:
        """Have the others do their part of `batch`; this machine's own one, None where it has none."""
        rows = [self._places[id(example)] for example in batch.examples]
        self.group.tell(kind, rows, self.room)
        return self.own(rows)

    def end(self) -> None:
        """Let the others go."""
        self.group.tell(END, (), self.room)

    def own(self, rows: Sequence[int]) -> Batch | None:
        """This machine's part of the batch of `rows`."""
        mine = rows[self.group.rank :: self.group.size]
        return assemble([self._examples[row] for row in mine]) if mine else None


class SharedGradient:
    """Loss and gradient of a batch, computed together with the other machines.

    Args:
        model: with its adapter.
        own: how this machine computes its part.
        parts: who has which part.
    """

    def __init__(self, model: Any, own: GradientOfBatch, parts: Parts) -> None:
        self._model, self._own, self._parts = model, own, parts

    def __call__(self, batch: Batch, micro_batch: int | None = None) -> tuple[Any, Any]:
        """The mean loss over the batch's learned tokens, a scalar, and the gradient, a tree; both evaluated.

        Raises:
            MachineLost: one of the machines is gone.
            TrainingError: this one cannot compute its part.
        """
        return self.together(self._parts.order(STEP, batch), micro_batch)

    def together(self, part: Batch | None, micro_batch: int | None = None) -> tuple[Any, Any]:
        """The same for the batch of which `part` is this machine's."""
        if part is None:
            import mlx.core as mx
            from mlx.utils import tree_map

            nothing = tree_map(mx.zeros_like, self._model.trainable_parameters())
            return self._parts.group.mean(mx.array(0.0), nothing, 0)
        return self._parts.group.mean(*self._evaluated(part, micro_batch or len(part.examples)), part.supervised)

    def _evaluated(self, part: Batch, at_once: int) -> tuple[Any, Any]:
        """This machine's part, with fewer rows at once where memory runs out: the others are waiting for it."""
        import mlx.core as mx

        while True:
            try:
                loss, gradient = self._own(part, at_once)
                mx.eval(loss, gradient)
                return loss, gradient
            except (RuntimeError, MemoryError) as error:
                if at_once == 1 or not tells_of_memory(error):
                    raise _cannot(error) from error
            at_once = (at_once + 1) // 2


def _cannot(error: BaseException) -> TrainingError:
    return TrainingError(
        _("MLX could not compute its part of a batch: {error}", error=one_line(str(error), 200)),
        advice=_("If memory ran out, start a new run with a smaller batch_size, max_seq_length or num_layers."),
    )


class SharedLoss:
    """Measures a batch together with the other machines; one of rows they do not have, alone.

    Args:
        loss: how this machine computes its part.
        parts: who has which part.
    """

    def __init__(self, loss: BatchLoss, parts: Parts) -> None:
        self._loss, self._parts = loss, parts

    def value(self, model: Any, batch: Batch) -> float:
        """The mean loss over the batch's learned tokens."""
        if not self._parts.knows(batch):
            return self._loss.value(model, batch)
        return self.together(model, self._parts.order(MEASURE, batch))

    def gradient(self, model: Any, batch: Batch) -> tuple[mx.array, Any]:
        """This machine's alone: `SharedGradient` is what they compute together."""
        return self._loss.gradient(model, batch)

    def close(self) -> None:
        """Give back what this machine holds."""
        self._loss.close()

    def together(self, model: Any, part: Batch | None) -> float:
        """The mean loss of the whole batch of which `part` is this machine's."""
        import mlx.core as mx

        total, tokens = 0.0, 0
        if part is not None:
            try:
                total, tokens = self._loss.value(model, part) * part.supervised, part.supervised
            except (RuntimeError, MemoryError) as error:
                raise _cannot(error) from error
        both: Any = self._parts.group.sum(mx.array([total, float(tokens)]))
        return float((both[0] / both[1]).item())


def reseed(seed: int, rank: int, step: int) -> None:
    """Give a following machine random numbers of its own, the same ones however often the run was resumed."""
    import mlx.core as mx

    mx.random.seed(random.Random(f"{seed}/{rank}/{step}").getrandbits(63))
