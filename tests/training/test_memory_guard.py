"""A run whose memory runs out goes on in smaller parts. MLX's errors are raised by hand: on Linux it dies instead."""

from __future__ import annotations

import dataclasses

import pytest
from training.school import QUICK, rows
from training.test_train import adapter, curves

from tui_tuner.errors import Stopped, TrainingError
from tui_tuner.progress import Notice
from tui_tuner.training.checkpoint import CHECKPOINTS
from tui_tuner.training.events import CheckpointSaved, MicroBatchHalved, TrainingEnded, TrainStep, Validation
from tui_tuner.training.history import read_history
from tui_tuner.training.memory_guard import MemoryGuard, tells_of_memory
from tui_tuner.training.shortcuts.quick_loss import QuickLoss

METAL = (
    "[METAL] Command buffer execution failed: Insufficient Memory "
    "(00000008:kIOGPUCommandBufferCallbackErrorOutOfMemory)."
)
ALLOCATOR = (
    "[metal::malloc] Attempting to allocate 9663676416 bytes which is greater than the maximum allowed buffer size."
)
DROPOUT = dataclasses.replace(QUICK, dropout=0.1)


@pytest.fixture
def scarce(monkeypatch):
    """From a step on, no more than so many rows fit."""

    def begin(school, most: int, *, after: int = 0, error: Exception | None = None, in_training: bool = True):
        def wrap(kind, name):
            original = getattr(kind, name)

            def call(self, model, batch):
                found = original(self, model, batch)  # has drawn its random numbers when memory runs out
                done = len(school.seen(TrainStep))
                if done >= after and len(batch.examples) > most and model.training is in_training:
                    raise error or RuntimeError(METAL)
                return found

            monkeypatch.setattr(kind, name, call)

        for name in ("gradient", "value"):
            wrap(QuickLoss, name)

    return begin


@pytest.mark.parametrize("error", [RuntimeError(METAL), RuntimeError(ALLOCATOR), MemoryError("std::bad_alloc")])
def test_the_step_is_done_again_in_halves_with_the_same_result(school, scarce, error):
    whole = school.plan(run="whole")
    school.train(whole)
    expected = [step.loss for step in school.seen(TrainStep)]

    school.events.clear()
    scarce(school, 1, after=5, error=error)
    plan = school.plan()
    assert school.train(plan).finished

    assert [step.loss for step in school.seen(TrainStep)] == pytest.approx(expected, rel=1e-6)
    halvings = school.seen(MicroBatchHalved)
    assert [(event.iteration, event.before, event.micro_batch) for event in halvings] == [(5, 4, 2), (5, 2, 1)]
    assert "MLX ran out of memory in step 6: rows computed at once 4 → 2" in str(halvings[0])
    assert str(halvings[1]) in [text for _time, text in read_history(plan.run).notices]
    assert 5 in [event.iteration for event in school.seen(CheckpointSaved)], "a checkpoint before it goes on"


