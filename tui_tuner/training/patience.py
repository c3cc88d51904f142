"""When training longer brings nothing: the held-out loss has not fallen for so many evaluations.

Counted in the run's progress, so that a run that was stopped or killed gives up where an uninterrupted one would have.
"""

from __future__ import annotations

from tui_tuner.choices import TrainingChoice
from tui_tuner.language import ngettext
from tui_tuner.training.checkpoint import Progress


def count_evaluation(progress: Progress, choice: TrainingChoice, *, best: bool) -> str:
    """Count one held-out loss, measured after a step; `best` where it is the lowest so far.

    Returns:
        Why the run is to end here; empty where it goes on. Every `patience` evaluations without a better one are a
        reason, so that a run that goes on all the same is given as many again.
    """
    progress.not_better = 0 if best else progress.not_better + 1
    if not choice.patience or not progress.not_better or progress.not_better % choice.patience:
        return ""
    if progress.iteration >= choice.iters:
        return ""
    progress.gave_up = _terms(choice)
    return ngettext(
        "the held-out loss has not fallen for {count} evaluation: training ends early, the adapter of step {step:,} is"
        " kept",
        "the held-out loss has not fallen for {count} evaluations: training ends early, the adapter of step {step:,} is"
        " kept",
        progress.not_better,
        count=progress.not_better,
        step=progress.best_iteration or 0,
    )


def has_given_up(progress: Progress, choice: TrainingChoice) -> bool:
    """Whether the run ended early; with more iterations or another patience it goes on."""
    return progress.gave_up == _terms(choice)


def _terms(choice: TrainingChoice) -> list[int]:
    return [choice.iters, choice.patience]
