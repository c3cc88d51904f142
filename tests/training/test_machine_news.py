"""What is told of heat and power while a run goes on."""

from __future__ import annotations

import dataclasses

import pytest
from training.school import QUICK
from training.story import step
from training.test_machine_watch import CALM, Readings
from training.test_pausing import Time

from tui_tuner.environment.heat import Heat
from tui_tuner.environment.power import Power
from tui_tuner.progress import Notice
from tui_tuner.training.events import MachineState
from tui_tuner.training.history import read_history
from tui_tuner.training.machine_news import EVERY, MachineNews
from tui_tuner.training.machine_watch import SELDOM, MachineWatch
from tui_tuner.training.running_clock import RunningClock
from tui_tuner.training.slowing import ENOUGH, Slowing


class Machine:
    """A laptop, and what is told of it."""

    def __init__(self):
        self.time, self.told = Time(), []
        self.memory, self.heat = Readings(CALM), Readings(Heat(False, "nominal"))
        self.power = Readings(Power(False, 80))
        self.watch = MachineWatch(RunningClock(self.time), self.memory, self.heat, self.power)
        self.news = MachineNews(self.watch, self.told.append)

    def after(self, seconds):
        """What is told after some time; looks at the machine once."""
        self.told.clear()
        self.time.now += seconds
        self.watch.look()
        self.news.between_steps(7)
        return [event.text if isinstance(event, Notice) else event for event in self.told]


@pytest.fixture
def machine():
    return Machine()


def test_the_state_comes_at_once_and_then_every_half_minute(machine):
    (state,) = machine.after(0)
    assert dataclasses.replace(state, time=0) == MachineState(
        7, CALM.total, CALM.free, 0, "nominal", False, False, 80, 0
    )
    assert machine.after(EVERY - 1) == []
    assert [type(event) for event in machine.after(1)] == [MachineState]


def test_a_charger_that_is_taken_out_is_told_at_once_and_so_is_its_return(machine):
    machine.after(0)
    machine.power.now = Power(True, 78, 18_300)
    state, text = machine.after(SELDOM)
    assert (state.on_battery, state.battery_percent) == (True, 78)
    assert text == "the charger is out, battery at 78 %, empty in about 5:05:00"
    assert machine.told[-1].level == "warning"
    machine.power.now = Power(True, 60, 12_000)
    assert [type(event) for event in machine.after(EVERY)] == [MachineState], "not again"
    machine.power.now = Power(False, 60)
    assert machine.after(SELDOM)[1:] == ["the charger is back"]


def test_heat_is_told_at_once(machine):
    machine.after(0)
    machine.heat.now = Heat(True, "heavy")
    (state,) = machine.after(SELDOM)
    assert (state.heat, state.slowed) == ("heavy", True)


def test_heat_and_power_are_looked_at_seldom(machine):
    machine.after(0)
    machine.heat.now, machine.memory.now = Heat(True, "heavy"), dataclasses.replace(CALM, free=CALM.free // 2)
    machine.after(SELDOM - 1)
    assert machine.watch.seen.heat.words == "nominal"
    assert machine.watch.seen.memory == machine.memory.now


def test_a_machine_that_says_nothing_of_heat_and_power_is_told_without(machine):
    machine.heat.now = machine.power.now = None
    (state,) = machine.after(0)
    assert (state.heat, state.slowed, state.on_battery, state.battery_percent) == ("", False, None, None)


def paces(slowing, pace, hindrance, times=ENOUGH):
    return [text for _time in range(times) if (text := slowing.see(pace, hindrance))]


def test_slower_because_of_heat_is_told_once_and_so_is_the_end_of_it():
    slowing = Slowing()
    assert paces(slowing, 200.0, "") == []
    assert paces(slowing, 124.0, "the machine is hot (heavy)", 9) == [
        "training is 38 % slower than before: the machine is hot (heavy)"
    ]
    assert paces(slowing, 200.0, "") == ["nothing holds the machine back any more"]


def test_hot_but_as_fast_as_ever_and_slow_without_a_reason_are_no_news():
    slowing = Slowing()
    assert paces(slowing, 200.0, "") == []
    assert paces(slowing, 190.0, "the machine is hot (moderate)", 9) == []
    assert paces(slowing, 90.0, "", 40) == []


def test_one_long_step_is_no_slowing():
    slowing = Slowing()
    paces(slowing, 200.0, "")
    assert [slowing.see(pace, "it is hot") for pace in (40.0, 200.0, 200.0, 40.0, 200.0, 200.0)] == [""] * 6


def test_a_report_of_a_hot_machine_says_why_it_became_slower(machine):
    machine.after(0)
    for _report in range(ENOUGH):
        machine.news.after_report(step(1), 4)
    machine.heat.now = Heat(True, "heavy")
    machine.after(SELDOM)
    for _report in range(ENOUGH):
        machine.news.after_report(dataclasses.replace(step(1), tokens_per_second=45.0), 4)
    assert machine.told[-1].text == "training is 50 % slower than before: the machine is hot (heavy)"


def test_fewer_rows_at_once_are_slower_by_themselves(machine):
    machine.after(0)
    for _report in range(ENOUGH):
        machine.news.after_report(step(1), 4)
    machine.heat.now = Heat(True, "heavy")
    machine.after(SELDOM)
    for _report in range(2 * ENOUGH):
        machine.news.after_report(dataclasses.replace(step(1), tokens_per_second=45.0), 2)
    assert [event for event in machine.told if isinstance(event, Notice)] == []


def test_a_run_keeps_how_the_machine_stood(school, monkeypatch):
    monkeypatch.setattr(MachineWatch, "watching", lambda self: self.clock.beating())
    original = MachineWatch.__init__

    def on_battery(self):
        original(self, None, Readings(CALM), Readings(Heat(False, "47 °C")), Readings(Power(True, 40)))
        self.look()

    monkeypatch.setattr(MachineWatch, "__init__", on_battery)
    plan = school.plan(choice=dataclasses.replace(QUICK, iters=3))
    school.train(plan)
    assert [state.iteration for state in school.seen(MachineState)] == [0]
    history = read_history(plan.run)
    assert history.machine == school.seen(MachineState)[0]
    assert "the charger is out, battery at 40 %" in [text for _time, text in history.notices]