def test_a_new_attempt_draws_the_random_numbers_of_the_first(school, scarce, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(MemoryGuard, "micro_batch", 2)
        known = school.plan(run="known", choice=DROPOUT)
        school.train(known)
    school.events.clear()
    scarce(school, 2)
    plan = school.plan(run="found-out", choice=DROPOUT)
    school.train(plan)
    assert [event.iteration for event in school.seen(MicroBatchHalved)] == [0]
    assert adapter(plan) == adapter(known)


def test_a_resumed_run_keeps_its_micro_batch_to_the_bit(school, scarce):
    scarce(school, 2, after=3)
    whole = school.plan(run="whole", choice=DROPOUT)
    school.train(whole)

    school.events.clear()
    plan = school.plan(run="stopped", choice=DROPOUT)
    with pytest.raises(Stopped):
        school.train(plan, stop_when=lambda event: isinstance(event, TrainStep) and event.iteration == 6)
    school.events.clear()
    assert school.train(plan).finished
    assert school.seen(MicroBatchHalved) == [], "it is not found out a second time"
    assert curves(plan) == curves(whole)
    assert adapter(plan) == adapter(whole)


@pytest.mark.parametrize("after", [4, 5])  # after step 4 there is a checkpoint already
def test_killed_right_after_the_halving_it_goes_on_as_if_it_had_not_been(school, scarce, after):
    scarce(school, 1, after=after)
    whole = school.plan(run="whole", choice=DROPOUT)
    school.train(whole)

    class Killed(BaseException):
        pass

    def kill(event):
        if isinstance(event, CheckpointSaved) and school.seen(MicroBatchHalved):
            raise Killed
        return False

    school.events.clear()
    plan = school.plan(run="killed", choice=DROPOUT)
    with pytest.raises(Killed):
        school.train(plan, stop_when=kill)
    assert school.events[-1].iteration == after
    school.events[:] = [event for event in school.events if isinstance(event, TrainStep)]
    assert school.train(plan).finished
    assert [event.micro_batch for event in school.seen(MicroBatchHalved)] == [1], "the first halving is remembered"
    assert curves(plan) == curves(whole)
    assert adapter(plan) == adapter(whole)


def test_one_row_that_does_not_fit_ends_it_with_everything_kept(school, scarce, monkeypatch):
    scarce(school, 0, after=6)
    plan = school.plan()
    with pytest.raises(TrainingError, match=r"could not compute step 7: \[METAL\]") as raised:
        school.train(plan)
    assert "batch_size" in raised.value.advice
    assert [event.micro_batch for event in school.seen(MicroBatchHalved)] == [2, 1]
    assert (plan.run / CHECKPOINTS / "6").is_dir()
    assert not school.seen(TrainingEnded)[0].finished
    monkeypatch.undo()
    assert school.train(plan).finished


def test_another_error_of_mlx_is_not_tried_again(school, scarce):
    scarce(school, 2, after=6, error=RuntimeError("There is no Stream(cpu, 0) in current thread."))
    with pytest.raises(TrainingError, match="could not compute step 7: There is no Stream"):
        school.train(school.plan())
    assert school.seen(MicroBatchHalved) == []


def test_held_out_rows_are_measured_in_halves_too(school, scarce):
    valid = rows(7, begin=20)
    school.train(school.plan(valid=valid, run="whole"))
    expected = [event.loss for event in school.seen(Validation)]

    school.events.clear()
    scarce(school, 2, after=3, in_training=False)
    school.train(school.plan(valid=valid))
    assert [event.loss for event in school.seen(Validation)] == pytest.approx(expected, rel=1e-6)
    assert [event.reason for event in school.seen(MicroBatchHalved)] == ["MLX ran out of memory in the held-out loss"]


def test_weights_that_were_changed_half_way_are_not_kept(school, monkeypatch):
    from mlx.optimizers import Adam

    update = Adam.update

    def broken(self, model, gradient):
        update(self, model, gradient)
        if len(school.seen(TrainStep)) == 6:
            raise RuntimeError(METAL)

    whole = school.plan(run="whole")
    school.train(whole)
    school.events.clear()
    plan = school.plan()
    monkeypatch.setattr(Adam, "update", broken)
    with pytest.raises(TrainingError, match="could not change the weights"):
        school.train(plan)
    monkeypatch.undo()
    assert sorted(path.name for path in (plan.run / CHECKPOINTS).iterdir()) == ["4"]
    school.train(plan)
    assert adapter(plan) == adapter(whole)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (RuntimeError(METAL), True),
        (RuntimeError("[malloc] Unable to allocate 123 bytes."), True),
        (RuntimeError("[metal::malloc] Resource limit (499000) exceeded."), True),
        (RuntimeError("cudaMallocAsync failed: out of memory"), True),
        (MemoryError(), True),
        (RuntimeError("[matmul] Last dimension of first input with shape (1,2)"), False),
        (ValueError("anything"), False),
    ],
)
def test_which_errors_tell_of_memory(error, expected):
    assert tells_of_memory(error) is expected


WATCHDOG = (
    "[METAL] Command buffer execution failed: Impacting Interactivity "
    "(0000000e:kIOGPUCommandBufferCallbackErrorImpactingInteractivity)."
)


def test_a_gpu_that_macos_stopped_gets_less_at_once_and_the_person_advice(school, scarce):
    scarce(school, 2, after=5, error=RuntimeError(WATCHDOG))
    assert school.train(school.plan()).finished
    (halved,) = school.seen(MicroBatchHalved)
    assert halved.reason == "macOS stopped the GPU in step 6"
    assert any("pmset displaysleepnow" in notice.text for notice in school.seen(Notice))


def test_a_gpu_that_macos_stops_for_one_row_ends_it_with_that_advice(school, scarce):
    scarce(school, 0, after=5, error=RuntimeError(WATCHDOG))
    with pytest.raises(TrainingError, match="Impacting Interactivity") as raised:
        school.train(school.plan())
    assert "pmset displaysleepnow" in raised.value.advice


def test_accumulated_gradients_survive_a_halving(school, scarce):
    choice = dataclasses.replace(QUICK, grad_accumulation_steps=3)
    whole = school.plan(run="whole", choice=choice)
    school.train(whole)
    expected = [step.loss for step in school.seen(TrainStep)]
    school.events.clear()
    scarce(school, 1, after=4)  # one of three batches has been gathered
    plan = school.plan(choice=choice)
    school.train(plan)
    assert [step.loss for step in school.seen(TrainStep)] == pytest.approx(expected, rel=1e-6)
    assert [event.micro_batch for event in school.seen(MicroBatchHalved)] == [2, 1]
