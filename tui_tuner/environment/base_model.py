"""The base model: whether what is to be tuned is on this machine."""

from __future__ import annotations

from pathlib import Path

from tui_tuner import figures
from tui_tuner.environment.check import CheckResult, Fix
from tui_tuner.environment.model_size import ModelSize
from tui_tuner.language import _
from tui_tuner.plain_text import one_line


def judge_base_model(name: str, folder: Path | None, size: ModelSize | None) -> CheckResult:
    """Judge whether the base model is here.

    Args:
        name: as the project names it.
        folder: where it is; None where it is not.
        size: its size, where known.
    """
    why = _("It is the model you teach; without it there is nothing to train.")
    shown = one_line(name, 60)
    if folder is not None:
        finding = f"{shown} · {figures.size(size.weights)}" if size else shown
        return CheckResult("base_model", _("Base model"), "ok", finding, why)
    finding = _("{name} is not here yet", name=shown)
    if size is not None and size.download:
        finding += " · " + _("about {size} to fetch", size=figures.size(size.download))
    fix = Fix("tuner check --fix base_model", "base_model", _("fetch the base model"))
    return CheckResult("base_model", _("Base model"), "missing", finding, why, fix)
