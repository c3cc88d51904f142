"""Which teachers there are, and the one that was chosen."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tui_tuner.choices import DatasetChoice
from tui_tuner.errors import TeacherError
from tui_tuner.language import _
from tui_tuner.models.catalogue import STARTER, find_model
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Emit
from tui_tuner.teachers.mlx_teacher import MLXTeacher
from tui_tuner.teachers.ollama import OllamaServer
from tui_tuner.teachers.ollama_address import Address, address_for
from tui_tuner.teachers.ollama_teacher import open_ollama_teacher
from tui_tuner.teachers.openai_server import USUAL_PORTS, OpenAIServer, openai_address
from tui_tuner.teachers.openai_teacher import open_openai_teacher
from tui_tuner.teachers.teacher import Teacher
from tui_tuner.teachers.team import open_servers

QUICKLY = 1.5  # seconds a server has to say which models it has


@dataclass(frozen=True)
class TeacherChoice:
    """A teacher that could be chosen.

    Attributes:
        kind: what goes into the setting `teacher`.
        model: what goes into the setting `teacher_model`.
        label: as a person reads it.
        url: what goes into the setting `url`; none where it plays no part.
    """

    kind: Literal["mlx", "ollama", "openai"]
    model: str
    label: str
    url: str | None = None


def available_teachers(model_name: str, urls: Sequence[str] = ()) -> list[TeacherChoice]:
    """The teachers there are now; takes up to `QUICKLY` seconds where a server does not answer.

    Args:
        model_name: the project's base model.
        urls: where the servers that the project names listen; an empty one is none.

    Returns:
        First the models for this process (the base model, then the starter), then those of Ollama, then those of
        servers that speak OpenAI's language, each at the named places and at the usual places on this machine.
    """
    found = []
    for name in dict.fromkeys((model_name, STARTER)):
        if find_model(name) is not None:
            setting = "" if name == model_name else name
            found.append(TeacherChoice("mlx", setting, _("{model} in this process", model=name)))
    ollama = {address_for(place): place for place in ("", *urls)}
    usual = [f"localhost:{port}" for port in USUAL_PORTS]
    others = {openai_address(place): place for place in (*usual, *urls) if place}
    with ThreadPoolExecutor(len(ollama) + len(others)) as side_by_side:
        by_ollama = side_by_side.map(_in_ollama, ollama.values())
        by_others = side_by_side.map(_in_openai_server, others.values())
    found += [teacher for teachers in by_ollama for teacher in teachers]
    # Ollama speaks OpenAI's language too, but has no field for `num_ctx` there: its own is better.
    taken = {teacher.url for teacher in found}
    return found + [teacher for teachers in by_others for teacher in teachers if teacher.url not in taken]


def _in_ollama(place: str) -> list[TeacherChoice]:
    server = OllamaServer(address_for(place), patience=QUICKLY)
    # Without an answer there is simply no teacher there; the Environment step says what is wrong with Ollama.
    with contextlib.suppress(TeacherError), contextlib.closing(server):
        return [
            TeacherChoice("ollama", model.name, _in(model.name, server.address), place)
            for model in server.models()
            if model.can_chat
        ]
    return []


def _in_openai_server(place: str) -> list[TeacherChoice]:
    # Without the key: a project of someone else's may name any server, and looking must not give it away.
    server = OpenAIServer(openai_address(place), patience=QUICKLY)
    with contextlib.suppress(TeacherError), contextlib.closing(server):
        return [TeacherChoice("openai", name, _in(name, server.address), place) for name in server.models()]
    return []


def _in(model: str, address: Address) -> str:
    return _("{model} at {address}", model=one_line(model, 60), address=one_line(str(address), 60))


def open_teacher(
    choice: DatasetChoice, base_model: Path | None, emit: Emit, *, trust_remote_code: bool = False
) -> Teacher:
    """The teacher that was chosen. One in this process loads its model only when asked, on the engine's thread.

    Args:
        choice: the dataset's settings.
        base_model: the base model's folder if it is on this machine.
        emit: hears when a server has to be waited for.
        trust_remote_code: run Python code that comes with the base model; never code of another teacher.

    Raises:
        TeacherUnavailable: the server does not answer.
        TeacherError: the model is not there; says how to get it.
    """
    if choice.teacher == "ollama":
        return open_servers(choice.urls, lambda url: open_ollama_teacher(url, choice.teacher_model, emit=emit), emit)
    if choice.teacher == "openai":
        return open_servers(choice.urls, lambda url: open_openai_teacher(url, choice.teacher_model, emit=emit), emit)
    path = find_model(choice.teacher_model) if choice.teacher_model else base_model
    if path is None:
        raise TeacherError(
            _("the teacher's model {model} is not on this machine", model=choice.teacher_model)
            if choice.teacher_model
            else _("the base model, which is to be the teacher, is not on this machine"),
            advice=_("Fetch it with: tuner check --fix base_model, or choose another teacher."),
        )
    return MLXTeacher(path, trust_remote_code=trust_remote_code and not choice.teacher_model)
