"""The models one can talk with in a project."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tui_tuner.errors import TunerError
from tui_tuner.evaluation.tuned import required_run
from tui_tuner.language import _
from tui_tuner.models.model_files import read_provenance
from tui_tuner.project import Project

if TYPE_CHECKING:
    from tui_tuner.models.loading import LoadedModel


@dataclass(frozen=True)
class ChatModel:
    """A model one can talk with.

    Attributes:
        key: which of the three it is.
        label: what it is called on the screen.
        path: the model's folder.
        adapter: the run whose adapter is applied to it.
        trust_remote_code: run Python code that comes with the model.
    """

    key: Literal["base", "tuned", "fused"]
    label: str
    path: Path
    adapter: Path | None = None
    trust_remote_code: bool = False


def chat_models(project: Project, base: Path | None) -> list[ChatModel]:
    """What there is to talk with now, the best first: fused, tuned, base.

    Args:
        project: whose tuned and fused models are looked for.
        base: the base model's folder; None where it is not on this machine.
    """
    trust = project.choices.model.trust_remote_code
    fused = project.fused_model
    found: list[ChatModel] = []
    if (fused / "config.json").is_file():
        run = str(read_provenance(fused).get("run", ""))
        label = _("fused {run}", run=run) if run else _("fused")
        found.append(ChatModel("fused", label, fused, None, trust))
    if base is None:
        return found
    if (tuned := _tuned_run(project)) is not None:
        found.append(ChatModel("tuned", _("tuned {run}", run=tuned.name), base, tuned, trust))
    return [*found, ChatModel("base", _("base {name}", name=_short(project.choices.model.name)), base, None, trust)]


def _tuned_run(project: Project) -> Path | None:
    try:
        return required_run(project)
    except TunerError:  # none yet, or of another base model: there is no tuned model to talk with
        return None


def _short(name: str) -> str:
    return name.rstrip("/").rpartition("/")[2] or name


def open_chat_model(model: ChatModel) -> LoadedModel:
    """Load `model`. Runs on the engine's thread.

    Raises:
        ModelError: it is missing, incomplete or of an unknown kind.
    """
    from tui_tuner.models.loading import load_model

    return load_model(model.path, model.adapter, trust_remote_code=model.trust_remote_code)
