"""The lines of a run's `metrics.jsonl`, read back as the events they were."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from tui_tuner.progress import Event, Notice
from tui_tuner.training.events import (
    CheckpointSaved,
    FinalTest,
    MachineState,
    MicroBatchHalved,
    RunExtended,
    SampleAnswered,
    StepSkipped,
    TrainingContinued,
    TrainingEnded,
    TrainingPaused,
    TrainingStarted,
    TrainStep,
    Validation,
)

# Every kind of line there may be in a `metrics.jsonl`.
KINDS: Mapping[str, type[Event]] = {
    "training_started": TrainingStarted,
    "train_step": TrainStep,
    "validation": Validation,
    "sample_answered": SampleAnswered,
    "checkpoint_saved": CheckpointSaved,
    "step_skipped": StepSkipped,
    "run_extended": RunExtended,
    "micro_batch_halved": MicroBatchHalved,
    "machine_state": MachineState,
    "training_paused": TrainingPaused,
    "training_continued": TrainingContinued,
    "final_test": FinalTest,
    "training_ended": TrainingEnded,
    "notice": Notice,
}


def event_from_json(row: Any) -> Event | None:
    """The event of one line of `metrics.jsonl`; None for a line of another kind or a newer version's."""
    if not isinstance(row, dict):
        return None
    kind = KINDS.get(str(row.get("event")))
    if kind is None:
        return None
    names = [field.name for field in dataclasses.fields(kind)]
    values = {name: tuple(row[name]) if isinstance(row[name], list) else row[name] for name in names if name in row}
    try:
        return kind(**values)
    except TypeError:  # a field is missing
        return None
