"""The runs of a project, as a list shows them: from their folders alone, without MLX."""

from __future__ import annotations

import calendar
import json
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tui_tuner.choices import TrainingChoice
from tui_tuner.errors import TunerError
from tui_tuner.files import storage_errors
from tui_tuner.progress import Event
from tui_tuner.project import Project
from tui_tuner.training.event_lines import event_from_json
from tui_tuner.training.events import (
    FinalTest,
    StepSkipped,
    TrainingEnded,
    TrainingStarted,
    TrainStep,
    Validation,
)
from tui_tuner.training.run_config import read_config
from tui_tuner.training.run_names import read_note
from tui_tuner.training.run_tail import METRICS

log = logging.getLogger(__name__)

RunState = Literal["finished", "ended early", "stopped", "running or interrupted"]

_Milestone = TrainingStarted | TrainingEnded | Validation | FinalTest | TrainStep | StepSkipped


@dataclass(frozen=True)
class RunSummary(Event):
    """One run in a line.

    Attributes:
        name: the run's name.
        folder: where it is.
        model: the base model as it was chosen.
        state: `finished`, `ended early` for want of a lower held-out loss, `stopped`, or `running or interrupted`: a
            killed run cannot say that it was killed.
        iteration: steps done.
        iters: steps in all.
        best_loss: lowest held-out loss after a step; None without validation.
        best_iteration: after which step.
        test_loss: loss of the kept adapter on the test's rows; None where that was not measured.
        settings: every training setting.
        note: what a person wrote about it.
        date: when it began, unix seconds.
    """

    name: str
    folder: Path
    model: str
    state: RunState
    iteration: int
    iters: int
    best_loss: float | None
    best_iteration: int | None
    test_loss: float | None
    settings: TrainingChoice
    note: str
    date: float

    @property
    def finished(self) -> bool:
        """Whether it is done."""
        return self.state in ("finished", "ended early")


def list_runs(project: Project) -> list[RunSummary]:
    """All runs of `project`, oldest first. A run whose files cannot be read is left out and named in the log."""
    summaries = []
    for folder in project.run_folders():
        try:
            summaries.append(summarize(folder))
        except TunerError as error:
            log.warning("a run is left out of the list: %s", error)
    return summaries


def summarize(run: Path) -> RunSummary:
    """One run, from its `config.toml` and `metrics.jsonl`.

    Raises:
        StorageError: a file cannot be read.
        ConfigurationError: a mistake in `config.toml`.
        TrainingError: a newer version made the run.
    """
    config = read_config(run)
    iteration, best, ended, test = 0, None, None, None
    for event in _milestones(run / METRICS):
        if isinstance(event, TrainingStarted):
            iteration, ended, test = event.start_iteration, None, None
        elif isinstance(event, TrainingEnded):
            iteration, ended = event.iteration, event
        elif isinstance(event, Validation):
            best = (event.loss, event.iteration) if event.best else best
        elif isinstance(event, FinalTest):
            test = event.loss
        else:
            iteration = event.iteration
    state: RunState = "running or interrupted"
    if ended is not None:
        state = _state(ended, config.choice.iters)
    return RunSummary(
        name=run.name,
        folder=run,
        model=config.facts.model_name,
        state=state,
        iteration=iteration,
        iters=config.choice.iters,
        best_loss=best[0] if best else None,
        best_iteration=best[1] if best else None,
        test_loss=test,
        settings=config.choice,
        note=read_note(run),
        date=_unix_seconds(config.facts.created),
    )


def _state(ended: TrainingEnded, iters: int) -> RunState:
    """How a run stands that ended so and is to take `iters` steps by now."""
    if ended.finished and ended.iteration >= iters:
        return "finished"
    return "ended early" if ended.early and ended.iters == iters else "stopped"


def _milestones(metrics: Path) -> list[_Milestone]:
    """The events that say how far a run is; of its thousands of steps only the last is parsed."""
    if not metrics.exists():
        return []
    with storage_errors(metrics):
        lines = metrics.read_bytes().split(b"\n")[:-1]  # what follows the last newline is torn, or nothing
    is_step = [b'"event": "train_step"' in line or b'"event": "step_skipped"' in line for line in lines]
    last_step = max((place for place, step in enumerate(is_step) if step), default=-1)
    found: list[_Milestone] = []
    for place, line in enumerate(lines):
        if is_step[place] and place != last_step:
            continue
        try:
            event = event_from_json(json.loads(line))
        except ValueError:
            continue
        if isinstance(event, TrainingStarted | TrainingEnded | Validation | FinalTest | TrainStep | StepSkipped):
            found.append(event)
    return found


def _unix_seconds(created: str) -> float:
    try:
        return float(calendar.timegm(time.strptime(created, "%Y-%m-%dT%H:%M:%SZ")))
    except ValueError:
        return 0.0
