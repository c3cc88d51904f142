"""Which teachers there are, and the one that was chosen."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tui_tuner.choices import DatasetChoice
from tui_tuner.errors import TeacherError
from tui_tuner.language import _
from tui_tuner.models.catalogue import STARTER, find_model
from tui_tuner.progress import Emit
from tui_tuner.teachers.mlx_teacher import MLXTeacher
from tui_tuner.teachers.ollama import OllamaServer
from tui_tuner.teachers.ollama_address import address_for
from tui_tuner.teachers.ollama_teacher import open_ollama_teacher
from tui_tuner.teachers.teacher import Teacher

QUICKLY = 1.5  # seconds a server has to say which models it has


@dataclass(frozen=True)
class TeacherChoice:
    """A teacher that could be chosen.

    Attributes:
        kind: what goes into the setting `teacher`.
        model: what goes into the setting `teacher_model`.
        label: as a person reads it.
    """

    kind: Literal["mlx", "ollama"]
    model: str
    label: str


def available_teachers(model_name: str, url: str = "") -> list[TeacherChoice]:
    """The teachers there are now; takes up to `QUICKLY` seconds where Ollama does not answer.

    Args:
        model_name: the project's base model.
        url: where Ollama listens; empty follows `OLLAMA_HOST` or localhost.

    Returns:
        First the models for this process (the base model, then the starter), then those of Ollama.
    """
    found = []
    for name in dict.fromkeys((model_name, STARTER)):
        if find_model(name) is not None:
            setting = "" if name == model_name else name
            found.append(TeacherChoice("mlx", setting, _("{model} in this process", model=name)))
    server = OllamaServer(address_for(url), patience=QUICKLY)
    try:
        # Without an answer there is simply no teacher there; the Environment step says what is wrong with Ollama.
        with contextlib.suppress(TeacherError):
            for model in server.models():
                if model.can_chat:
                    label = _("{model} at {address}", model=model.name, address=server.address)
                    found.append(TeacherChoice("ollama", model.name, label))
    finally:
        server.close()
    return found


def open_teacher(choice: DatasetChoice, base_model: Path | None, emit: Emit) -> Teacher:
    """The teacher that was chosen. One in this process loads its model only when asked, on the engine's thread.

    Args:
        choice: the dataset's settings.
        base_model: the base model's folder if it is on this machine.
        emit: hears when a server has to be waited for.

    Raises:
        TeacherUnavailable: Ollama does not answer.
        TeacherError: the model is not there; says how to get it.
    """
    if choice.teacher == "ollama":
        return open_ollama_teacher(choice.url, choice.teacher_model, emit=emit)
    path = find_model(choice.teacher_model) if choice.teacher_model else base_model
    if path is None:
        raise TeacherError(
            _("the teacher's model {model} is not on this machine", model=choice.teacher_model)
            if choice.teacher_model
            else _("the base model, which is to be the teacher, is not on this machine"),
            advice=_("Fetch it with: tuner check --fix base_model, or choose another teacher."),
        )
    return MLXTeacher(path)
