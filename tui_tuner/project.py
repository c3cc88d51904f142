"""One fine-tune on disk: its folder, its `tuner.toml`, and where each artefact lives.

my-project/
tuner.toml                     what was chosen at each step
data/                          instructions.json answers.jsonl train.jsonl valid.jsonl report.json
runs/<run>/                    config.toml metrics.jsonl adapters.safetensors adapter_config.json checkpoints/
comparisons/  chats/  models/<fused>/
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tui_tuner import configuration
from tui_tuner.choices import (
    ChatChoice,
    CompareChoice,
    DatasetChoice,
    ExportChoice,
    MachinesChoice,
    ModelChoice,
    QualityChoice,
    TrainingChoice,
)
from tui_tuner.errors import ConfigurationError, ProjectError
from tui_tuner.files import read_toml, storage_errors, write_text
from tui_tuner.language import _
from tui_tuner.progress import Event
from tui_tuner.used_run import chosen_run

MANIFEST = "tuner.toml"
FORMAT = 1


@dataclass(frozen=True)
class Choices:
    """Everything `tuner.toml` says: one section per step."""

    model: ModelChoice = field(default_factory=ModelChoice)
    dataset: DatasetChoice = field(default_factory=DatasetChoice)
    quality: QualityChoice = field(default_factory=QualityChoice)
    training: TrainingChoice = field(default_factory=TrainingChoice)
    machines: MachinesChoice = field(default_factory=MachinesChoice)
    compare: CompareChoice = field(default_factory=CompareChoice)
    export: ExportChoice = field(default_factory=ExportChoice)
    chat: ChatChoice = field(default_factory=ChatChoice)


SECTIONS: Mapping[str, type] = {
    "model": ModelChoice,
    "dataset": DatasetChoice,
    "quality": QualityChoice,
    "training": TrainingChoice,
    "machines": MachinesChoice,
    "compare": CompareChoice,
    "export": ExportChoice,
    "chat": ChatChoice,
}


@dataclass(frozen=True)
class Project:
    """A project folder and what was chosen in it. Paths are always absolute.

    Attributes:
        folder: the project's folder.
        name: what it is called.
        choices: what was chosen.
        given: which settings were given for this command alone and are not in `tuner.toml`, as `section.name`.
    """

    folder: Path
    name: str
    choices: Choices
    given: frozenset[str] = frozenset()

    @property
    def data(self) -> Path:
        """The dataset's folder."""
        return self.folder / "data"

    @property
    def runs(self) -> Path:
        """One folder per training run."""
        return self.folder / "runs"

    @property
    def comparisons(self) -> Path:
        """Kept comparisons of base and tuned."""
        return self.folder / "comparisons"

    @property
    def chats(self) -> Path:
        """Kept conversations."""
        return self.folder / "chats"

    @property
    def fused_model(self) -> Path:
        """Where the fused model of this project goes."""
        place = self.folder / Path(self.choices.export.save_path or "models").expanduser()
        return place / (self.choices.export.name or self.name)

    def has_dataset(self) -> bool:
        """Whether training files are there."""
        return (self.data / "train.jsonl").is_file()

    def run_folders(self) -> list[Path]:
        """All training runs, oldest first; of those begun in the same second by name."""
        found = [
            path for path in self.runs.glob("*") if not path.name.startswith(".") and (path / "config.toml").is_file()
        ]
        return sorted(found, key=lambda path: (_created(path), _numbers_and_texts(path.name)))

    def tuned_run(self) -> Path | None:
        """The run whose adapter is used: the latest that has one, or an earlier one that was chosen since; if any."""
        tuned = [path for path in self.run_folders() if (path / "adapters.safetensors").is_file()]
        name, since = chosen_run(self.runs)
        chosen = [path for path in tuned if path.name == name and _created(tuned[-1]) <= since]
        return chosen[0] if chosen else tuned[-1] if tuned else None

    def with_settings(self, section: str, assignments: Mapping[str, str]) -> Project:
        """The project with settings of one section given as text, as after `--set`; nothing is written.

        Trust is in one model: another name takes it back, unless it is given in the same breath.
        """
        changed = configuration.override(getattr(self.choices, section), assignments)
        if "trust_remote_code" not in assignments:
            changed = self._trusted_as_before(section, changed)
        given = self.given | {f"{section}.{name}" for name in assignments}
        choices = dataclasses.replace(self.choices, **{section: changed})
        return dataclasses.replace(self, choices=choices, given=given)

    def _trusted_as_before(self, section: str, changed: Any) -> Any:
        if section == "model" and changed.name != self.choices.model.name:
            return dataclasses.replace(changed, trust_remote_code=False)
        return changed

    def with_choice(self, section: str, choice: Any) -> Project:
        """The project with one section replaced; nothing is written. Another base model is trusted only anew."""
        before = getattr(self.choices, section)
        if section == "model" and before.trust_remote_code and choice.trust_remote_code:
            choice = self._trusted_as_before(section, choice)
        return dataclasses.replace(self, choices=dataclasses.replace(self.choices, **{section: choice}))


