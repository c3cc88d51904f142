"""Rows side by side on a CPU, one core each.

MLX computes on a CPU one operation after the other, and only products use more than one core. Here several threads
compute at once, each with a stream of its own, and each product on one core. What they compute is divided by the rows
alone, so the result is the same to the bit each time.

The model is shared: only one thread at a time may build its graph, which takes a hundredth of computing it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import mlx.core as mx

from tui_tuner.models.blas import products_on_one_core
from tui_tuner.training.batches import Batch, assemble

Share = TypeVar("Share")
Result = TypeVar("Result")

# So many positions are computed at once on a core: enough for products to be fast, and what they need in memory stays
# the same however many rows a batch has.
POSITIONS = 1024


def cores_here() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
    """The rows of `batch` in parts, and the parts divided among at most `cores` threads.

    Rows of similar length share a part, which is as wide as its longest row.
    """
    rows = sorted(batch.examples, key=lambda example: example.length)
    if len(rows) < 2:
        return [[batch]]
    lengths = [example.length - 1 for example in rows]
    parts = [assemble(rows[begin:end]) for begin, end in cut(lengths, cores, POSITIONS)]
    shares: list[list[Batch]] = [[] for _core in range(min(cores, len(parts)))]
    for part in sorted(parts, key=lambda part: -part.computed):
        min(shares, key=lambda share: sum(other.computed for other in share)).append(part)
    return shares


def cut(lengths: Sequence[int], pieces: int, most: int) -> list[tuple[int, int]]:
    """Cut rows into runs of about the same number of positions, their number times their longest length.

    Args:
        lengths: of the rows, ascending.
        pieces: how many runs at least, where there are as many rows.
        most: positions of a run that has more than one row.

    Returns:
        Where each run begins and ends.
    """
    low, high = 1, min(most, len(lengths) * lengths[-1])
    while low < high:
        middle = (low + high) // 2
        if len(_runs(lengths, middle)) <= pieces:
            high = middle
        else:
            low = middle + 1
    return _runs(lengths, low)


def _runs(lengths: Sequence[int], most: int) -> list[tuple[int, int]]:
    runs, begin = [], 0
    for place, length in enumerate(lengths):
        if place > begin and (place - begin + 1) * length > most:
            runs.append((begin, place))
            begin = place
    return [*runs, (begin, len(lengths))]
