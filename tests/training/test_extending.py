"""Going on with other data or settings, because somebody wants it."""

from __future__ import annotations

import dataclasses
import json

import pytest
from training.school import QUICK, rows

from tui_tuner.errors import Stopped, TrainingError
from tui_tuner.training import session
from tui_tuner.training.effort import steps_of_epoch
from tui_tuner.training.events import CheckpointSaved, RunExtended, TrainStep, Validation
from tui_tuner.training.history import read_history
from tui_tuner.training.outlook import Outlook
from tui_tuner.training.run_config import read_config
from tui_tuner.training.runs import summarize

STEADY = dataclasses.replace(QUICK, dropout=0.1)


class Killed(BaseException):
    pass


@pytest.fixture
def stopped(school):
    """A run of twelve steps that was stopped after six."""
    plan = school.plan(choice=STEADY)
    with pytest.raises(Stopped):
        school.train(plan, stop_when=lambda event: isinstance(event, TrainStep) and event.iteration == 6)
    school.events.clear()
    return plan


def extend(school, plan, *, train=None, valid=None, stop_when=lambda event: False, **settings):
    """Go on with `plan`, with other rows or settings."""
    other = school.plan(train, valid, choice=dataclasses.replace(plan.choice, **settings))
    other = dataclasses.replace(other, extend=True)
    return other, school.train(other, stop_when=stop_when)


def test_other_settings_take_effect_from_the_last_checkpoint_on_and_are_told(school, stopped):
    plan, summary = extend(school, stopped, learning_rate=5e-4, grad_accumulation_steps=2)
    (told,) = school.seen(RunExtended)
    assert told.iteration == 6
    assert told.changes == ("learning_rate was 0.001, now 0.0005", "grad_accumulation_steps was 1, now 2")
    assert not told.other_held_out
    assert [step.iteration for step in school.seen(TrainStep)] == list(range(7, 13))
    assert [step.learning_rate for step in school.seen(TrainStep)] == pytest.approx([5e-4] * 6)
    assert summary.finished
    assert read_config(plan.run).choice == plan.choice
    assert any("from here on learning_rate was" in text for _time, text in read_history(plan.run).notices)


def test_without_being_asked_for_nothing_changes(school, stopped):
    config = (stopped.run / "config.toml").read_bytes()
    with pytest.raises(TrainingError, match="learning_rate"):
        school.train(dataclasses.replace(stopped, choice=dataclasses.replace(STEADY, learning_rate=1.0)))
    assert (stopped.run / "config.toml").read_bytes() == config
    assert school.train(stopped).finished
    assert school.seen(RunExtended) == []


def test_other_rows_begin_a_pass_of_their_own(school, stopped):
    plan, _summary = extend(school, stopped, train=rows(7, begin=50), iters=14)
    (told,) = school.seen(RunExtended)
    assert told.changes == ("train.jsonl had 11 rows, now 7", "iters was 12, now 14")
    steps = school.seen(TrainStep)
    assert [step.epoch for step in steps] == [(step.iteration - 6) / 2 for step in steps]
    assert sum(step.examples for step in steps[:2]) == 7, "every row once in the first two steps"
    assert plan.choice.iters == 14


def test_the_time_left_counts_from_where_the_other_rows_began(school, stopped, monkeypatch):
    made = []
    monkeypatch.setattr(session, "Outlook", lambda *known: made.append(Outlook(*known)) or made[-1])
    extend(school, stopped, train=rows(30, begin=50), iters=14)
    (outlook,) = made
    works = [work.step + work.states for work in steps_of_epoch(outlook._effort, outlook._train, outlook._choice, 0)]
    assert [work for _seconds, work in outlook._steps] == pytest.approx(works)


def test_other_held_out_rows_are_measured_at_once_and_compared_with_nothing_before(school, stopped):
    before = read_history(stopped.run).best[1]
    plan, summary = extend(
        school, stopped, valid=[{"messages": [*rows(1)[0]["messages"][:1], rows(9)[8]["messages"][1]]}]
    )
    found = school.seen(Validation)
    assert [event.iteration for event in found] == [6, 8, 12]
    assert found[0].best, "whatever it is, there is nothing to compare it with"
    assert found[0].loss != before
    assert summary.best_loss == min(event.loss for event in found)
    history = read_history(plan.run)
    assert history.best == (summary.best_iteration, summary.best_loss)
    assert [event for event in school.seen(RunExtended) if event.other_held_out]


def test_stopped_and_resumed_it_stays_what_it_was_made(school, stopped):
    """After the extension the run is as exact as before: it needs no flag any more, and says nothing twice."""
    changes = {"train": rows(9, begin=30), "valid": rows(4, begin=60), "learning_rate": 3e-4, "batch_size": 3}
    whole, _summary = extend(school, stopped, **changes)
    expected = read_history(whole.run)
    adapter = (whole.run / "adapters.safetensors").read_bytes()

    again = school.plan(run="run-2", choice=STEADY)
    with pytest.raises(Stopped):
        school.train(again, stop_when=lambda event: isinstance(event, TrainStep) and event.iteration == 6)
    settings = {name: value for name, value in changes.items() if name not in ("train", "valid")}
    other = school.plan(changes["train"], changes["valid"], run="run-2", choice=dataclasses.replace(STEADY, **settings))
    with pytest.raises(Stopped):
        school.train(
            dataclasses.replace(other, extend=True),
            stop_when=lambda event: isinstance(event, TrainStep) and event.iteration == 9,
        )
    school.events.clear()
    assert school.train(other).finished
    assert school.seen(RunExtended) == [], "it is told once"
    found = read_history(other.run)
    assert (found.train, found.valid, found.gradient_norm, found.best) == (
        expected.train,
        expected.valid,
        expected.gradient_norm,
        expected.best,
    )
    assert (other.run / "adapters.safetensors").read_bytes() == adapter
    events = [json.loads(line)["event"] for line in (other.run / "metrics.jsonl").open()]
    assert events.count("run_extended") == 1


@pytest.mark.parametrize("at", [RunExtended, TrainStep])
def test_killed_before_its_first_checkpoint_it_is_extended_again(school, stopped, at):
    def kill(event):
        if isinstance(event, at):
            raise Killed
        return False

    with pytest.raises(Killed):
        extend(school, stopped, learning_rate=5e-4, train=rows(9, begin=30), stop_when=kill)
    school.events.clear()
    plan = school.plan(rows(9, begin=30), choice=dataclasses.replace(STEADY, learning_rate=5e-4))
    assert school.train(plan).finished, "it is in the run's config already"
    (told,) = school.seen(RunExtended)
    assert told.iteration == 6
    assert [step.iteration for step in school.seen(TrainStep)] == list(range(7, 13))
    assert school.seen(CheckpointSaved)


def test_a_finished_run_learns_on_from_other_data(school):
    plan = school.plan()
    school.train(plan)
    longer, summary = extend(school, plan, train=rows(5, begin=70), iters=20)
    assert summary.finished
    assert summarize(longer.run).iters == 20
    assert read_history(longer.run).iteration == 20


def test_a_run_made_longer_says_so_in_its_story(school):
    plan = school.plan()
    school.train(plan)
    longer = dataclasses.replace(plan, choice=dataclasses.replace(plan.choice, iters=16))
    school.train(longer)
    assert [event.changes for event in school.seen(RunExtended)] == [("iters was 12, now 16",)]
