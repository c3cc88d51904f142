"""Whether the base model is small enough as it is; where not, whether it is in 4 bits, or which one would be.

Adapters on a base in 4 bits learn what they learn on the whole one (QLoRA, Dettmers and others, arXiv 2305.14314).
"""

from __future__ import annotations

from collections.abc import Collection

from tui_tuner import figures
from tui_tuner.choices import ModelChoice, TrainingChoice
from tui_tuner.environment.model_offers import suggestion
from tui_tuner.language import _
from tui_tuner.training.auto_memory import best_fit
from tui_tuner.training.forecast import Forecaster
from tui_tuner.training.memory_estimate import Machine
from tui_tuner.training.suggestions import MODEL, Suggestion

BITS = 4
QUANTIZE = f"{MODEL}quantize"


def squeezed_base(
    forecaster: Forecaster, model: ModelChoice, choice: TrainingChoice, given: Collection[str], rows: int
) -> tuple[Forecaster, Suggestion] | None:
    """The base in 4 bits and the suggestion to take it so, where only that fits well; None where nothing is gained.

    Args:
        forecaster: of the base as it is.
        model: which that is.
        choice: how it is trained, but for what memory decides.
        given: training settings that stay as they are in `choice`.
        rows: that can be learned from, at least one.
    """
    if model.bits or forecaster.anatomy.quantized or choice.fine_tune_type == "full":
        return None
    whole = best_fit(forecaster, choice, given, rows)
    if whole.fits:
        return None
    smaller = forecaster.squeezed(BITS)
    fit = best_fit(smaller, choice, given, rows)
    if not fit.fits:
        return None
    words = {
        "needs": figures.memory(whole.total),
        "limit": figures.memory(forecaster.machine.usable),
        "takes": figures.memory(fit.total),
    }
    why = _("at least {needs} of {limit} whole, {takes} in 4 bits, and learns as well", **words)
    return smaller, Suggestion(QUANTIZE, model.quantize, str(BITS), why)


def smaller_model(machine: Machine, model: ModelChoice) -> str:
    """Which model of the short list suits the machine better, as the end of a sentence."""
    name = suggestion(machine.usable, has_gpu=machine.gpu)
    if name == model.name:
        return _("no model of the short list is smaller")
    return _("{name} suits this machine: tuner models --use {name}", name=name)
