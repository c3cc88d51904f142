"""Before a run loads anything: whether it fits into memory, and what it will take."""

from __future__ import annotations

from tui_tuner import figures
from tui_tuner.errors import ModelError, TrainingError
from tui_tuner.language import _
from tui_tuner.progress import Event, Notice
from tui_tuner.training.examples import Examples
from tui_tuner.training.forecast import Forecast, open_forecaster
from tui_tuner.training.plan import TrainingPlan
from tui_tuner.training.row_lengths import measured


def check_memory(plan: TrainingPlan, train: Examples, valid: Examples) -> list[Event]:
    """What the run will take, and a warning where that may be too much.

    Raises:
        TrainingError: it surely does not fit; says what does.
        StorageError: the model's files cannot be read.
    """
    if not plan.check_memory:
        return []
    try:
        forecaster = open_forecaster(plan.model, *([measured(one) for one in part.usable] for part in (train, valid)))
    except ModelError as error:
        return [Notice(_("Its memory cannot be estimated: {why}.", why=error.what), "warning")]
    forecast = forecaster.forecast(plan.choice)
    if forecast is None:
        return []
    if forecast.verdict == "too_much":
        raise TrainingError(
            _("these settings do not fit into this machine's memory: {memory}", memory=memory_in_words(forecast)),
            where=plan.model_name,
            advice=_("{advice} To try it all the same: tuner train --anyway", advice=forecast.advice),
        )
    if forecast.verdict == "tight":
        text = _("Memory may not suffice: {memory}. {advice}", memory=memory_in_words(forecast), advice=forecast.advice)
        return [forecast, Notice(text, "warning")]
    return [forecast]


def memory_in_words(forecast: Forecast) -> str:
    """How much of how much: `about 3.1 of 10.7 GB`."""
    total, limit = figures.memory(forecast.memory.total), figures.memory(forecast.limit)
    return _("about {total} of {limit}", total=total.removesuffix(" GB"), limit=limit)