def _created(run: Path) -> str:
    """When a run began, as its `config.toml` has it, in an order of its own; empty where that does not say."""
    with contextlib.suppress(OSError):
        found = re.search(rb'^created = "([^"]*)"', (run / "config.toml").read_bytes(), re.MULTILINE)
        return found.group(1).decode(errors="replace") if found else ""
    return ""


def _numbers_and_texts(name: str) -> list[str | int]:
    # Every list starts with a text, so that names compare text with text and number with number.
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]


def save_project(project: Project) -> None:
    """Write `tuner.toml`.

    Raises:
        StorageError: the folder cannot be written; the file is as it was.
    """
    import tomli_w  # only needed when something is written

    head = "# A tuner project. Edit freely; `tuner` says which line is wrong if one is.\n"
    top = tomli_w.dumps({"format": FORMAT, "name": project.name})
    sections = [configuration.write_table(getattr(project.choices, name), name) for name in SECTIONS]
    write_text(project.folder / MANIFEST, "\n".join([head + top, *sections]))


@dataclass(frozen=True)
class ProjectMade(Event):
    """A project folder is there.

    Attributes:
        folder: its absolute path.
    """

    folder: Path


def holds_project(folder: Path) -> bool:
    """Whether there is a project in `folder`.

    Raises:
        StorageError: it may not be looked into.
    """
    with storage_errors(folder):
        return (folder / MANIFEST).is_file()


def create_project(folder: Path, *, choices: Choices | None = None, name: str = "") -> Project:
    """Make a new project in `folder`, which may exist as long as it holds no project.

    Raises:
        ProjectError: there is a project already.
        StorageError: the folder cannot be made.
    """
    folder = folder.expanduser().absolute()
    if holds_project(folder):
        raise ProjectError(
            _("there is a project here already"),
            where=str(folder),
            advice=_("Open it with: tuner --project {folder}", folder=folder),
        )
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    project = Project(folder, name or folder.name, choices or Choices())
    save_project(project)
    return project


def open_project(folder: Path) -> Project:
    """Read the project in `folder`.

    Raises:
        ProjectError: no project there, or one of a newer version.
        ConfigurationError: a mistake in `tuner.toml`: file, line, what was expected.
        StorageError: it cannot be read.
    """
    folder = folder.expanduser().absolute()
    path = folder / MANIFEST
    if not holds_project(folder):
        raise ProjectError(
            _("there is no project here (no {name})", name=MANIFEST),
            where=str(folder),
            advice=_("Make one with: tuner new {folder}", folder=folder),
        )
    table, text = read_toml(path)
    _check_format(table.pop("format", FORMAT), path, configuration.line_of(text, "", "format"))
    name = table.pop("name", folder.name)
    if not isinstance(name, str) or not name.strip() or "/" in name:
        line = configuration.line_of(text, "", "name")
        raise ConfigurationError(_("the name must be a text without /"), where=f"{path}:{line}")
    sections: dict[str, Any] = {}
    for section, values in table.items():
        sections[section] = _read_section(section, values, path, text)
    return Project(folder, name, Choices(**sections))


def _check_format(found: Any, path: Path, line: int) -> None:
    where = f"{path}:{line}"
    if not isinstance(found, int) or isinstance(found, bool):
        raise ConfigurationError(_("format is {found}, expected {known}", found=repr(found), known=FORMAT), where=where)
    if found > FORMAT:
        raise ProjectError(
            _(
                "this project was made by a newer tuner (format {found}, known here: {known})",
                found=found,
                known=FORMAT,
            ),
            where=where,
            advice=_("Update with: pip install --upgrade tui-tuner"),
        )


def _read_section(section: str, values: Any, path: Path, text: str) -> Any:
    if section not in SECTIONS:
        raise ConfigurationError(
            _("there is no section or setting {name} here", name=repr(section)),
            where=f"{path}:{configuration.line_of(text, '', section)}",
            advice=_("Known sections: {names}.", names=", ".join(SECTIONS)),
        )
    if not isinstance(values, dict):
        where = f"{path}:{configuration.line_of(text, '', section)}"
        raise ConfigurationError(_("{name} must be a section: [{name}]", name=section), where=where)
    return configuration.read_table(SECTIONS[section], values, path=path, text=text, section=section)
