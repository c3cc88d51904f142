"""Stopped wherever it may be and resumed, a run is the same to the bit, whatever is trained and however.

Kills of real processes are in `test_unbreakable` and, a hundred of them, in `benchmarks/hundred_kills.py`.
"""

from __future__ import annotations

import dataclasses
import json

import mlx.core as mx
import pytest
from training.school import QUICK

from tui_tuner.errors import Stopped
from tui_tuner.training.checkpoint import CHECKPOINTS
from tui_tuner.training.events import TrainStep, Validation

STOPS = (1, 2, 4, 7, 8, 11)
GRID = {
    "lora, everything": {
        "dropout": 0.2,
        "grad_accumulation_steps": 3,
        "lr_schedule": "cosine_decay",
        "warmup": 2,
        "grad_clip": 0.5,
        "grad_checkpoint": True,
    },
    "lora, adamw, exponential": {
        "dropout": 0.1,
        "optimizer": "adamw",
        "optimizer_config": ("weight_decay=0.1", "bias_correction=true"),
        "lr_schedule": "exponential_decay",
    },
    "lora, muon": {"dropout": 0.1, "optimizer": "muon", "warmup": 5, "grad_accumulation_steps": 2},
    "lora, some modules": {"dropout": 0.3, "keys": ("self_attn.v_proj", "mlp.up_proj"), "num_layers": -1},
    "dora, adam": {"fine_tune_type": "dora", "dropout": 0.2, "grad_accumulation_steps": 5},
    "dora, adafactor": {
        "fine_tune_type": "dora",
        "dropout": 0.1,
        "optimizer": "adafactor",
        "lr_schedule": "step_decay",
    },
    "dora, sgd": {
        "fine_tune_type": "dora",
        "optimizer": "sgd",
        "optimizer_config": ("momentum=0.9", "nesterov=true"),
        "grad_accumulation_steps": 4,
    },
    "full, adafactor": {
        "fine_tune_type": "full",
        "optimizer": "adafactor",
        "optimizer_config": ("beta_1=0.9", "relative_step=false"),
        "grad_accumulation_steps": 3,
        "grad_checkpoint": True,
    },
    "full, muon": {"fine_tune_type": "full", "optimizer": "muon", "lr_schedule": "linear_schedule", "grad_clip": 1.0},
    "full, adamw": {"fine_tune_type": "full", "optimizer": "adamw", "num_layers": -1, "grad_accumulation_steps": 2},
}


def story(school):
    """All that was measured, of the run and not of the machine."""
    steps = [
        (event.iteration, event.loss, event.learning_rate, event.gradient_norm, event.tokens, event.epoch)
        for event in school.seen(TrainStep)
    ]
    return steps, [(event.iteration, event.loss, event.best) for event in school.seen(Validation)]


def last_checkpoint(plan):
    """Every number of the checkpoint after the last step."""
    folder = plan.run / CHECKPOINTS / str(plan.choice.iters)
    arrays = {
        path.name: {name: array.tolist() for name, array in mx.load(str(path)).items()}
        for path in folder.glob("*.safetensors")
    }
    state = json.loads((folder / "state.json").read_text())
    del state["progress"]["elapsed"], state["metrics_bytes"], state["progress"]["window"]["seconds"]
    return arrays, state


@pytest.mark.parametrize("settings", GRID.values(), ids=GRID)
def test_a_run_that_was_stopped_is_the_run_that_was_not(school, settings):
    choice = dataclasses.replace(QUICK, **settings)
    whole = school.plan(run="whole", choice=choice)
    school.train(whole)
    expected = story(school)
    assert len({loss for _step, loss, *_rest in expected[0]}) > 8, "nothing was learned, so nothing is compared"

    plan = school.plan(run="stopped", choice=choice)
    school.events.clear()
    for last in STOPS:
        with pytest.raises(Stopped):
            school.train(
                plan, stop_when=lambda event, last=last: isinstance(event, TrainStep) and event.iteration == last
            )
    assert school.train(plan).finished
    assert story(school) == expected
    assert (plan.run / "adapters.safetensors").read_bytes() == (whole.run / "adapters.safetensors").read_bytes()
    assert last_checkpoint(plan) == last_checkpoint(whole)


def test_gradients_that_wait_for_their_update_are_kept_and_only_they(school):
    choice = dataclasses.replace(QUICK, grad_accumulation_steps=3)
    plan = school.plan(choice=choice)
    with pytest.raises(Stopped):
        school.train(plan, stop_when=lambda event: isinstance(event, TrainStep) and event.iteration == 5)
    waiting = plan.run / CHECKPOINTS / "5"
    assert json.loads((waiting / "state.json").read_text())["batches"] == 2
    assert (waiting / "gradient.safetensors").is_file()
    school.train(plan)
    assert not (plan.run / CHECKPOINTS / "12" / "gradient.safetensors").exists()


def test_as_many_checkpoints_stay_as_were_asked_for_and_the_best(school):
    choice = dataclasses.replace(QUICK, iters=20, save_every=2, steps_per_eval=1000, keep_checkpoints=3)
    plan = school.plan(choice=choice)
    school.train(plan)
    assert sorted(int(path.name) for path in (plan.run / CHECKPOINTS).iterdir()) == [16, 18, 20]
    choice = dataclasses.replace(choice, keep_checkpoints=1)
    plan = school.plan(run="run-2", choice=choice)
    school.train(plan)
    assert [path.name for path in (plan.run / CHECKPOINTS).iterdir()] == ["20"]
