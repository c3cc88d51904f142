"""What a person calls a run and writes beside it: the name of its folder, and `note.txt` in it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from tui_tuner.errors import TrainingError, UsageError
from tui_tuner.files import storage_errors, write_text
from tui_tuner.language import _
from tui_tuner.project import Project
from tui_tuner.training.run_config import CONFIG, RunConfig, read_config, write_config
from tui_tuner.used_run import follow_name

NOTE = "note.txt"
LONGEST_NAME = 80


def find_run(project: Project, name: str) -> Path:
    """The folder of the run called `name`.

    Raises:
        TrainingError: there is none.
    """
    folder = project.runs / name
    if not _can_be_a_name(name) or not (folder / CONFIG).is_file():
        raise TrainingError(
            _("there is no run {run} here", run=repr(name)),
            where=str(project.runs),
            advice=_("See which there are with: tuner runs"),
        )
    return folder


def require_adapter(run: Path) -> None:
    """Refuse a run that has learned nothing yet.

    Raises:
        TrainingError: it has no adapter.
    """
    if not (run / "adapters.safetensors").is_file():
        raise TrainingError(
            _("{run} has no adapter yet", run=run.name),
            where=str(run),
            advice=_("Go on with it: tuner train --resume --run {run}", run=run.name),
        )


def free_run_folder(project: Project, name: str) -> Path:
    """Where a run called `name` would be kept.

    Raises:
        UsageError: not a name a run can have.
        TrainingError: there is one of this name.
    """
    if not _can_be_a_name(name):
        raise UsageError(
            _("{name} cannot be the name of a run", name=repr(name)),
            advice=_("Names have no / and no line break, do not begin with a dot, and are not long."),
        )
    folder = project.runs / name
    if (folder / CONFIG).exists():
        raise TrainingError(
            _("there is a run {run} already", run=name),
            where=str(folder),
            advice=_("Go on with it: tuner train --resume --run {run}", run=name),
        )
    return folder


def _can_be_a_name(name: str) -> bool:
    simple = name == Path(name).name and name == name.strip() and not name.startswith(".")
    return simple and 0 < len(name) <= LONGEST_NAME and name.isprintable()


def rename_run(project: Project, run: Path, name: str) -> Path:
    """Call `run` `name` from now on. Nothing may be training it.

    Returns:
        Its folder.

    Raises:
        UsageError: not a name a run can have.
        TrainingError: there is one of this name.
        StorageError: the folder cannot be renamed; it is as it was.
    """
    if name == run.name:
        return run
    target = free_run_folder(project, name)
    with storage_errors(run):
        run.rename(target)
    config = read_config(target)
    follow_name(project.runs, run.name, name)
    write_config(target, RunConfig(dataclasses.replace(config.facts, run=name), config.choice))
    from tui_tuner.training.run_guide import write_guide  # which reads runs, and they their notes

    write_guide(target)  # its commands name the run
    return target


def read_note(run: Path) -> str:
    """What a person wrote about `run`; empty where nobody did or it cannot be read."""
    try:
        return (run / NOTE).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def write_note(run: Path, text: str) -> None:
    """Keep what a person writes about `run`; nothing takes the note away.

    Raises:
        StorageError: it cannot be written.
    """
    if text.strip():
        write_text(run / NOTE, text.strip() + "\n")
    else:
        with storage_errors(run / NOTE):
            (run / NOTE).unlink(missing_ok=True)
