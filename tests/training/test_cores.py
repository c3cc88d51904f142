from __future__ import annotations

import threading
from dataclasses import replace

import mlx.core as mx
import numpy
import pytest

from tui_tuner.training import dividing
from tui_tuner.training.batches import assemble
from tui_tuner.training.dividing import cut
from tui_tuner.training.examples import Example
from tui_tuner.training.shortcuts.cores import Cores, shares_of


@pytest.fixture
def three():
    found = Cores(3)
    yield found
    found.close()


def example(length: int) -> Example:
    learned = numpy.zeros(length, bool)
    learned[-1] = True
    return Example(1, numpy.arange(length, dtype=numpy.int32), learned)


def test_shares_are_computed_at_the_same_time_and_come_back_in_order(three):
    together = threading.Barrier(3, timeout=60)

    def compute(share, _building):
        together.wait()  # passes only when all three are here
        found = mx.array(share).square()
        mx.eval(found)
        return found.item(), threading.get_ident()

    results = three.run(compute, [1.0, 2.0, 3.0])
    assert [number for number, _thread in results] == [1.0, 4.0, 9.0]
    assert len({thread for _number, thread in results}) == 3
    assert results[0][1] == threading.get_ident()


def test_all_have_ended_before_an_error_is_raised(three):
    ended = []

    def compute(share, building):
        with building:
            ended.append(share)
        if share:
            raise ValueError(share)

    with pytest.raises(ValueError, match="1"):
        three.run(compute, [0, 1, 2])
    assert sorted(ended) == [0, 1, 2]
    assert three.run(lambda share, _building: share, [5]) == [5]


@pytest.mark.parametrize(
    ("lengths", "pieces", "most", "runs"),
    [
        ([10, 10, 10, 10], 2, 1000, [(0, 2), (2, 4)]),
        ([10, 11, 12, 40], 2, 1000, [(0, 3), (3, 4)]),
        ([10, 10], 4, 1000, [(0, 1), (1, 2)]),
        ([7], 2, 1000, [(0, 1)]),
        ([30, 40, 50, 60], 2, 120, [(0, 2), (2, 4)]),
        ([30, 40, 50, 60], 2, 90, [(0, 2), (2, 3), (3, 4)]),
        ([500, 500], 1, 100, [(0, 1), (1, 2)]),
    ],
)
def test_rows_are_cut_evenly_and_into_no_more_than_fits(lengths, pieces, most, runs):
    assert cut(lengths, pieces, most) == runs


def test_every_row_is_in_one_share_and_padded_only_to_its_neighbours(monkeypatch):
    monkeypatch.setattr(dividing, "POSITIONS", 60)
    rows = [example(length) for length in (9, 50, 10, 52, 11, 51, 30)]
    shares = shares_of(assemble(rows), 2)
    parts = [part for share in shares for part in share]
    assert sorted(one.length for part in parts for one in part.examples) == sorted(one.length for one in rows)
    assert all(part.computed <= 60 or len(part.examples) == 1 for part in parts)
    loads = [sum(part.computed for part in share) for share in shares]
    assert max(loads) < 1.5 * min(loads)


def test_a_batch_without_rows_of_its_own_stays_whole():
    batch = replace(assemble([example(5), example(6)]), examples=())
    assert shares_of(batch, 2) == [[batch]]
