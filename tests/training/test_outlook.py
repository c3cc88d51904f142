"""How long the rest takes, from steps whose time is known."""

from __future__ import annotations

import random

import pytest

from tui_tuner.choices import TrainingChoice
from tui_tuner.training.effort import Effort, Row, states_of, steps_of_epoch, validation_of
from tui_tuner.training.outlook import CALIBRATION, Outlook

EFFORT = Effort(trained=4, frozen=26, head=8.0)
LENGTHS = [30, 400, 60, 90, 200, 350, 41, 77, 120, 510, 33, 64, 90, 222]
ROWS = [Row(length, length // 3) for length in LENGTHS]
VALID = [Row(100, 30), Row(300, 60)]


def choice(**settings) -> TrainingChoice:
    return TrainingChoice(**{"iters": 40, "batch_size": 4, "steps_per_eval": 10, "save_every": 15} | settings)


class Machine:
    """Takes a second for so much work, plus what a die says."""

    def __init__(self, settings, *, noise: float = 0.0, busy: float = 0.0, rate: float = 1e-3, seed: int = 0):
        self.settings, self.rate, self.dice = settings, rate, random.Random(seed)
        self.noise, self.busy, self.slow = noise, busy, 1.0
        steps = -(-len(ROWS) // settings.batch_size)
        self.steps = []
        for epoch in range(settings.iters // steps + 1):
            for work in steps_of_epoch(EFFORT, ROWS, settings, epoch):
                self.steps.append(work.step + (work.states if epoch == 0 else 0.0))
        self.steps = self.steps[: settings.iters]
        self.validations = 0

    def step(self, done: int) -> float:
        if done % 8 == 0:  # somebody else needs the machine for a while
            self.slow = 1.6 if self.dice.random() < self.busy else 1.0
        return self.steps[done] * self.rate * self.slow * self.dice.lognormvariate(0, self.noise)

    def validation(self) -> float:
        self.validations += 1
        states = states_of(EFFORT, VALID) if self.validations == 1 else 0.0
        return 2 * self.rate * (validation_of(EFFORT, VALID, self.settings.batch_size) + states)


def run(machine, upto=None):
    """What was said after each step, and how long the rest then really took."""
    settings = machine.settings
    outlook, said, spent = Outlook(settings, EFFORT, ROWS, VALID), [], []
    for done in range(settings.iters + 1):
        if done % settings.steps_per_eval == 0 or done == settings.iters:
            seconds = machine.validation()
            outlook.saw_validation(seconds)
            spent.append(seconds)
        if done and (done % settings.save_every == 0 or done == settings.iters):
            outlook.saw_checkpoint(0.5)
            spent.append(0.5)
        if done == settings.iters:
            break
        seconds = machine.step(done)
        spent.append(seconds)
        outlook.saw_step(done + 1, seconds)
        said.append((outlook.left(done + 1), sum(spent)))
    return [(left, sum(spent) - then) for left, then in said]


def test_nothing_is_said_before_some_steps_are_seen():
    said = run(Machine(choice()))
    assert [left for left, _rest in said[: CALIBRATION - 1]] == [None] * (CALIBRATION - 1)
    assert said[CALIBRATION - 1][0] is not None


def test_a_steady_machine_is_foretold_exactly_however_long_the_batches_are():
    """From the fourth step on, in the middle of the first epoch, with padding, states, validations and all."""
    for done, (left, rest) in enumerate(run(Machine(choice())), start=1):
        if done > 15:  # by then a checkpoint was seen, too
            assert left.seconds == pytest.approx(rest, rel=0.03, abs=0.01)
        elif done >= CALIBRATION:
            assert left.seconds == pytest.approx(rest, rel=0.06)


def test_the_first_epoch_does_not_make_the_others_look_long():
    settings = choice(iters=400, steps_per_eval=1000, save_every=1000)
    left, rest = run(Machine(settings))[4]
    assert left.seconds == pytest.approx(rest, rel=0.05)


@pytest.mark.parametrize(("noise", "busy"), [(0.1, 0.0), (0.3, 0.0), (0.1, 0.3)])
def test_the_error_holds_what_it_says(noise, busy):
    """Of all that is said over many runs about nine of ten are within the error."""
    inside = total = 0
    for seed in range(30):
        for left, rest in run(Machine(choice(iters=120), noise=noise, busy=busy, seed=seed)):
            if left is not None and rest > 1:
                inside += abs(left.seconds - rest) <= left.error
                total += 1
    assert inside / total > 0.88


def test_the_error_shrinks_on_a_steady_machine():
    said = [left for left, _rest in run(Machine(choice(iters=200), noise=0.2)) if left]
    assert said[60].error / said[60].seconds < said[0].error / said[0].seconds


def test_a_resumed_session_counts_its_own_states():
    """The kept states of the earlier session are gone: the rest of this epoch computes them again."""
    settings = choice(steps_per_eval=1000, save_every=1000)
    fresh, later = Outlook(settings, EFFORT, ROWS, [], 0), Outlook(settings, EFFORT, ROWS, [], 20)
    assert later._work_between(20, 40) > fresh._work_between(20, 40)
    assert fresh._work_between(20, 40) == pytest.approx(
        5 * sum(w.step for w in steps_of_epoch(EFFORT, ROWS, settings, 5)), rel=0.03
    )


def test_other_rows_are_counted_in_their_own_order_from_where_they_began():
    """A run extended after 22 steps trains the first epoch's batches from there, wherever an epoch would have begun."""
    settings = choice(iters=30, steps_per_eval=1000, save_every=1000)
    extended = Outlook(settings, EFFORT, ROWS, [], done=22, order_from=22)
    works = [work.step + work.states for work in steps_of_epoch(EFFORT, ROWS, settings, 0)]
    for place, work in enumerate(works):
        extended.saw_step(23 + place, 1e-3 * work)
        if place + 1 >= CALIBRATION:
            rest = 1e-3 * (sum(works[place + 1 :]) + sum(w.step for w in steps_of_epoch(EFFORT, ROWS, settings, 1)))
            assert extended.left(23 + place).seconds == pytest.approx(rest, rel=0.03)
    assert extended.seconds_per_work == pytest.approx(1e-3, rel=1e-6)
