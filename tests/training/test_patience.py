"""Ending early: where it should, the same after every interruption, and not for good."""

from __future__ import annotations

import dataclasses

import pytest
from training.school import QUICK, chat, rows

from tui_tuner.errors import Stopped
from tui_tuner.training.checkpoint import CHECKPOINTS, Progress
from tui_tuner.training.events import TrainingEnded, TrainStep, Validation
from tui_tuner.training.history import read_history
from tui_tuner.training.patience import count_evaluation, has_given_up
from tui_tuner.training.runs import summarize

IMPATIENT = dataclasses.replace(QUICK, iters=60, steps_per_eval=2, save_every=8, dropout=0.1, samples=0, patience=3)
UNLIKE = [chat("what else", "ZEBRA")]  # what is learned is no help here


def story(plan):
    history = read_history(plan.run)
    return history.train, history.valid, (plan.run / "adapters.safetensors").read_bytes()


@pytest.fixture
def early(school):
    plan = school.plan(run="early", valid=UNLIKE, choice=IMPATIENT)
    school.train(plan)
    return plan


def test_it_ends_when_so_many_evaluations_brought_nothing_better(school, early):
    losses = [event.loss for event in school.seen(Validation)][1:]
    summary = summarize(early.run)
    best = losses.index(min(losses))

    assert len(losses) == best + 1 + 3
    assert summary.best_iteration == 2 * (best + 1)
    (ended,) = school.seen(TrainingEnded)
    assert (ended.finished, ended.early, ended.iteration) == (True, True, summary.best_iteration + 6)
    assert (summary.state, summary.finished, summary.iteration) == ("ended early", True, ended.iteration)
    kept = early.run / CHECKPOINTS / str(summary.best_iteration) / "adapters.safetensors"
    assert (early.run / "adapters.safetensors").read_bytes() == kept.read_bytes()
    assert (early.run / CHECKPOINTS / str(ended.iteration)).is_dir(), "it can go on from where it ended"
    assert any("for 3 evaluations" in text for _time, text in read_history(early.run).notices)


def test_a_run_stopped_on_the_way_ends_where_the_other_did(school, early):
    plan = school.plan(run="stopped", valid=UNLIKE, choice=IMPATIENT)
    end = summarize(early.run).iteration
    for last in (end - 3, end - 1, end):
        with pytest.raises(Stopped):
            school.train(
                plan, stop_when=lambda event, last=last: isinstance(event, TrainStep) and event.iteration == last
            )
    school.train(plan)
    assert story(plan) == story(early)
    assert summarize(plan.run).state == "ended early"


def test_without_patience_it_would_have_gone_on_and_so_it_can(school, early):
    whole = school.plan(run="whole", valid=UNLIKE, choice=dataclasses.replace(IMPATIENT, patience=0))
    assert school.train(whole).state == "finished"

    longer = dataclasses.replace(early, choice=whole.choice)
    assert school.train(longer).state == "finished"
    assert story(longer) == story(whole)


def test_more_iterations_give_it_as_many_evaluations_again(school, early):
    before = summarize(early.run)
    longer = dataclasses.replace(early, choice=dataclasses.replace(IMPATIENT, iters=100))
    after = school.train(longer)
    assert after.iteration > before.iteration
    assert (after.iteration - after.best_iteration) % 6 == 0


def test_counting():
    progress = Progress(iteration=2, best_iteration=2)
    choice = dataclasses.replace(IMPATIENT, patience=2)
    told = [bool(count_evaluation(progress, choice, best=best)) for best in (True, False, True, False, False, False)]
    assert told == [False, False, False, False, True, False]
    assert has_given_up(progress, choice)
    assert not has_given_up(progress, dataclasses.replace(choice, patience=3))
    assert not has_given_up(progress, dataclasses.replace(choice, iters=99))
    at_the_end = Progress(iteration=60, not_better=1)
    assert not count_evaluation(at_the_end, choice, best=False), "there is nothing left to end"
    assert not any(count_evaluation(progress, QUICK, best=False) for _time in range(9))


def test_a_good_run_is_not_ended(school):
    choice = dataclasses.replace(QUICK, patience=1)
    assert school.train(school.plan(valid=rows(3), choice=choice)).state == "finished"
