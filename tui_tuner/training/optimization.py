"""The optimizer and its learning rate, made from the settings exactly as mlx-lm makes them from its own.

The names of optimizers and of their arguments are listed here too, so that a mistake is found before MLX is loaded;
the tests hold the list against the installed MLX.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

from tui_tuner.choices import CONSTANT, TrainingChoice
from tui_tuner.errors import ConfigurationError
from tui_tuner.language import _

Kind = Literal["number", "whole", "pair", "switch"]

_ADAM: Mapping[str, Kind] = {"betas": "pair", "eps": "number", "bias_correction": "switch"}
ARGUMENTS: Mapping[str, Mapping[str, Kind]] = {
    "adam": _ADAM,
    "adamw": {**_ADAM, "weight_decay": "number"},
    "sgd": {"momentum": "number", "weight_decay": "number", "dampening": "number", "nesterov": "switch"},
    "adafactor": {
        "eps": "pair",
        "clip_threshold": "number",
        "decay_rate": "number",
        "beta_1": "number",
        "weight_decay": "number",
        "scale_parameter": "switch",
        "relative_step": "switch",
        "warmup_init": "switch",
    },
    "muon": {"momentum": "number", "weight_decay": "number", "nesterov": "switch", "ns_steps": "whole"},
}
_CLASSES = {"adam": "Adam", "adamw": "AdamW", "sgd": "SGD", "adafactor": "Adafactor", "muon": "Muon"}


def make_optimizer(choice: TrainingChoice) -> Any:
    """The chosen optimizer, not yet initialized.

    Raises:
        ConfigurationError: a setting it does not know or accept.
    """
    from mlx import optimizers
    from mlx_lm.tuner.utils import build_schedule

    arguments = optimizer_arguments(choice)
    schedule = schedule_for_mlx_lm(choice)
    rate = build_schedule(schedule) if schedule else choice.learning_rate
    try:
        return getattr(optimizers, _CLASSES[choice.optimizer])(learning_rate=rate, **arguments)
    except ValueError as error:
        raise ConfigurationError(
            _("optimizer_config: {optimizer} refuses it: {error}", optimizer=choice.optimizer, error=error),
            advice=_("Change optimizer_config in section [training]."),
        ) from error


def optimizer_arguments(choice: TrainingChoice) -> dict[str, Any]:
    """What `optimizer_config` says, by argument, as mlx-lm's YAML would hold it.

    Raises:
        ConfigurationError: not an argument of the chosen optimizer, or not a value it can have.
    """
    known = ARGUMENTS[choice.optimizer]
    arguments: dict[str, Any] = {}
    for part in choice.optimizer_config:
        name, equals, text = (piece.strip() for piece in part.partition("="))
        if not equals or name not in known:
            raise ConfigurationError(
                _("optimizer_config: {optimizer} knows no {name}", optimizer=choice.optimizer, name=repr(part)),
                advice=_("It takes {names}, each as name=value.", names=", ".join(known)),
            )
        try:
            arguments[name] = _read(known[name], text)
        except ValueError:
            kinds = {
                "number": _("a number"),
                "whole": _("a whole number from 1 on"),
                "pair": _("two numbers"),
                "switch": _("true or false"),
            }
            words = {"name": name, "value": repr(text), "expected": kinds[known[name]]}
            raise ConfigurationError(_("optimizer_config: {name} is {value}, expected {expected}", **words)) from None
    return arguments


def _read(kind: Kind, text: str) -> Any:
    """The value of an argument; ValueError where `text` holds none."""
    if kind == "switch":
        if text.lower() not in ("true", "false"):
            raise ValueError(text)
        return text.lower() == "true"
    numbers = [float(part) for part in text.strip("[]()").split(",")]
    if not all(map(math.isfinite, numbers)) or len(numbers) != (2 if kind == "pair" else 1):
        raise ValueError(text)
    if kind == "whole":
        if numbers[0] < 1 or not numbers[0].is_integer():
            raise ValueError(text)
        return int(numbers[0])
    return numbers if kind == "pair" else numbers[0]


def optimizer_config_as_text(arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """`optimizer_config` as the settings hold it, from what mlx-lm's YAML holds."""

    def value(one: Any) -> str:
        if isinstance(one, bool):
            return str(one).lower()
        return ", ".join(map(str, one)) if isinstance(one, list | tuple) else str(one)

    return tuple(f"{name}={value(one)}" for name, one in arguments.items())


def updates_of(choice: TrainingChoice) -> int:
    """How often the weights change in the whole run; steps beyond the last whole accumulation change nothing."""
    return choice.iters // choice.grad_accumulation_steps


def schedule_for_mlx_lm(choice: TrainingChoice) -> dict[str, Any] | None:
    """The learning rate's schedule as mlx-lm's `lr_schedule` wants it; None for a constant one without warm-up.

    It counts updates, not steps. mlx-lm has no name for a constant rate after a warm-up: a line from the rate to
    itself is one.
    """
    rate = choice.learning_rate
    falls_over = choice.decay_steps or max(updates_of(choice) - choice.warmup, 1)
    arguments = {
        CONSTANT: [rate, rate, 1],
        "cosine_decay": [rate, falls_over, choice.lr_end],
        "linear_schedule": [rate, choice.lr_end, falls_over],
        "exponential_decay": [rate, choice.decay_rate],
        "step_decay": [rate, choice.decay_rate, choice.step_size],
    }
    if choice.lr_schedule == CONSTANT and not choice.warmup:
        return None
    name = "linear_schedule" if choice.lr_schedule == CONSTANT else choice.lr_schedule
    schedule: dict[str, Any] = {"name": name, "arguments": arguments[choice.lr_schedule]}
    if choice.warmup:
        schedule |= {"warmup": choice.warmup, "warmup_init": choice.warmup_init}
    return schedule


def falls_to_the_end(choice: TrainingChoice) -> bool:
    """Whether the schedule depends on how many steps the run has."""
    return choice.lr_schedule in ("cosine_decay", "linear_schedule") and not choice.decay_steps


def advice_on(choice: TrainingChoice) -> list[str]:
    """What a person should know about these settings before they are trained with; usually nothing."""
    found = []
    own_step = optimizer_arguments(choice).get("relative_step", True)
    if choice.optimizer == "adafactor" and own_step:
        found.append(
            _(
                "Adafactor chooses its own step size and does not look at learning_rate; for that set"
                " optimizer_config to relative_step=false"
            )
        )
    if left := choice.iters % choice.grad_accumulation_steps:
        words = {"left": left, "steps": choice.grad_accumulation_steps}
        found.append(
            _("the last {left} of the steps change nothing: an update takes {steps} (grad_accumulation_steps)", **words)
        )
    if choice.warmup and choice.warmup >= updates_of(choice):
        words = {"warmup": choice.warmup, "updates": updates_of(choice)}
        found.append(_("the warm-up takes {warmup} updates, and the run has only {updates}", **words))
    return found
