"""Disk: whether the base model and the fused one have room."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

from tui_tuner import figures
from tui_tuner.environment.check import CheckResult, Fix
from tui_tuner.environment.model_size import GIGABYTE, ModelSize
from tui_tuner.language import _
from tui_tuner.settings import cache_folder

UNKNOWN_MODEL = 5 * GIGABYTE  # wanted free where nobody knows how large the model is
SPARE = GIGABYTE  # data, checkpoints, and what a system needs to breathe


def check_disk(folder: Path, model: ModelSize | None) -> CheckResult:
    """Judge the disk on which `folder` is, or will be."""
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    return judge_disk(shutil.disk_usage(place).free, model, _fix())


def judge_disk(free: int, model: ModelSize | None, fix: Fix | None) -> CheckResult:
    """Judge whether `free` bytes are enough for `model`, fetched and fused."""
    why = _("The base model, checkpoints and the fused model are kept here; a full disk stops a run half-way.")
    needed = model.download + model.fused + SPARE if model else UNKNOWN_MODEL
    finding = _("{free} free", free=figures.size(free))
    if free >= needed:
        return CheckResult("disk", _("Disk"), "ok", finding, why)
    if model:
        finding += " · " + _("fetching and fusing the base model needs {needed}", needed=figures.size(needed))
    why = _("Free {amount} more before fusing, or choose a smaller base model.", amount=figures.size(needed - free))
    return CheckResult("disk", _("Disk"), "warning", finding, why, fix)


def _fix() -> Fix | None:
    """A command that shows what models take, where there are any."""
    places = (Path.home() / ".ollama" / "models", Path.home() / ".cache" / "huggingface", cache_folder())
    there = [shlex.quote(str(place)) for place in places if place.is_dir()]
    return Fix(f"du -sh {' '.join(there)}", None, _("see what models take")) if there else None
