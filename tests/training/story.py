"""A run's events as they might have been, for views that only read them."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from tui_tuner.choices import TrainingChoice
from tui_tuner.progress import Notice
from tui_tuner.training.events import (
    CheckpointSaved,
    MachineState,
    MicroBatchHalved,
    StepSkipped,
    TrainingEnded,
    TrainingStarted,
    TrainStep,
    Validation,
)
from tui_tuner.training.run_config import RunConfig, current_facts, write_config

MODEL = Path("/a/model")


def started(at: int = 0, time: float = 1.0) -> TrainingStarted:
    return TrainingStarted("run-1", 10, at, 8, 2, 100, 1000, 800, 300, time)


def step(iteration: int, loss: float = 1.0) -> TrainStep:
    return TrainStep(iteration, 10, loss, 1e-4, 0.5, 40, 10, 40 * iteration, 90.0, 2.0, 10**9, 0.1, 0.5, 3.0, 4.0, 2.0)


EVENTS = [
    started(),
    Notice("mind the gap", "warning"),
    Validation(0, 3.0, False, 0.1, 1.5),
    step(1, 2.5),
    StepSkipped(2, "the loss is not finite", (4, 7), 2.0),
    step(3, 2.0),
    Validation(3, 1.8, True, 0.1, 2.5),
    CheckpointSaved(3, "/run/checkpoints/3", 2.6),
    MicroBatchHalved(3, 2, 4, "memory is short", 2.7),
    MachineState(3, 16 * 2**30, 2**30, 0, "heavy", True, None, None, 2.8),
    step(4, 1.9),
    TrainingEnded("run-1", 4, 10, False, 1.8, 3, 5.0, 3.0),
]


def write(run, events) -> None:
    run.mkdir(exist_ok=True)
    (run / "metrics.jsonl").write_text("".join(json.dumps({"time": 1.0, **event.as_json()}) + "\n" for event in events))


def make_run(project, name, events, *, iters=10, choice=None):
    facts = current_facts(run=name, model_name="starter", model=MODEL, data=project.data, trust_remote_code=False)
    facts = dataclasses.replace(facts, created="2025-11-23T20:00:00Z")
    write_config(project.runs / name, RunConfig(facts, choice or TrainingChoice(iters=iters)))
    if events:
        write(project.runs / name, events)
