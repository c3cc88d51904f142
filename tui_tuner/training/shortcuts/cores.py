"""Rows side by side on a CPU, one core each.

MLX computes on a CPU one operation after the other, and only products use more than one core. Here several threads
compute at once, each with a stream of its own, and each product on one core. What they compute is divided by the rows
alone, so the result is the same to the bit each time.

The model is shared: only one thread at a time may build its graph, which takes a hundredth of computing it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import mlx.core as mx

from tui_tuner.models.blas import products_on_one_core
from tui_tuner.training.batches import Batch, assemble
from tui_tuner.training.dividing import divided

Share = TypeVar("Share")
Result = TypeVar("Result")


class Cores:
    """Threads that compute side by side; the calling one is the first.

    Args:
        count: how many, at least one.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._building = threading.Lock()
        self._others = [ThreadPoolExecutor(1, thread_name_prefix=f"core-{place}") for place in range(1, count)]

    def run(self, compute: Callable[[Share, threading.Lock], Result], shares: Sequence[Share]) -> list[Result]:
        """`compute` each of at most `count` shares on a thread of its own.

        Args:
            compute: evaluates what it returns; holds the lock while it uses the model, and only then.
            shares: what each thread has to do.

        Returns:
            The results in the order of the shares.

        Raises:
            Exception: the first share's that failed, when all have ended.
        """
        with products_on_one_core():
            futures = [
                thread.submit(compute, share, self._building)
                for thread, share in zip(self._others, shares[1:], strict=False)
            ]
            try:
                results = [compute(share, self._building) for share in shares[:1]]
            finally:
                for future in futures:
                    future.exception()  # waits
            return results + [future.result() for future in futures]

    def close(self) -> None:
        """End the threads."""
        for thread in self._others:
            thread.submit(mx.clear_streams)  # a thread that used MLX has to give its streams back
            thread.shutdown()


def shares_of(batch: Batch, cores: int) -> list[list[Batch]]:
    """The rows of `batch` in parts, and the parts divided among at most `cores` threads."""
    if len(batch.examples) < 2:
        return [[batch]]
    shares = divided(batch.examples, cores, lambda example: example.length - 1)
    return [[assemble(part) for part in share] for share in shares]
