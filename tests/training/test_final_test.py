"""The final test: of the adapter that is kept, on rows nothing was chosen by, once a run is done."""

from __future__ import annotations

import dataclasses
import math

import pytest
from training.school import QUICK, chat, write_rows

from tui_tuner.errors import Stopped
from tui_tuner.models.loading import apply_adapter, load_model
from tui_tuner.progress import Notice, StageProgress
from tui_tuner.training import final_test
from tui_tuner.training.batches import assemble
from tui_tuner.training.checkpoint import CHECKPOINTS
from tui_tuner.training.events import FinalTest, TrainingEnded, TrainStep, Validation
from tui_tuner.training.final_test import perplexity
from tui_tuner.training.history import read_history
from tui_tuner.training.loss import PlainLoss
from tui_tuner.training.runs import summarize
from tui_tuner.training.shortcuts.frozen_states import FrozenStates
from tui_tuner.training.shortcuts.state_store import StateStore

TEST = [chat("what else", "aye aye"), chat("and then?", "aye"), chat("so?", "aye aye aye")]
# The best adapter is not the last one.
OVERDONE = dataclasses.replace(QUICK, iters=40, steps_per_eval=2, save_every=2, samples=0)


@pytest.fixture
def plan(school):
    made = school.plan(valid=[chat("what else", "ZEBRA")], choice=OVERDONE)
    write_rows(made.data / "test.jsonl", TEST)
    return made


def plain_loss(plan) -> float:
    from tui_tuner.progress import StopToken, ignore_event
    from tui_tuner.training.examples import read_examples

    loaded = load_model(plan.model)
    apply_adapter(loaded.model, plan.run)
    found = read_examples(
        plan.data / "test.jsonl",
        loaded.tokenizer,
        max_seq_length=256,
        mask_prompt=True,
        emit=ignore_event,
        stop=StopToken(),
    )
    return PlainLoss()(loaded.model, assemble(found.usable)).item()


def test_it_measures_the_adapter_that_is_kept(school, plan):
    summary = school.train(plan)
    (tested,) = school.seen(FinalTest)

    assert tested.loss == pytest.approx(plain_loss(plan), rel=1e-5)
    assert tested.perplexity == pytest.approx(math.exp(tested.loss))
    assert tested.iteration == summary.best_iteration < 40
    assert (tested.rows, tested.tokens) == (3, sum(len("aye " * n) - 1 + 2 for n in (2, 1, 3)))
    assert summary.test_loss == tested.loss
    assert read_history(plan.run).test == tested
    kinds = [type(event) for event in school.events if not isinstance(event, StageProgress)]
    assert kinds.index(FinalTest) == kinds.index(TrainingEnded) - 1


def test_the_last_checkpoint_is_of_the_last_step_all_the_same(school, plan):
    school.train(plan)
    silent = dataclasses.replace(plan, run=plan.run.with_name("silent"))
    (plan.data / "test.jsonl").unlink()
    school.train(silent)
    at = f"{CHECKPOINTS}/40/adapters.safetensors"
    assert (plan.run / at).read_bytes() == (silent.run / at).read_bytes()
    assert len(school.seen(FinalTest)) == 1, "without the file there is no test"


def test_a_run_that_is_stopped_is_tested_when_it_is_done(school, plan):
    with pytest.raises(Stopped):
        school.train(plan, stop_when=lambda event: isinstance(event, TrainStep) and event.iteration == 7)
    assert school.seen(FinalTest) == []

    def in_the_test(event):
        over = any(measured.iteration == 40 for measured in school.seen(Validation))
        return over and isinstance(event, StageProgress) and event.unit == "batches"

    with pytest.raises(Stopped):
        school.train(plan, stop_when=in_the_test)
    assert (school.seen(FinalTest), summarize(plan.run).state) == ([], "stopped")
    assert school.train(plan).state == "finished"
    assert len(school.seen(FinalTest)) == 1


def test_a_longer_run_is_tested_anew(school, plan):
    school.train(plan)
    school.train(dataclasses.replace(plan, choice=dataclasses.replace(OVERDONE, iters=42)))
    assert len(school.seen(FinalTest)) == 2
    assert sum("final_test" in line for line in (plan.run / "metrics.jsonl").open()) == 1


def test_it_keeps_no_states_and_computes_none_twice(school, plan, monkeypatch):
    """Their memory was not foretold, and no row of it comes a second time."""
    kept, computed = [], []
    put, ask = StateStore.put, FrozenStates._ask

    def testing():
        return any(measured.iteration == 40 for measured in school.seen(Validation))

    def see_put(store, example, states):
        kept.append(testing())
        return put(store, example, states)

    def see_ask(states, example):
        computed.append(testing())
        return ask(states, example)

    monkeypatch.setattr(StateStore, "put", see_put)
    monkeypatch.setattr(FrozenStates, "_ask", see_ask)
    school.train(plan)
    assert kept and not any(kept)
    assert sum(computed) == len(TEST)


def test_a_test_that_cannot_be_computed_costs_nothing(school, plan, monkeypatch):
    def no_memory(*_arguments, **_named):
        raise RuntimeError("[malloc] Unable to allocate 123 bytes.")

    monkeypatch.setattr(final_test, "held_out_loss", no_memory)
    assert school.train(plan).finished
    assert any("no test loss" in notice.text for notice in school.seen(Notice))


def test_perplexity_of_a_hopeless_loss():
    assert perplexity(0.0) == 1.0
    assert math.isfinite(perplexity(1e6))
