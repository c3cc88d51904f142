"""Which examples are trained together, in which order, and what a batch looks like to the model.

Examples of similar length share a batch, so that little is computed for padding; the order of the batches is shuffled
in every epoch, and so is who meets whom among examples of about the same length. Batches of short and of long examples
take turns: several of one kind in a row would draw the weights their way. Nothing is left out: where the examples do
not divide evenly, one batch per epoch, at a random place, is smaller.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tui_tuner.training.examples import Example

if TYPE_CHECKING:
    import mlx.core as mx

# Lengths that differ by less are taken as equal when batches are made.
LENGTH_STEP = 16


@dataclass(frozen=True)
class Batch:
    """Examples as arrays. `B` rows, `T` the longest row's tokens but for its last, `N` learned tokens.

    Attributes:
        examples: the rows.
        inputs: token ids, shape (B, T), int32, zeros after a row's end.
        positions: where each learned token is predicted from, in the flattened (B * T) inputs, shape (N,), int32.
        targets: the learned tokens, shape (N,), int32.
        tokens: real tokens in it, each row's last included.
        supervised: N.
        computed: B * T, positions the model computes.
    """

    examples: tuple[Example, ...]
    inputs: mx.array
    positions: mx.array
    targets: mx.array
    tokens: int
    supervised: int
    computed: int

    @property
    def lines(self) -> tuple[int, ...]:
        """Where its rows are in their file, lines from 1."""
        return tuple(example.line for example in self.examples)

    @property
    def padded(self) -> int:
        """Computed positions that are padding."""
        return self.computed - (self.tokens - len(self.examples))


def epoch_order(lengths: Sequence[int], batch_size: int, seed: int, epoch: int) -> list[tuple[int, ...]]:
    """The batches of one epoch as places in the list of examples; each place occurs once.

    The same arguments give the same order, whatever else the process has done.
    """
    dice = random.Random(f"{seed}/{epoch}")
    places = list(range(len(lengths)))
    dice.shuffle(places)
    places.sort(key=lambda place: lengths[place] // LENGTH_STEP)  # a stable sort: equal lengths stay shuffled
    return _in_turn(_cut(places, batch_size, dice), dice)


def _cut(places: list[int], batch_size: int, dice: random.Random) -> list[tuple[int, ...]]:
    whole, rest = divmod(len(places), batch_size)
    sizes = [batch_size] * whole
    if rest:
        # Always at the end it would always hold the longest examples, which would then weigh more than others.
        sizes.insert(dice.randrange(whole + 1), rest)
    batches, begin = [], 0
    for size in sizes:
        batches.append(tuple(places[begin : begin + size]))
        begin += size
    return batches


def _in_turn(batches: list[tuple[int, ...]], dice: random.Random) -> list[tuple[int, ...]]:
    """One of the shorter half, one of the longer half, and so on, each half shuffled; either may begin."""
    shorter, longer = batches[: len(batches) // 2], batches[len(batches) // 2 :]
    dice.shuffle(shorter)
    dice.shuffle(longer)
    first, second = (shorter, longer) if len(shorter) == len(longer) and dice.random() < 0.5 else (longer, shorter)
    order = list(batches)
    order[::2], order[1::2] = first, second
    return order


def fixed_order(lengths: Sequence[int], batch_size: int) -> list[tuple[int, ...]]:
    """Every example once, by length: the order of validation, always the same."""
    places = sorted(range(len(lengths)), key=lambda place: lengths[place])
    return [tuple(places[begin : begin + batch_size]) for begin in range(0, len(places), batch_size)]


def assemble(examples: Sequence[Example]) -> Batch:
    """Put examples into one batch."""
    import mlx.core as mx
    import numpy

    width = max(example.length for example in examples) - 1
    inputs = numpy.zeros((len(examples), width), dtype=numpy.int32)
    positions: list[Any] = []
    targets: list[Any] = []
    for place, example in enumerate(examples):
        inputs[place, : example.length - 1] = example.tokens[:-1]
        learned = numpy.flatnonzero(example.learned)
        positions.append(place * width + learned - 1)  # a token is predicted from the one before it
        targets.append(example.tokens[learned])
    flat_positions = numpy.concatenate(positions).astype(numpy.int32)
    return Batch(
        examples=tuple(examples),
        inputs=mx.array(inputs),
        positions=mx.array(flat_positions),
        targets=mx.array(numpy.concatenate(targets)),
        tokens=sum(example.length for example in examples),
        supervised=len(flat_positions),
        computed=inputs.size,
    )


def batches_per_epoch(examples: int, batch_size: int) -> int:
    """How many steps it takes to see every example once."""
    return -(-examples // batch_size)


class Feed:
    """An endless supply of batches that can begin anywhere.

    Args:
        examples: the training rows.
        batch_size: rows per batch.
        seed: gives the order.
    """

    def __init__(self, examples: Sequence[Example], batch_size: int, seed: int) -> None:
        self._examples, self._batch_size, self._seed = examples, batch_size, seed
        self._lengths = [example.length for example in examples]
        self.batches_per_epoch = batches_per_epoch(len(examples), batch_size)

    def batches(self, done: int) -> Iterator[Batch]:
        """The batches after the first `done` of the run, without end."""
        epoch, place = divmod(done, self.batches_per_epoch)
        while True:
            for rows in epoch_order(self._lengths, self._batch_size, self._seed, epoch)[place:]:
                yield assemble([self._examples[row] for row in rows])
            epoch, place = epoch + 1, 0
