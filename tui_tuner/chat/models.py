"""The models one can talk with in a project."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tui_tuner.chat.context import context_length
from tui_tuner.errors import TeacherError, TunerError
from tui_tuner.evaluation.tuned import required_run
from tui_tuner.language import _
from tui_tuner.models.model_files import read_provenance
from tui_tuner.plain_text import one_line
from tui_tuner.project import Project

if TYPE_CHECKING:
    from tui_tuner.chat.session import Session

OLLAMA = "ollama"
QUICKLY = 1.0  # seconds a server has to say which models it has


@dataclass(frozen=True)
class ChatModel:
    """A model one can talk with.

    Attributes:
        key: what it is to the project.
        label: what it is called on the screen.
        path: the model's folder; empty for one in Ollama.
        adapter: the run whose adapter is applied to it.
        trust_remote_code: run Python code that comes with the model.
        name: of one in Ollama, on its server.
        url: of that server.
        context: the most tokens of a conversation it can hold; None where nobody says.
    """

    key: Literal["base", "tuned", "fused", "ollama"]
    label: str
    path: Path
    adapter: Path | None = None
    trust_remote_code: bool = False
    name: str = ""
    url: str = ""
    context: int | None = None

    @property
    def known_as(self) -> str:
        """What a person types to choose it: `fused`, or `ollama:mistral:7b`."""
        return f"{OLLAMA}:{self.name}" if self.key == OLLAMA else self.key


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
        found.append(ChatModel("fused", label, fused, None, trust, context=context_length(fused)))
    if base is None:
        return found
    context = context_length(base)
    if (tuned := _tuned_run(project)) is not None:
        found.append(ChatModel("tuned", _("tuned {run}", run=tuned.name), base, tuned, trust, context=context))
    name = _("base {name}", name=_short(project.choices.model.name))
    return [*found, ChatModel("base", name, base, None, trust, context=context)]


def ollama_models(url: str = "") -> list[ChatModel]:
    """The models that Ollama at `url`, or at its usual place, runs itself; none where nobody answers soon."""
    from tui_tuner.teachers.ollama import OllamaServer
    from tui_tuner.teachers.ollama_address import address_for

    server = OllamaServer(address_for(url), patience=QUICKLY)
    with contextlib.suppress(TeacherError), contextlib.closing(server):
        return [
            ChatModel("ollama", one_line(f"{model.name} ({OLLAMA})", 60), Path(), name=model.name, url=url)
            # What is said to a remote one leaves this machine: it is not offered.
            for model in server.models()
            if model.can_chat and not model.remote
        ]
    return []


def ollama_url(project: Project) -> str:
    """Where the project's Ollama is: the one that writes its data, or the usual one."""
    choice = project.choices.dataset
    return choice.url if choice.teacher == OLLAMA else ""


def _tuned_run(project: Project) -> Path | None:
    try:
        return required_run(project)
    except TunerError:  # none yet, or of another base model: there is no tuned model to talk with
        return None


def _short(name: str) -> str:
    return name.rstrip("/").rpartition("/")[2] or name


def open_session(model: ChatModel) -> Session:
    """Load `model`. Runs on the engine's thread.

    Raises:
        ModelError: it is missing, incomplete or of an unknown kind.
    """
    if model.key == OLLAMA:
        from tui_tuner.chat.ollama_session import OllamaSession

        return OllamaSession(model.name, model.label, model.url)
    from tui_tuner.chat.session import ChatSession
    from tui_tuner.models.loading import load_model

    loaded = load_model(model.path, model.adapter, trust_remote_code=model.trust_remote_code)
    return ChatSession(loaded, model.label)
