"""The training settings in mlx-lm's own words: the keys of its YAML, which are those of `adapter_config.json` as well.

Most names are the same here and there. mlx-lm gathers what concerns the adapters in `lora_parameters`, what concerns
the learning rate in `lr_schedule`, and the optimizer's arguments under its name.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from tui_tuner.choices import TrainingChoice
from tui_tuner.training.optimization import optimizer_arguments, schedule_for_mlx_lm

LORA_PARAMETERS = ("rank", "dropout", "scale", "keys")
SCHEDULE = ("warmup", "warmup_init", "lr_end", "decay_steps", "decay_rate", "step_size")
# What mlx-lm cannot do; it passes over keys it does not know.
OURS = (
    "grad_clip",
    "keep_checkpoints",
    "kept_states",
    "learned_logits",
    "chunked_loss",
    "rows_side_by_side",
    "quick_exponentials",
    "quick_adapters",
)


def in_mlx_lms_words(choice: TrainingChoice) -> dict[str, Any]:
    """All of `choice`, by mlx-lm's keys; those of `OURS` by their own."""
    settings = dataclasses.asdict(choice)
    parameters = {name: settings.pop(name) for name in LORA_PARAMETERS}
    for name in SCHEDULE:
        del settings[name]
    if parameters["keys"]:
        parameters["keys"] = list(parameters["keys"])
    else:
        del parameters["keys"]  # mlx-lm then takes every module that can have one
    return {
        **settings,
        "optimizer_config": {choice.optimizer: optimizer_arguments(choice)},
        "lr_schedule": schedule_for_mlx_lm(choice),
        "lora_parameters": None if choice.fine_tune_type == "full" else parameters,
    }
