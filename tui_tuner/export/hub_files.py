"""What would leave this machine for the Hugging Face hub: every file, its size, the repository, and who will see it.

Nobody's folders and names leave with it: an adapter's settings go without the paths of model and data, and the story
this program keeps with a model (`tuner.json`) stays here.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui_tuner import figures
from tui_tuner.errors import ConfigurationError, ExportError
from tui_tuner.evaluation.tuned import required_run
from tui_tuner.export.fused import fused_folder
from tui_tuner.export.gguf.of_project import gguf_files
from tui_tuner.export.licence import licence_of
from tui_tuner.export.model_card import KNOWN_REPOSITORIES, CardFacts, adapter_card
from tui_tuner.files import read_json, storage_errors
from tui_tuner.language import _
from tui_tuner.models.catalogue import find_model
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Event
from tui_tuner.project import MANIFEST, Project
from tui_tuner.training.run_config import read_config

CARD = "README.md"
REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
# What of an adapter's settings names folders of this machine.
PRIVATE = ("model", "data", "adapter_path", "resume_adapter_file", "config")


@dataclass(frozen=True)
class HubUpload(Event):
    """An upload as it would be.

    Attributes:
        repository: where to.
        private: whether only its owner will see it.
        names: the files' paths in the repository.
        sizes: of each, in bytes.
        total: bytes of all.
    """

    repository: str
    private: bool
    names: tuple[str, ...]
    sizes: tuple[int, ...]
    total: int


@dataclass(frozen=True)
class HubFile:
    """A file that would be uploaded.

    Attributes:
        name: its path in the repository.
        path: where it is here; None for one that is only made for the upload.
        content: what is in one that is only made for the upload.
    """

    name: str
    path: Path | None = None
    content: bytes = b""

    @property
    def size(self) -> int:
        """In bytes."""
        return self.path.stat().st_size if self.path is not None else len(self.content)


@dataclass(frozen=True)
class HubPlan:
    """Everything an upload depends on.

    Attributes:
        repository: where to, such as `me/my-model`.
        private: whether only its owner is to see it.
        files: all that leaves this machine.
        message: of the commit.
        proved: the fused model's folder, in which the proof is kept; None for an adapter.
    """

    repository: str
    private: bool
    files: tuple[HubFile, ...]
    message: str
    proved: Path | None

    def as_event(self) -> HubUpload:
        """What a dry run shows."""
        with storage_errors(self.repository):
            sizes = tuple(file.size for file in self.files)
        names = tuple(file.name for file in self.files)
        return HubUpload(self.repository, self.private, names, sizes, sum(sizes))

    def in_words(self) -> list[str]:
        """The same, line by line."""
        event = self.as_event()
        whom = _("private: only you see it") if self.private else _("PUBLIC: everybody sees it")
        lines = [_("To {repository} ({whom}):", repository=self.repository, whom=whom)]
        lines += [
            f"  {one_line(name, 48):<40} {figures.size(size):>10}"
            for name, size in zip(event.names, event.sizes, strict=True)
        ]
        return [*lines, _("  {number} files, {size}", number=len(event.names), size=figures.size(event.total))]


def plan_upload(project: Project, what: str = "fused", *, run: Path | None = None) -> HubPlan:
    """Plan to upload the project's fused model, its adapter, or its GGUF files.

    Raises:
        ConfigurationError: no repository is chosen, or it is none.
        ExportError: what is to be uploaded is not there.
        ProjectError: nothing has been trained yet.
    """
    choice = project.choices.export
    if not REPOSITORY.fullmatch(choice.repository):
        wrong = _("{name} is no repository", name=repr(choice.repository))
        raise ConfigurationError(
            wrong if choice.repository else _("no repository is chosen"),
            where=str(project.folder / MANIFEST),
            advice=_("Name it like YOUR-NAME/my-model: --set repository=..., or in section [export]."),
        )
    if what == "adapter":
        run = required_run(project, run)
        files, proved, message = _adapter(project, run), None, _("Upload the adapter")
    elif what == "fused":
        fused = fused_folder(project)
        files, proved, message = _fused(fused.path, fused.parts), fused.path, _("Upload the fused model")
    else:
        files, proved, message = _gguf(project), project.fused_model, _("Upload GGUF")
    return HubPlan(choice.repository, choice.private, tuple(files), message, proved)


def _fused(folder: Path, parts: tuple[str, ...]) -> list[HubFile]:
    card = folder / CARD
    return [*([HubFile(CARD, card)] if card.is_file() else []), *(HubFile(name, folder / name) for name in parts)]


def _gguf(project: Project) -> list[HubFile]:
    found = gguf_files(project)
    if not found:
        raise ExportError(
            _("there is no GGUF file of this model yet"),
            where=str(project.folder / "exports"),
            advice=_("Make it: tuner export gguf"),
        )
    card = project.fused_model / CARD
    return [*([HubFile(CARD, card)] if card.is_file() else []), *(HubFile(path.name, path) for path in found)]


def _adapter(project: Project, run: Path) -> list[HubFile]:
    name = project.choices.model.name
    source = find_model(name)
    licence = licence_of(name, *([source] if source else []))
    facts = CardFacts(project.fused_model.name, name, licence, "float32", project.data)
    card = adapter_card(facts, read_config(run))
    return [
        HubFile(CARD, content=card.encode()),
        HubFile("adapter_config.json", content=_settings(run / "adapter_config.json", name)),
        HubFile("adapters.safetensors", run / "adapters.safetensors"),
    ]


def _settings(path: Path, model: str) -> bytes:
    """An adapter's settings without this machine's folders; the base by its name on the hub, where it has one."""
    table: Any = read_json(path)
    kept = {key: value for key, value in table.items() if key not in PRIVATE and not _is_path(value)}
    repository = KNOWN_REPOSITORIES.get(model, model)
    if REPOSITORY.fullmatch(repository) and not Path(model).expanduser().exists():
        kept["model"] = repository
    return (json.dumps(kept, indent=2, ensure_ascii=False) + "\n").encode()


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and (value.startswith(("/", "~")) or "\\" in value)
