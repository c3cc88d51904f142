"""The YAML of `mlx_lm.lora -c`, read into the training settings and written from them.

A key that the file leaves out has mlx-lm's own default there, and so it has here: only then is it the same training.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui_tuner.choices import CONSTANT, OPTIMIZERS, TrainingChoice
from tui_tuner.configuration import override
from tui_tuner.errors import ConfigurationError
from tui_tuner.files import storage_errors, write_text
from tui_tuner.language import _
from tui_tuner.training.mlx_lm_words import OURS, in_mlx_lms_words
from tui_tuner.training.optimization import optimizer_arguments, optimizer_config_as_text

# mlx-lm's names for settings that have the same name and meaning here, with its defaults.
SAME: Mapping[str, Any] = {
    "fine_tune_type": "lora",
    "optimizer": "adam",
    "seed": 0,
    "num_layers": 16,
    "batch_size": 4,
    "iters": 1000,
    "learning_rate": 1e-5,
    "steps_per_report": 10,
    "steps_per_eval": 200,
    "save_every": 100,
    "max_seq_length": 2048,
    "grad_checkpoint": False,
    "grad_accumulation_steps": 1,
    "mask_prompt": False,
}
ADAPTER: Mapping[str, Any] = {"rank": 8, "dropout": 0.0, "scale": 20.0}
# They say where things are, or are other settings of the project.
PLACES = ("model", "data", "trust_remote_code")
# What has no counterpart here, by what it does when it is left alone.
WITHOUT: Mapping[str, Any] = {
    "train": (True, False, None),
    "test": (True, False, None),
    "val_batches": (-1,),
    "test_batches": (500, -1),
    "resume_adapter_file": (None,),
    "adapter_path": ("adapters",),
    "config": (None,),
    "clear_cache_threshold": (0,),
    "report_to": (None,),
    "project_name": (None,),
}
SCHEDULES: Mapping[str, tuple[str, ...]] = {
    "cosine_decay": ("learning_rate", "decay_steps", "lr_end"),
    "linear_schedule": ("learning_rate", "lr_end", "decay_steps"),
    "exponential_decay": ("learning_rate", "decay_rate"),
    "step_decay": ("learning_rate", "decay_rate", "step_size"),
}
# A float as mlx-lm reads it: YAML 1.1 alone takes 1e-5 for a text.
FLOAT = re.compile(
    r"^[-+]?([0-9][0-9_]*\.[0-9_]*([eE][-+]?[0-9]+)?|[0-9][0-9_]*[eE][-+]?[0-9]+|\.[0-9_]+([eE][-+]?[0-9]+)?)$"
)


@dataclass(frozen=True)
class FromYaml:
    """What a file says.

    Attributes:
        choice: every training setting.
        model: the base model, as the file names it; empty where it does not.
        data: the folder of the dataset, or its name on the hub; empty where the file does not say.
        trust_remote_code: whether code that comes with the model may run; None where the file does not say.
        notices: what was not taken, each in a sentence.
    """

    choice: TrainingChoice
    model: str
    data: str
    trust_remote_code: bool | None
    notices: tuple[str, ...]


def read_yaml(path: Path) -> FromYaml:
    """Read a file that is written for `mlx_lm.lora -c`.

    Raises:
        StorageError: it cannot be read.
        ConfigurationError: it is not YAML, or a value is none that its setting can have.
    """
    table = _load(path)
    known = {*SAME, *WITHOUT, *PLACES, "optimizer_config", "lr_schedule", "lora_parameters"}
    notices = [_("{key}: mlx-lm knows no such key, it is left out", key=key) for key in table if key not in known]
    notices += [
        _("{key}: there is no counterpart here, it is left out", key=key)
        for key, harmless in WITHOUT.items()
        if key in table and table[key] not in harmless
    ]
    try:
        choice = _choice(table, notices)
    except ConfigurationError as error:
        raise ConfigurationError(error.what, where=str(path), advice=error.advice) from None
    trust = table.get("trust_remote_code")
    return FromYaml(choice, str(table.get("model") or ""), str(table.get("data") or ""), trust, tuple(notices))


def _choice(table: Mapping[str, Any], notices: list[str]) -> TrainingChoice:
    settings = {name: table.get(name, default) for name, default in SAME.items()}
    settings |= _adapter(_part(table, "lora_parameters"), notices)
    settings |= _schedule(_part(table, "lr_schedule"))
    arguments = _part(_part(table, "optimizer_config"), str(settings["optimizer"]))
    settings["optimizer_config"] = optimizer_config_as_text(arguments)
    choice = override(TrainingChoice(), {name: _as_text(value) for name, value in settings.items()})
    optimizer_arguments(choice)
    return choice


def _part(table: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A table within a table; empty where there is none."""
    part = table.get(name) or {}
    if not isinstance(part, dict):
        raise ConfigurationError(_("{name} is {value}, expected names and values", name=name, value=repr(part)))
    return part


