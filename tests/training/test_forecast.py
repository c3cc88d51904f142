"""What a run will take, before it starts; and that one which surely does not fit does not start."""

from __future__ import annotations

import dataclasses
import gc
import json

import mlx.core as mx
import pytest
from training.school import QUICK, School, rows

from tui_tuner.errors import TrainingError
from tui_tuner.models.anatomy import read_anatomy
from tui_tuner.models.catalogue import model_fingerprint
from tui_tuner.models.loading import load_tokenizer
from tui_tuner.progress import Notice, StopToken, ignore_event
from tui_tuner.training import forecast as forecast_module
from tui_tuner.training import preparing
from tui_tuner.training.forecast import Forecast, Forecaster, open_forecaster
from tui_tuner.training.memory_estimate import Machine
from tui_tuner.training.row_lengths import measure_rows, within
from tui_tuner.training.speeds import known_speeds, remember_speed, speeds_file

GIB = 2**30


@pytest.fixture
def forecaster(school: School) -> Forecaster:
    plan = school.plan(rows(40))
    tokenizer = load_tokenizer(school.model)
    measured = [
        measure_rows(plan.data / name, tokenizer, mask_prompt=True, emit=ignore_event, stop=StopToken())
        for name in ("train.jsonl", "valid.jsonl")
    ]
    return open_forecaster(school.model, *measured)


def on(machine_bytes: int, monkeypatch) -> None:
    monkeypatch.setattr(forecast_module, "this_machine", lambda: Machine(machine_bytes, 16 * GIB, gpu=False, cores=2))


def test_rows_are_measured_as_training_cuts_them(school, forecaster):
    from tui_tuner.training.examples import read_examples

    plan = school.plan(rows(40))
    for longest in (30, 60, 4096):
        read = read_examples(
            plan.data / "train.jsonl",
            load_tokenizer(school.model),
            max_seq_length=longest,
            mask_prompt=True,
            emit=ignore_event,
            stop=StopToken(),
        )
        expected = [(example.length, example.supervised) for example in read.usable]
        assert [(row.length, row.supervised) for row in within(forecaster.train, longest)] == expected


def test_what_is_larger_takes_more(forecaster):
    def total(**settings) -> int:
        return forecaster.memory(dataclasses.replace(QUICK, **settings)).total

    assert total(batch_size=8) > total(batch_size=4) > total(batch_size=1)
    assert total(num_layers=-1) > total(num_layers=1)
    assert total(max_seq_length=256) > total(max_seq_length=64)
    assert total(rank=64) > total(rank=4)
    assert total(fine_tune_type="dora") > total(fine_tune_type="lora")
    assert total(num_layers=-1, grad_checkpoint=True) < total(num_layers=-1)
    assert total(optimizer="sgd") < total(optimizer="adam")
    assert total(grad_accumulation_steps=2) > total()


def test_nothing_to_learn_from_is_no_forecast(forecaster):
    assert forecaster.forecast(dataclasses.replace(QUICK, max_seq_length=8)) is None


def test_the_verdict_and_what_fits(forecaster):
    need = forecaster.memory(QUICK).total
    for limit, verdict in ((2 * need, "fits"), (int(1.05 * need), "tight"), (need // 2, "too_much")):
        forecaster.machine = Machine(limit, 16 * GIB, gpu=False, cores=2)
        found = forecaster.forecast(QUICK)
        assert found.verdict == verdict and found.limit == limit
        assert bool(found.advice) == (verdict != "fits")


def test_a_run_that_surely_does_not_fit_loads_nothing_and_leaves_nothing(school, monkeypatch):
    on(100_000, monkeypatch)
    monkeypatch.setattr(preparing, "load_model", lambda *_arguments, **_options: pytest.fail("loaded"))
    plan = dataclasses.replace(school.plan(), check_memory=True)
    with pytest.raises(TrainingError, match="do not fit into this machine's memory") as caught:
        school.train(plan)
    assert "--anyway" in caught.value.advice
    assert not plan.run.exists()


def test_an_earlier_run_in_this_process_leaves_no_model_in_memory(school, monkeypatch):
    found, load = [], preparing.load_model

    def loading(*arguments, **options):
        found.append(mx.get_active_memory())
        return load(*arguments, **options)

    monkeypatch.setattr(preparing, "load_model", loading)
    for name in ("first", "second"):
        gc.disable()  # as it happens between two collections
        try:
            school.train(dataclasses.replace(school.plan(), run=school.folder / name))
        finally:
            gc.enable()
    assert found[1] - found[0] < read_anatomy(school.model).stored / 2


def test_it_can_be_tried_all_the_same(school, monkeypatch):
    on(100_000, monkeypatch)
    assert school.train(dataclasses.replace(school.plan(), check_memory=False)).iteration == QUICK.iters


def test_what_is_tight_is_said_and_both_are_in_the_runs_story(school, monkeypatch, forecaster):
    need = forecaster.memory(QUICK).total
    on(need, monkeypatch)
    plan = dataclasses.replace(school.plan(rows(40)), check_memory=True)
    school.train(plan)
    assert any("Memory may not suffice" in event.text for event in school.seen(Notice))
    assert school.seen(Forecast)[0].verdict == "tight"
    kinds = [json.loads(line)["event"] for line in (plan.run / "metrics.jsonl").read_text().splitlines()]
    assert "forecast" in kinds


def test_an_earlier_run_gives_a_first_guess_of_the_time(school, forecaster):
    assert forecaster.forecast(QUICK).seconds is None
    school.train(school.plan(rows(40)))
    speeds = known_speeds(model_fingerprint(school.model))
    assert len(speeds) == 1
    forecaster._speeds = speeds
    guess = forecaster.forecast(QUICK)
    assert guess.seconds > 0 and guess.error >= 0.3 * guess.seconds
    longer = forecaster.forecast(dataclasses.replace(QUICK, iters=10 * QUICK.iters))
    assert longer.seconds > 5 * guess.seconds


def test_paces_are_kept_by_model_and_a_cache_that_cannot_be_written_is_no_failure(tmp_path, monkeypatch):
    remember_speed("a", 0.5, 3)  # too short to say anything
    assert known_speeds("a") == []
    for seconds in (1.0, 2.0, 3.0, 4.0, 5.0, 6.0):
        remember_speed("a", seconds, 50)
    remember_speed("b", 9.0, 50)
    assert known_speeds("a") == [2.0, 3.0, 4.0, 5.0, 6.0] and known_speeds("b") == [9.0]
    speeds_file().write_text("nonsense\n" + speeds_file().read_text())
    assert known_speeds("b") == [9.0]
    monkeypatch.setenv("TUNER_CACHE", "/proc/no/such/place")
    remember_speed("a", 1.0, 50)
    assert known_speeds("a") == []
