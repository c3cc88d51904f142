"""Which training run makes the tuned model."""

from __future__ import annotations

from pathlib import Path

from tui_tuner.errors import ProjectError
from tui_tuner.language import _
from tui_tuner.project import Project
from tui_tuner.training.run_config import read_config


def required_run(project: Project, run: Path | None = None) -> Path:
    """`run`, or the latest run that has an adapter, checked to be made from the project's base model.

    Raises:
        ProjectError: nothing has been trained yet, there is no such run, or it was trained on another base model.
        ConfigurationError: a mistake in the run's `config.toml`.
        TrainingError: a newer version made the run.
    """
    run = run or project.tuned_run()
    if run is None:
        raise ProjectError(
            _("there is no tuned model yet"),
            where=str(project.folder),
            advice=_("Train first: step Train, or tuner train."),
        )
    if not (run / "adapters.safetensors").is_file():
        names = [folder.name for folder in project.run_folders() if (folder / "adapters.safetensors").is_file()]
        raise ProjectError(
            _("there is no tuned model in {run}", run=run.name),
            where=str(run),
            advice=_("There is one in: {names}.", names=", ".join(names)) if names else _("Train first."),
        )
    taught, chosen = trained_on(run), project.choices.model.name
    if taught and taught != chosen:
        raise ProjectError(
            _(
                "{run} was trained on {taught}, and the project's base model is now {chosen}",
                run=run.name,
                taught=taught,
                chosen=chosen,
            ),
            where=str(run),
            advice=_("Set the base model back to {taught}, or train again.", taught=taught),
        )
    return run


def trained_on(run: Path) -> str:
    """The base model of a run, as it was chosen; empty where the run does not say.

    Raises:
        StorageError: its `config.toml` cannot be read.
        ConfigurationError: a mistake in it.
        TrainingError: a newer version made the run.
    """
    return read_config(run).facts.model_name