def _load(path: Path) -> dict[str, Any]:
    import yaml

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        """Reads numbers as mlx-lm's loader does, which changes the library's for everybody."""

    Loader.add_implicit_resolver("tag:yaml.org,2002:float", FLOAT, list("-+0123456789."))
    with storage_errors(path):
        content = path.read_bytes()
    try:
        table = yaml.load(content, Loader)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise ConfigurationError(
            _("not valid YAML: {error}", error=getattr(error, "problem", None) or error), where=where
        ) from error
    if not isinstance(table, dict):
        raise ConfigurationError(_("it holds no settings, each as name: value"), where=str(path))
    return {str(name): value for name, value in table.items()}


def _adapter(parameters: dict[str, Any], notices: list[str]) -> dict[str, Any]:
    """Rank, dropout, scale and keys, from `lora_parameters`."""
    found = dict(ADAPTER)
    for name, value in parameters.items():
        if name in ADAPTER or name == "keys":
            found[name] = value if name in ADAPTER else tuple(value or ())
        elif name == "alpha":
            notices.append(_("lora_parameters.alpha: mlx-lm takes scale instead, it is left out"))
        else:
            notices.append(_("lora_parameters.{key}: mlx-lm knows no such key, it is left out", key=name))
    return found


def _schedule(schedule: dict[str, Any]) -> dict[str, Any]:
    """The settings of the learning rate, from `lr_schedule`; its first argument is where the rate begins."""
    if not schedule:
        return {}
    name, arguments = str(schedule.get("name")), list(schedule.get("arguments") or ())
    if name not in SCHEDULES or not 2 <= len(arguments) <= len(SCHEDULES[name]):
        raise ConfigurationError(
            _("lr_schedule: {name} with {count} arguments is not known here", name=repr(name), count=len(arguments)),
            advice=_("Known: {names}.", names=", ".join(SCHEDULES)),
        )
    found: dict[str, Any] = dict(zip(SCHEDULES[name], arguments, strict=False))
    flat = name == "linear_schedule" and arguments[0] == arguments[1]
    if flat:  # how a constant rate after a warm-up is written
        found = {"learning_rate": arguments[0]}
    found["lr_schedule"] = CONSTANT if flat else name
    found["warmup"] = schedule.get("warmup") or 0
    found["warmup_init"] = schedule.get("warmup_init") or 0.0
    return found


def _as_text(value: Any) -> str:
    """As a person would type it: the settings' own reader then says what is wrong with it."""
    if isinstance(value, list | tuple):
        return "; ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def write_yaml(path: Path, choice: TrainingChoice, *, model: str, data: Path, trust_remote_code: bool) -> list[str]:
    """Write a file with which `mlx_lm.lora -c` does the same training.

    Returns:
        What mlx-lm cannot do, or does otherwise, each in a sentence; it also stands in the file.

    Raises:
        StorageError: it cannot be written; an earlier one is as it was.
    """
    import yaml

    words = in_mlx_lms_words(choice)
    table = {name: words[name] for name in (*SAME, "optimizer_config", "lr_schedule", "lora_parameters")}
    table |= {
        "model": model,
        "data": str(data),
        "train": True,
        "val_batches": -1,
        "trust_remote_code": trust_remote_code,
    }
    table["optimizer_config"] = {name: {} for name in OPTIMIZERS} | table["optimizer_config"]
    told = _what_differs(choice)
    head = f"# Written by tuner, for: mlx_lm.lora -c {path.name}\n"
    comments = "".join(f"# {text}\n" for text in told)
    write_text(path, head + comments + yaml.safe_dump(table, sort_keys=False))
    return told


def _what_differs(choice: TrainingChoice) -> list[str]:
    plain, told = TrainingChoice(), []
    for name in (*OURS, "patience"):
        if getattr(choice, name) != getattr(plain, name):
            told.append(_("{name}: mlx-lm cannot do it", name=name))
    if choice.mask_prompt:
        told.append(_("mask_prompt: mlx-lm learns the last answer of a conversation alone, not every one"))
    told.append(_("mlx-lm puts the rows into other batches, and refuses files with fewer rows than a batch"))
    return told
