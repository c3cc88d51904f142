from __future__ import annotations

import os
import shutil
import types

import mlx.core as mx
import pytest
from training.test_cores import example

from tui_tuner.training.shortcuts import state_store
from tui_tuner.training.shortcuts.state_store import StateStore

EXAMPLES = [example(length) for length in (5, 9, 6, 7)]


def states_of(one, kind=mx.float32):
    found = mx.random.normal((one.length - 1, 8), key=mx.random.key(one.length)).astype(kind)
    mx.eval(found)
    return found


@pytest.fixture
def told():
    return []


@pytest.fixture
def store(tmp_path, told):
    found = StateStore(300, tmp_path, told.append)
    yield found
    found.clear()


@pytest.mark.parametrize("kind", [mx.float32, mx.float16, mx.bfloat16])
def test_comes_back_bit_by_bit_from_memory_and_from_the_disk(store, kind, told):
    for one in EXAMPLES:
        store.put(one, states_of(one, kind))
    for one in [*EXAMPLES, *EXAMPLES[::-1]]:
        assert one in store
        found = store.get(one)
        assert found.dtype == kind and mx.array_equal(found, states_of(one, kind))
    assert store.on_disk > 0
    assert store.get(example(5)) is None, "an example is equal only to itself"
    assert told == []


def test_what_is_written_later_is_read_too(store):
    for place, one in enumerate(EXAMPLES):
        store.put(one, states_of(one))
        assert all(mx.array_equal(store.get(other), states_of(other)) for other in EXAMPLES[: place + 1])


def test_nothing_is_left_on_the_disk_however_it_ends(store, tmp_path):
    for one in EXAMPLES:
        store.put(one, states_of(one))
    assert store.on_disk > 0
    assert list(tmp_path.iterdir()) == []
    held = store.get(EXAMPLES[1])
    store.clear()
    assert all(store.get(one) is None for one in EXAMPLES)
    assert mx.array_equal(held, states_of(EXAMPLES[1])), "what was taken out stays"


def test_a_disk_that_is_nearly_full_is_said_once_and_left_alone(store, told, monkeypatch, tmp_path):
    free = state_store.RESERVE + 100
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: types.SimpleNamespace(free=free))
    for one in EXAMPLES:
        store.put(one, states_of(one))
    assert store.full and store.on_disk == 0
    assert len(told) == 1 and str(tmp_path) in told[0] and "nearly full" in told[0]
    assert mx.array_equal(store.get(EXAMPLES[0]), states_of(EXAMPLES[0])), "what fitted into memory is kept"


def test_a_disk_that_fills_up_meanwhile_ends_nothing(store, told, monkeypatch):
    store.put(EXAMPLES[0], states_of(EXAMPLES[0]))
    store.put(EXAMPLES[1], states_of(EXAMPLES[1]))

    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    store.put(EXAMPLES[3], states_of(EXAMPLES[3]))
    assert len(told) == 1 and "No space left" in told[0]
    assert EXAMPLES[3] not in store
    assert mx.array_equal(store.get(EXAMPLES[1]), states_of(EXAMPLES[1]))
