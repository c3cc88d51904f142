"""Going on with other data or settings than a run began with: where it is allowed, and what follows from it."""

from __future__ import annotations

import dataclasses
import time

from tui_tuner.training.changes import HELD_OUT, ORDER, changes_between, require_allowed
from tui_tuner.training.checkpoint import Checkpoint, clear_remains
from tui_tuner.training.events import RunExtended
from tui_tuner.training.plan import TrainingPlan
from tui_tuner.training.run_config import CONFIG, RunConfig, read_config, write_config


def claim(plan: TrainingPlan) -> RunConfig:
    """Make the run's folder with its `config.toml`, or see that an existing one fits the plan.

    Returns:
        What the file says now.

    Raises:
        TrainingError: the run began with something else, and that is not wanted, or cannot be.
        StorageError: the folder cannot be written.
    """
    now = plan.config
    if not (plan.run / CONFIG).exists():
        write_config(plan.run, now)
        return now
    before = read_config(plan.run)
    changes = changes_between(before, now)
    require_allowed(plan.run.name, changes, extend=plan.extend)
    clear_remains(plan.run)
    if changes:
        now = RunConfig(dataclasses.replace(now.facts, created=before.facts.created), now.choice)
        write_config(plan.run, now)
    return now if changes else before


def take_over(config: RunConfig, checkpoint: Checkpoint | None) -> list[RunExtended]:
    """Go on from a checkpoint that was made with something else; says with what.

    That it was is seen from the checkpoint alone, so that killed before the next one the run does the same again.
    """
    if checkpoint is None or checkpoint.config is None:
        return []
    changes = changes_between(checkpoint.config, config)
    if not changes:
        return []
    progress, names = checkpoint.progress, {change.name for change in changes}
    if names & ORDER:
        progress.order_from = progress.iteration
        progress.skipped.clear()
    if names & HELD_OUT:
        progress.validated, progress.first_loss, progress.best_loss, progress.best_iteration = -1, None, None, None
    texts = tuple(change.text for change in changes)
    return [RunExtended(progress.iteration, texts, bool(names & HELD_OUT), time.time())]
