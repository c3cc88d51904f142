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
from tui_tuner.training.shortcuts import cores
from tui_tuner.training.shortcuts.cores import Cores, rounds_of


def example(length: int) -> Example:
    learned = numpy.zeros(length, bool)
    learned[-1] = True
    return Example(1, numpy.arange(length, dtype=numpy.int32), learned)


def test_each_part_has_a_stream_of_its_own_and_results_come_back_in_order():
    streams = []

    def build(number):
        streams.append(str(mx.default_stream(mx.Device(mx.cpu))))
        return {"square": mx.array(number).square()}

    found = Cores(3).run(build, [1.0, 2.0, 3.0])
    assert [one["square"].item() for one in found] == [1.0, 4.0, 9.0]
    assert len(set(streams)) == 3
    assert streams[0] == str(mx.default_stream(mx.Device(mx.cpu)))


def test_streams_are_used_again_and_each_thread_has_its_own():
    def on_another_thread():
        found.extend(cores._streams(2)[1:])
        mx.clear_streams()

    found = cores._streams(2)[1:] + cores._streams(2)[1:]
    thread = threading.Thread(target=on_another_thread)
    thread.start()
    thread.join()
    first, again, other = map(str, found)
    assert first == again != other


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


def test_every_row_is_in_one_part_and_padded_only_to_its_neighbours(monkeypatch):
    monkeypatch.setattr(dividing, "POSITIONS", 60)
    rows = [example(length) for length in (9, 50, 10, 52, 11, 51, 30)]
    rounds = rounds_of(assemble(rows), 2)
    parts = [part for together in rounds for part in together]
    assert sorted(one.length for part in parts for one in part.examples) == sorted(one.length for one in rows)
    assert all(part.computed <= 60 or len(part.examples) == 1 for part in parts)
    assert all(len(together) == 2 for together in rounds[:-1])
    assert all(together[-1].computed > 0.5 * together[0].computed for together in rounds[:-1])


def test_a_batch_without_rows_of_its_own_stays_whole():
    batch = replace(assemble([example(5), example(6)]), examples=())
    assert rounds_of(batch, 2) == [[batch]]
