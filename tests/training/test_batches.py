from __future__ import annotations

import itertools

import numpy
import pytest

from tui_tuner.training.batches import Feed, assemble, epoch_order, fixed_order
from tui_tuner.training.examples import Example

LENGTHS = [5, 300, 17, 18, 19, 200, 210, 6, 7, 8, 290]


def example(line: int, length: int, learned: list[int]) -> Example:
    mask = numpy.zeros(length, dtype=numpy.bool_)
    mask[learned] = True
    return Example(line, numpy.arange(100 * line, 100 * line + length, dtype=numpy.int32), mask)


@pytest.mark.parametrize("batch_size", [1, 2, 4, 11, 100])
def test_every_row_comes_once_per_epoch_remainder_included(batch_size):
    for epoch in range(5):
        order = epoch_order(LENGTHS, batch_size, seed=3, epoch=epoch)
        assert sorted(itertools.chain(*order)) == list(range(len(LENGTHS)))
        assert len(order) == -(-len(LENGTHS) // batch_size)
    assert sorted(itertools.chain(*fixed_order(LENGTHS, batch_size))) == list(range(len(LENGTHS)))


def test_the_order_follows_from_seed_and_epoch_alone():
    first = epoch_order(LENGTHS, 2, seed=0, epoch=0)
    assert first == epoch_order(LENGTHS, 2, seed=0, epoch=0)
    assert first != epoch_order(LENGTHS, 2, seed=0, epoch=1)
    assert first != epoch_order(LENGTHS, 2, seed=1, epoch=0)


def test_rows_of_similar_length_meet():
    lengths = [10 if place % 2 else 400 for place in range(40)]
    padding = 0
    for rows in epoch_order(lengths, 4, seed=0, epoch=0):
        padding += sum(max(lengths[row] for row in rows) - lengths[row] for row in rows)
    assert padding == 0


@pytest.mark.parametrize("rows", [40, 44, 41])
def test_short_and_long_batches_take_turns_and_either_begins(rows):
    lengths = [20 * place for place in range(rows)]
    begins_short = set()
    for epoch in range(12):
        order = epoch_order(lengths, 4, seed=0, epoch=epoch)
        middle = sorted(max(batch) for batch in order)[len(order) // 2]
        short = [max(batch) < middle for batch in order]
        assert all(one != other for one, other in itertools.pairwise(short))
        begins_short.add(short[0])
    assert begins_short == ({True, False} if -(-rows // 4) % 2 == 0 else {False})


def test_the_smaller_batch_is_not_always_the_longest_rows():
    lengths = list(range(10, 1000, 90))
    small = {rows for epoch in range(40) for rows in epoch_order(lengths, 2, 0, epoch) if len(rows) == 1}
    assert len(small) > 3


def test_a_feed_goes_on_anywhere():
    examples = [example(line, length, [1]) for line, length in enumerate(LENGTHS, start=1)]
    whole = [batch.lines for batch in itertools.islice(Feed(examples, 4, 7).batches(0), 10)]
    for done in range(8):
        rest = [batch.lines for batch in itertools.islice(Feed(examples, 4, 7).batches(done), 10 - done)]
        assert rest == whole[done:]


def test_a_batch_predicts_each_learned_token_from_the_one_before():
    batch = assemble([example(1, 4, [2, 3]), example(2, 6, [1, 5])])

    assert batch.inputs.tolist() == [[100, 101, 102, 0, 0], [200, 201, 202, 203, 204]]
    assert batch.targets.tolist() == [102, 103, 201, 205]
    assert [batch.inputs.reshape(-1)[place].item() for place in batch.positions.tolist()] == [101, 102, 200, 204]
    assert (batch.tokens, batch.supervised, batch.computed, batch.padded) == (10, 4, 10, 2)
    assert batch.lines == (1, 2)
