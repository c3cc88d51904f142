"""The six steps of the journey: what each needs, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tui_tuner.errors import ModelError
from tui_tuner.language import _
from tui_tuner.progress import Emit, StopToken
from tui_tuner.project import Project

if TYPE_CHECKING:
    pass

State = Literal["blocked", "ready", "running", "done", "failed"]


@dataclass(frozen=True)
class Step:
    """One step: the key it is known by, its number on the keyboard, its name and the heavy job it runs."""

    key: str
    number: int
    name: str
    job: str


STEPS: tuple[Step, ...] = (
    Step("environment", 1, _("Environment"), _("preparing this machine")),
    Step("dataset", 2, _("Dataset"), _("writing the dataset")),
    Step("train", 3, _("Train"), _("training")),
    Step("compare", 4, _("Compare"), _("comparing")),
    Step("export", 5, _("Export"), _("exporting")),
    Step("chat", 6, _("Chat"), _("chatting")),
)


@dataclass(frozen=True)
class Standing:
    """How far a step is: its state, and in a sentence what blocks it or what it has."""

    state: State
    why: str = ""


def step(key: str) -> Step:
    """The step known by `key`."""
    return next(step for step in STEPS if step.key == key)


def standing(key: str, project: Project | None) -> Standing:
    """How far a step of `project` is, from its files alone; whether it runs is known only to who started it.

    Cheap enough to ask at every change: looks at a few files, loads no model.
    """
    if key == "environment":
        return Standing("ready", _("Is this machine ready?"))
    if project is None:
        return Standing("blocked", _("Open or make a project first."))
    if key == "dataset":
        return _dataset_standing(project)
    if key == "train":
        return _train_standing(project)
    if key == "chat":
        return Standing("ready", _("Chat with the base model, or with the tuned one once there is one."))
    if project.tuned_run() is None:
        return Standing("blocked", _("Train first: there is no tuned model yet."))
    done = _is_compared(project) if key == "compare" else is_fused(project)
    return Standing("done" if done else "ready")


def _dataset_standing(project: Project) -> Standing:
    if project.has_dataset():
        return _standing_of_training_files(project)
    choice = project.choices.dataset
    brought = any((project.data / name).exists() for name in ("instructions.json", "imported.jsonl", "passages.jsonl"))
    if not choice.topic and not brought:
        return Standing("ready", _("Say what the examples should be about, or import some."))
    return Standing("ready")


def _standing_of_training_files(project: Project) -> Standing:
    from tui_tuner.dataset.state import dataset_state

    if dataset_state(project).stage == "ready":
        return Standing("done")
    return Standing("ready", _("The training files are not of everything that is here now: make them again."))


def _train_standing(project: Project) -> Standing:
    if not project.has_dataset():
        return Standing("blocked", _("Make a dataset first: there is nothing to learn from."))
    return Standing("done" if project.tuned_run() else "ready")


def _is_compared(project: Project) -> bool:
    if not any(project.comparisons.glob("*.jsonl")):
        return False
    from tui_tuner.evaluation.kept_comparisons import has_finished_comparison

    return has_finished_comparison(project)


def is_fused(project: Project) -> bool:
    """Whether the fused model is there."""
    return (project.fused_model / "config.json").is_file()


def base_model(project: Project) -> Path | None:
    """The base model's folder if it is on this machine."""
    from tui_tuner.models.base_model import find_base

    return find_base(project.choices.model)


def obtain_base_model(project: Project, emit: Emit, stop: StopToken) -> Path:
    """The base model's folder; fetched first where it is not on this machine yet.

    Raises:
        ModelError: it cannot be had; says why and what to do.
        Stopped: asked to; what was fetched is kept.
    """
    from tui_tuner.models.base_model import fetch_base

    return fetch_base(project.choices.model, emit=emit, stop=stop)


def required_base_model(project: Project) -> Path:
    """The base model's folder.

    Raises:
        ModelError: it is not on this machine.
    """
    found = base_model(project)
    if found is None:
        raise ModelError(
            _("the base model {name} is not on this machine", name=project.choices.model.name),
            advice=_("Fetch it in the Environment step, or with: tuner check --fix base_model"),
        )
    return found
