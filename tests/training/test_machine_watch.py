"""Memory that is about to run out is noticed while a step computes, and the run goes on with less at a time."""

from __future__ import annotations

import dataclasses

import pytest
from training.school import QUICK
from training.test_pausing import Time
from training.test_train import adapter, curves

from tui_tuner.environment.memory_now import MemoryNow
from tui_tuner.progress import Notice
from tui_tuner.training.checkpoint import CHECKPOINTS
from tui_tuner.training.events import CheckpointSaved, MicroBatchHalved, TrainStep
from tui_tuner.training.machine_watch import QUIET, MachineWatch
from tui_tuner.training.memory_danger import SWAP_SECONDS, MemoryDanger
from tui_tuner.training.running_clock import RunningClock

GIB = 2**30
CALM = MemoryNow(16 * GIB, 8 * GIB, 0)


def reasons(*readings, every=1.0):
    judge = MemoryDanger()
    return [judge.see(reading, place * every) for place, reading in enumerate(readings)]


def test_enough_memory_is_no_danger():
    low = MemoryNow(16 * GIB, GIB, 0, "warning")
    assert set(reasons(low, CALM, low, dataclasses.replace(low, pressure="normal"))) == {""}


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (MemoryNow(16 * GIB, GIB // 3, 0), "memory is nearly full (0.3 GB of 16.0 GB free)"),
        (MemoryNow(256 * GIB, GIB - 1, 0), "memory is nearly full (1.0 GB of 256.0 GB free)"),
        (MemoryNow(2 * GIB, GIB // 5, 0), "memory is nearly full (0.2 GB of 2.0 GB free)"),
        (MemoryNow(16 * GIB, 2 * GIB, 0, "critical"), "the system calls it critical"),
    ],
)
def test_little_free_memory_is_a_danger(now, words):
    (reason,) = reasons(now)
    assert words in reason


def test_swap_that_grows_fast_is_a_danger():
    swapped = [MemoryNow(16 * GIB, 2 * GIB, int(0.2 * GIB) * seconds, "warning") for seconds in range(6)]
    found = reasons(*swapped)
    assert found[:4] == ["", "", "", ""]
    assert found[4] == "the machine is swapping (0.8 GB more within 30 s)"


def test_swap_that_was_there_before_or_grows_slowly_is_none():
    old = MemoryNow(16 * GIB, 2 * GIB, 11 * GIB)
    assert set(reasons(old, old, old)) == {""}
    slow = [MemoryNow(16 * GIB, 2 * GIB, GIB // 100 * second) for second in range(200)]
    assert set(reasons(*slow)) == {""}
    once = [MemoryNow(16 * GIB, 2 * GIB, GIB // 2), *[MemoryNow(16 * GIB, 2 * GIB, GIB)] * 40]
    assert set(reasons(*once, every=SWAP_SECONDS)) == {""}


def test_swapping_while_much_is_free_harms_nobody():
    tidy = [MemoryNow(16 * GIB, 8 * GIB, GIB * second) for second in range(5)]
    assert set(reasons(*tidy)) == {""}


class Readings:
    """Memory as a test says it is."""

    def __init__(self, now=CALM):
        self.now = now

    def __call__(self):
        return self.now


@pytest.fixture
def watched():
    time, memory = Time(), Readings()
    return time, memory, MachineWatch(RunningClock(time), memory)


def test_what_was_seen_within_a_step_is_told_after_it(watched):
    _time, memory, watch = watched
    memory.now = dataclasses.replace(CALM, free=GIB // 4)
    watch.look()
    memory.now = CALM  # the step has ended, its memory is back
    watch.look()
    assert "nearly full" in watch.danger()
    assert watch.danger() == "", "once"


def test_after_something_was_done_it_is_given_time_to_help(watched):
    time, memory, watch = watched
    memory.now = dataclasses.replace(CALM, free=GIB // 4)
    watch.look()
    assert watch.danger()
    time.now += QUIET - 1
    watch.look()
    assert watch.danger() == ""
    time.now += 1
    watch.look()
    assert watch.danger()


def test_swap_counts_anew_after_something_was_done(watched):
    time, memory, watch = watched
    memory.now = dataclasses.replace(CALM, free=GIB)
    watch.look()
    memory.now = dataclasses.replace(memory.now, swap_used=GIB)
    watch.look()
    assert watch.danger()
    time.now += QUIET
    watch.look()
    assert watch.danger() == "", "it has not grown since"


def test_a_machine_that_cannot_be_read_is_in_no_danger():
    watch = MachineWatch(RunningClock(Time()), lambda: None)
    watch.look()
    assert watch.danger() == ""


def test_a_failure_to_look_does_not_end_the_run(monkeypatch, caplog):
    from tui_tuner.training import machine_watch

    monkeypatch.setattr(machine_watch, "EVERY", 0.0)
    watch = MachineWatch(read_memory=lambda: 1 / 0)
    with watch.watching():
        while not caplog.records:
            pass
    assert "cannot be watched" in caplog.text


@pytest.fixture
def danger_after(monkeypatch):
    """The watch finds memory short after these steps."""

    def begin(school, *steps):
        def danger(_self):
            done = len(school.seen(TrainStep))
            return "memory is nearly full (0.1 of 16.0 GB free)" if done in steps else ""

        monkeypatch.setattr(MachineWatch, "danger", danger)

    return begin


def test_a_run_goes_on_with_half_the_rows_and_everything_on_the_disk(school, danger_after):
    whole = school.plan(run="whole")
    school.train(whole)
    expected = [step.loss for step in school.seen(TrainStep)]

    school.events.clear()
    danger_after(school, 5)
    plan = school.plan()
    assert school.train(plan).finished
    assert [step.loss for step in school.seen(TrainStep)] == pytest.approx(expected, rel=1e-6)
    (halved,) = school.seen(MicroBatchHalved)
    assert (halved.iteration, halved.before, halved.micro_batch) == (5, 4, 2)
    after = school.events[school.events.index(halved) + 1]
    assert isinstance(after, CheckpointSaved), "before anything else is computed"
    assert after.iteration == 5


def test_resumed_after_a_danger_it_is_the_same_to_the_bit(school, danger_after):
    danger_after(school, 5)
    choice = dataclasses.replace(QUICK, dropout=0.1)
    whole = school.plan(run="whole", choice=choice)
    school.train(whole)

    class Killed(BaseException):
        pass

    def kill(event):
        if isinstance(event, TrainStep) and event.iteration == 7:
            raise Killed
        return False

    school.events.clear()
    plan = school.plan(run="killed", choice=choice)
    with pytest.raises(Killed):
        school.train(plan, stop_when=kill)
    assert (plan.run / CHECKPOINTS / "5").is_dir()
    danger_after(school)
    assert school.train(plan).finished
    assert curves(plan) == curves(whole)
    assert adapter(plan) == adapter(whole)


def test_where_rows_are_computed_one_by_one_it_is_only_said(school, danger_after):
    danger_after(school, 2, 3, 5, 6)
    plan = school.plan()
    assert school.train(plan).finished
    assert [event.micro_batch for event in school.seen(MicroBatchHalved)] == [2, 1]
    told = [notice.text for notice in school.seen(Notice) if "one by one" in notice.text]
    assert told == [
        "memory is nearly full (0.1 of 16.0 GB free), and rows are computed one by one already: close other programs"
    ]
    assert 5 in [event.iteration for event in school.seen(CheckpointSaved)]


def test_every_run_is_watched(school, monkeypatch):
    from tui_tuner.training import machine_watch

    looks = []
    monkeypatch.setattr(machine_watch, "EVERY", 0.0)
    monkeypatch.setattr(MachineWatch, "look", lambda self: looks.append(self))
    school.train(school.plan())
    assert looks
