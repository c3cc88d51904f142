"""The state of MLX's random numbers, as two numbers that a file can hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def random_key() -> list[int]:
    """Where the sequence of random numbers stands on this thread: the high and the low half of MLX's key."""
    import mlx.core as mx

    state: Any = mx.random.state
    key: list[int] = state[0].tolist()
    return key


def set_random_key(key: Sequence[int]) -> None:
    """Put the sequence of random numbers back to where `random_key` found it."""
    import mlx.core as mx

    high, low = key
    mx.random.seed((high << 32) | low)
