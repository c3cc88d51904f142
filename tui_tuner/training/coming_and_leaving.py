"""Bringing a training over from `mlx_lm.lora`, and taking it there: the whole of it, with model and data."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

from tui_tuner.errors import ConfigurationError
from tui_tuner.files import storage_errors
from tui_tuner.language import _
from tui_tuner.models.catalogue import find_model
from tui_tuner.progress import Emit, Notice
from tui_tuner.project import Project, save_project
from tui_tuner.training.mlx_lm_yaml import read_yaml, write_yaml

FILES = ("train.jsonl", "valid.jsonl", "test.jsonl")
# What a file for mlx-lm says nothing about.
KEPT = ("samples", "sample_prompts", "sample_tokens", "keep_checkpoints")


def settings_from_yaml(project: Project, path: Path, *, emit: Emit) -> Project:
    """Take the settings of a file for `mlx_lm.lora` into `project`, and its data where the project has none.

    Paths in it are from the current folder on, as for mlx-lm.

    Returns:
        The project as it now is on disk.

    Raises:
        StorageError: the file cannot be read, or the project not written.
        ConfigurationError: not YAML, or a value that its setting cannot have.
    """
    found = read_yaml(path)
    for text in found.notices:
        emit(Notice(text, "warning"))
    kept = {name: getattr(project.choices.training, name) for name in KEPT}
    project = project.with_choice("training", dataclasses.replace(found.choice, **kept))
    if found.model:
        folder = Path(found.model).expanduser()
        name = str(folder.resolve()) if folder.is_dir() else found.model
        model = dataclasses.replace(project.choices.model, name=name, trust_remote_code=bool(found.trust_remote_code))
        project = project.with_choice("model", model)
    else:
        named = project.choices.model.name
        emit(Notice(_("the file names no base model: it stays {name}", name=named), "warning"))
    _bring_data(project, found.data, emit)
    save_project(project)
    emit(Notice(_("The settings of {file} are the project's now. Train with: tuner train", file=path.name)))
    return project


def _bring_data(project: Project, named: str, emit: Emit) -> None:
    folder = Path(named).expanduser() if named else None
    if folder is None or not (folder / FILES[0]).is_file():
        words = {"data": named or _("nothing")}
        emit(Notice(_("data: no training files in {data}; make or import the dataset here", **words), "warning"))
        return
    if project.has_dataset():
        emit(Notice(_("data: the project has training files of its own, and keeps them"), "warning"))
        return
    with storage_errors(project.data):
        project.data.mkdir(exist_ok=True)
        for name in FILES:
            if (folder / name).is_file():
                shutil.copyfile(folder / name, project.data / name)


def settings_to_yaml(project: Project, path: Path, *, emit: Emit) -> None:
    """Write the settings of `project` into a file for `mlx_lm.lora`.

    Raises:
        ConfigurationError: an optimizer's setting it does not know.
        StorageError: the file cannot be written.
    """
    if path.is_dir():
        raise ConfigurationError(_("this is a folder"), where=str(path), advice=_("Name a file, such as lora.yaml."))
    choices = project.choices
    # A folder where there is one: mlx-lm knows nothing of this program's own names.
    model = str(find_model(choices.model.name) or choices.model.name)
    trust = choices.model.trust_remote_code
    for text in write_yaml(path, choices.training, model=model, data=project.data, trust_remote_code=trust):
        emit(Notice(text, "warning"))
    emit(Notice(_("Written. Train with it: mlx_lm.lora -c {file}", file=path)))
