"""A run that is paused, stopped from outside, or put to sleep with the machine."""

from __future__ import annotations

import dataclasses
import math

import pytest
from training.school import QUICK, rows
from training.test_train import adapter, curves

from tui_tuner.errors import Stopped
from tui_tuner.progress import StageProgress, StopToken
from tui_tuner.training.checkpoint import CHECKPOINTS, Progress
from tui_tuner.training.events import TrainingContinued, TrainingEnded, TrainingPaused, TrainStep
from tui_tuner.training.history import read_history
from tui_tuner.training.running_clock import LONGEST_GAP, RunningClock
from tui_tuner.training.train import train
from tui_tuner.training.turnstile import Turnstile

DROPOUT = dataclasses.replace(QUICK, dropout=0.1)


class Killed(BaseException):
    pass


@pytest.fixture
def whole(school):
    plan = school.plan(run="whole", valid=rows(9, begin=20), choice=DROPOUT)
    school.train(plan)
    school.events.clear()
    return plan


def pause_at(plan, when, then):
    """Train; pause when `when(event)`, and do `then(stop)` as soon as it waits. Returns the events."""
    stop, events = StopToken(), []

    def emit(event):
        events.append(event)
        if isinstance(event, TrainingPaused):
            assert stop.paused
            then(stop)
        elif when(event):
            stop.pause()

    try:
        train(plan, emit=emit, stop=stop)
    except (Stopped, Killed) as ended:
        events.append(ended)
    return events


def after_step_6(event):
    return isinstance(event, TrainStep) and event.iteration == 6


def in_a_validation(event):
    return isinstance(event, StageProgress) and event.unit == "batches" and event.done == 1


@pytest.mark.parametrize("when", [after_step_6, in_a_validation])
def test_a_paused_run_goes_on_as_if_it_had_not_been(whole, when):
    plan = dataclasses.replace(whole, run=whole.run.with_name("paused"))
    events = pause_at(plan, when, StopToken.unpause)
    pauses = [event for event in events if isinstance(event, TrainingPaused | TrainingContinued)]
    assert [type(event) for event in pauses] == [TrainingPaused, TrainingContinued] * (len(pauses) // 2)
    assert pauses
    assert curves(plan) == curves(whole)
    assert adapter(plan) == adapter(whole)
    assert "went on" in [text for _time, text in read_history(plan.run).notices]


def test_pausing_keeps_everything_before_it_waits(whole):
    plan = dataclasses.replace(whole, run=whole.run.with_name("paused"))

    def look(stop):
        assert (plan.run / CHECKPOINTS / "6").is_dir()
        assert read_history(plan.run).iteration == 6
        stop.unpause()

    pause_at(plan, after_step_6, look)


def test_stopped_while_paused_it_goes_on_exactly_there(whole):
    plan = dataclasses.replace(whole, run=whole.run.with_name("stopped"))
    *events, ended = pause_at(plan, after_step_6, StopToken.request)
    assert isinstance(ended, Stopped)
    assert [event.iteration for event in events if isinstance(event, TrainingEnded)] == [6]
    train(plan, emit=lambda event: None, stop=StopToken())
    assert curves(plan) == curves(whole)
    assert adapter(plan) == adapter(whole)


def test_killed_while_paused_it_goes_on_exactly_there(whole):
    plan = dataclasses.replace(whole, run=whole.run.with_name("killed"))

    def kill(stop):
        raise Killed

    pause_at(plan, after_step_6, kill)
    resumed = []
    train(plan, emit=resumed.append, stop=StopToken())
    assert next(event.iteration for event in resumed if isinstance(event, TrainStep)) == 7
    assert curves(plan) == curves(whole)
    assert adapter(plan) == adapter(whole)


class Time:
    """Seconds that pass when a test says so."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now

    def passes(self, seconds, clock):
        """Time passes in beats, while the clock is looked at."""
        for _beat in range(math.ceil(seconds)):
            self.now += seconds / math.ceil(seconds)
            clock()


def test_a_clock_counts_as_long_as_something_runs():
    time = Time()
    clock = RunningClock(time)
    with clock.beating():
        before = clock()
        time.passes(60, clock)
        assert clock() - before == pytest.approx(60)


def test_a_clock_stands_still_while_the_process_is_stopped():
    time = Time()
    clock = RunningClock(time)
    with clock.beating():
        before = clock()
        time.passes(5, clock)
        time.now += 3600  # ctrl+z, and fg an hour later; or the machine slept
        clock()
        time.passes(5, clock)
        assert clock() - before == pytest.approx(10)


def test_a_moment_without_a_look_is_still_running():
    time = Time()
    clock = RunningClock(time)
    with clock.beating():
        before = clock()
        time.now += LONGEST_GAP
        assert clock() - before == pytest.approx(LONGEST_GAP)


def test_a_clock_stands_still_while_a_run_is_paused():
    time, told = Time(), []
    clock = RunningClock(time)

    class PausedForAWhile:
        paused = True

        def check(self):
            if self.paused:
                time.passes(1000, clock)
                self.paused = False

    with clock.beating():
        before = clock()
        time.passes(5, clock)
        Turnstile(PausedForAWhile(), Progress(iteration=7), clock, lambda: None, told.append).check()
        time.passes(5, clock)
        assert clock() - before == pytest.approx(10)
    assert [(type(event), event.iteration) for event in told] == [(TrainingPaused, 7), (TrainingContinued, 7)]
