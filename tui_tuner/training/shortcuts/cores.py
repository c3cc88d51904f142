"""Rows side by side on a CPU, one core each.

MLX computes on a CPU one operation after the other, and only products use more than one core. It has streams, though,
and what is on different streams is computed at the same time: here each core gets a stream with rows of its own, and
each product stays on one core. How the rows are divided follows from their lengths alone, so the result is the same to
the bit each time.

One thread builds and evaluates all of it. Several threads that evaluate at once are no way to the same: MLX 0.32 has
crashed with them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

import mlx.core as mx

from tui_tuner.models.blas import products_on_one_core
from tui_tuner.training.batches import Batch, assemble
from tui_tuner.training.dividing import divided

Part = TypeVar("Part")
Result = TypeVar("Result")

_here = threading.local()


class Cores:
    """Streams that compute side by side; the first is the one that is in use anyway.

    Args:
        count: how many, at least one.
    """

    def __init__(self, count: int) -> None:
        self.count = count

    def run(self, build: Callable[[Part], Result], parts: Sequence[Part]) -> list[Result]:
        """What `build` makes of each of at most `count` parts, all evaluated at the same time.

        Args:
            build: from a part to an array or a tree of arrays, not evaluated.
            parts: one for each core.

        Returns:
            The results in the order of the parts.
        """
        results = []
        for stream, part in zip(_streams(self.count), parts, strict=False):
            with mx.stream(stream):
                results.append(build(part))
        with products_on_one_core():
            mx.eval(results)
        return results


def _streams(count: int) -> list[mx.Stream]:
    """Those of this thread: a stream belongs to one, and lasts as long as the process."""
    others: list[mx.Stream] = _here.__dict__.setdefault("streams", [])
    while len(others) < count - 1:
        others.append(mx.new_stream(mx.Device(mx.cpu)))
    return [mx.default_stream(mx.Device(mx.cpu)), *others[: count - 1]]


def rounds_of(batch: Batch, cores: int) -> list[list[Batch]]:
    """The rows of `batch` in parts, and of these always as many together as there are cores."""
    if not batch.examples:
        return [[batch]]
    rounds = divided(batch.examples, cores, lambda example: example.length - 1)
    return [[assemble(part) for part in parts] for parts in rounds]
