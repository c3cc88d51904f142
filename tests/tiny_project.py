"""A project on the tiny model with a small dataset: everything a step needs, in a second."""

from __future__ import annotations

from pathlib import Path

import tiny_model

from tui_tuner.choices import ChatChoice, CompareChoice, DatasetChoice, ModelChoice, TrainingChoice
from tui_tuner.files import write_json, write_json_lines
from tui_tuner.project import Choices, Project, create_project

QUESTIONS = [f"How do I count to {n}?" for n in range(12)]


def make(folder: Path, *, data: bool = True, iters: int = 6) -> Project:
    """Make the model and the project, with training files unless `data` is off."""
    model = tiny_model.make(folder / "model")
    project = create_project(
        folder / "project",
        choices=Choices(
            model=ModelChoice(name=str(model)),
            dataset=DatasetChoice(topic="counting", instructions=8, max_tokens=16, temperature=1.0),
            training=TrainingChoice(
                iters=iters,
                batch_size=2,
                num_layers=2,
                learning_rate=1e-3,
                steps_per_eval=3,
                save_every=2,
                sample_tokens=4,
            ),
            compare=CompareChoice(prompts=("One?", "Two?"), max_tokens=8),
            chat=ChatChoice(max_tokens=8),
        ),
    )
    if data:
        write_data(project)
    return project


def write_data(project: Project) -> None:
    """Write the training files, as the Dataset step leaves them."""
    rows = [
        {"messages": [{"role": "user", "content": text}, {"role": "assistant", "content": "One, two."}]}
        for text in QUESTIONS
    ]
    write_json(project.data / "instructions.json", QUESTIONS)
    write_json_lines(project.data / "train.jsonl", rows[:10])
    write_json_lines(project.data / "valid.jsonl", rows[10:])
