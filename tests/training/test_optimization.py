from __future__ import annotations

import dataclasses
import inspect
import math

import pytest

from tui_tuner.choices import OPTIMIZERS, TrainingChoice
from tui_tuner.errors import ConfigurationError
from tui_tuner.training import optimization
from tui_tuner.training.optimization import (
    ARGUMENTS,
    advice_on,
    make_optimizer,
    optimizer_arguments,
    optimizer_config_as_text,
    schedule_for_mlx_lm,
)

CHOICE = TrainingChoice(iters=100, learning_rate=1e-3)


def choose(**settings) -> TrainingChoice:
    return dataclasses.replace(CHOICE, **settings)


def rates(choice, updates):
    """The learning rate of each of the first updates."""
    optimizer = make_optimizer(choice)
    found = []
    for _update in range(updates):
        optimizer.apply_gradients({}, {})
        found.append(optimizer.learning_rate.item())
    return found


def test_the_list_of_arguments_is_that_of_the_installed_mlx():
    from mlx import optimizers

    assert tuple(ARGUMENTS) == OPTIMIZERS
    for name, known in ARGUMENTS.items():
        signature = inspect.signature(getattr(optimizers, optimization._CLASSES[name]).__init__)
        assert set(known) == set(signature.parameters) - {"self", "learning_rate"}, name
        for argument, kind in known.items():
            default = signature.parameters[argument].default
            if kind == "pair":
                assert len(default) == 2
            elif default is not None:
                assert type(default) is {"number": float, "whole": int, "switch": bool}[kind], (name, argument)


def test_without_a_word_the_optimizers_are_as_mlx_makes_them():
    from mlx import optimizers

    for name in OPTIMIZERS:
        kind = getattr(optimizers, optimization._CLASSES[name])
        found, expected = make_optimizer(choose(optimizer=name)), kind(learning_rate=1e-3)
        plain = {key for key in vars(expected) if not key.startswith("_")}
        assert type(found) is kind
        assert {key: getattr(found, key) for key in plain} == {key: getattr(expected, key) for key in plain}


def test_what_is_typed_is_what_the_optimizer_gets_and_can_be_typed_again():
    config = ("betas=0.8, 0.95", "weight_decay=0.1", "bias_correction=True", "eps=1e-6")
    arguments = {"betas": [0.8, 0.95], "weight_decay": 0.1, "bias_correction": True, "eps": 1e-6}
    choice = choose(optimizer="adamw", optimizer_config=config)
    assert optimizer_arguments(choice) == arguments
    optimizer = make_optimizer(choice)
    assert (optimizer.betas, optimizer.weight_decay, optimizer.bias_correction) == ([0.8, 0.95], 0.1, True)
    again = choose(optimizer="adamw", optimizer_config=optimizer_config_as_text(arguments))
    assert optimizer_arguments(again) == arguments


@pytest.mark.parametrize(
    ("optimizer", "config", "message"),
    [
        ("adam", "weight_decay=0.1", "adam knows no 'weight_decay=0.1'"),
        ("adamw", "weight_decay", "adamw knows no 'weight_decay'"),
        ("adamw", "weight_decay=much", "weight_decay is 'much', expected a number"),
        ("adamw", "weight_decay=nan", "weight_decay is 'nan', expected a number"),
        ("adamw", "betas=0.9", "betas is '0.9', expected two numbers"),
        ("muon", "ns_steps=2.5", "ns_steps is '2.5', expected a whole number"),
        ("sgd", "nesterov=maybe", "nesterov is 'maybe', expected true or false"),
        ("sgd", "nesterov=true", "sgd refuses it: Nesterov momentum requires a momentum"),
        ("adam", "betas=1.5, 0.9", "adam refuses it"),
    ],
)
def test_a_mistake_in_the_optimizers_settings_is_named(optimizer, config, message):
    with pytest.raises(ConfigurationError, match="optimizer_config") as raised:
        make_optimizer(choose(optimizer=optimizer, optimizer_config=(config,)))
    assert message in raised.value.what


def test_the_learning_rate_rises_and_then_falls_to_its_end_with_the_run():
    choice = choose(lr_schedule="cosine_decay", warmup=10, warmup_init=1e-5, lr_end=1e-4, grad_accumulation_steps=2)
    found = rates(choice, 50)
    assert found[0] == pytest.approx(1e-5)
    assert found[10] == pytest.approx(1e-3)
    assert found[:11] == sorted(found[:11])
    assert found[11:] == sorted(found[11:], reverse=True)
    assert found[-1] == pytest.approx(1e-4, rel=0.1), "50 updates: the last is all but the end"
    assert rates(choose(lr_schedule="cosine_decay", decay_steps=20), 30)[20:] == pytest.approx([0] * 10, abs=1e-9)


def test_each_schedule_is_the_one_it_is_named_after():
    line = rates(choose(lr_schedule="linear_schedule", lr_end=5e-4, decay_steps=10), 12)
    assert line == pytest.approx([1e-3 - 5e-5 * min(step, 10) for step in range(12)])
    falling = rates(choose(lr_schedule="exponential_decay", decay_rate=0.9), 5)
    assert falling == pytest.approx([1e-3 * 0.9**step for step in range(5)])
    stairs = rates(choose(lr_schedule="step_decay", decay_rate=0.5, step_size=2), 6)
    assert stairs == pytest.approx([1e-3, 1e-3, 5e-4, 5e-4, 2.5e-4, 2.5e-4])
    assert rates(choose(warmup=4), 8) == pytest.approx([0, 2.5e-4, 5e-4, 7.5e-4, 1e-3, 1e-3, 1e-3, 1e-3])
    assert rates(CHOICE, 3) == pytest.approx([1e-3] * 3)


def test_a_schedule_is_written_as_mlx_lm_writes_it():
    assert schedule_for_mlx_lm(CHOICE) is None
    choice = choose(lr_schedule="cosine_decay", warmup=10, lr_end=1e-5, warmup_init=1e-7)
    assert schedule_for_mlx_lm(choice) == {
        "name": "cosine_decay",
        "arguments": [1e-3, 90, 1e-5],
        "warmup": 10,
        "warmup_init": 1e-7,
    }
    arguments = schedule_for_mlx_lm(choose(lr_schedule="cosine_decay", warmup=200))["arguments"]
    assert arguments == [1e-3, 1, 0.0], "a warm-up longer than the run leaves no update to fall over"


def test_settings_that_do_not_do_what_they_seem_to_are_said():
    assert advice_on(CHOICE) == []
    (own,) = advice_on(choose(optimizer="adafactor"))
    assert "relative_step=false" in own
    assert advice_on(choose(optimizer="adafactor", optimizer_config=("relative_step=false",))) == []
    (left,) = advice_on(choose(grad_accumulation_steps=3))
    assert left.startswith("the last 1 of the steps")
    (long,) = advice_on(choose(warmup=100))
    assert "the run has only 100" in long
    assert math.isfinite(rates(choose(warmup=100), 3)[-1])
