"""Which teachers there are, and the one that was chosen."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tui_tuner.choices import DatasetChoice
from tui_tuner.errors import TeacherError
from tui_tuner.language import _
from tui_tuner.models.catalogue import REPOSITORY, STARTER, find_model, weights_in
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Emit
from tui_tuner.teachers.in_turn import ModelsInTurn
from tui_tuner.teachers.mlx_teacher import MLXTeacher
from tui_tuner.teachers.ollama import OllamaServer
from tui_tuner.teachers.ollama_address import address_for
from tui_tuner.teachers.ollama_teacher import open_ollama_teacher
from tui_tuner.teachers.openai_server import USUAL_PORTS, OpenAIServer, openai_address
from tui_tuner.teachers.openai_teacher import open_openai_teacher
from tui_tuner.teachers.teacher import Teacher, close_all
from tui_tuner.teachers.teacher_choice import TeacherChoice
from tui_tuner.teachers.team import open_servers

QUICKLY = 1.5  # seconds a server has to say which models it has


def available_teachers(model_name: str, urls: Sequence[str] = ()) -> list[TeacherChoice]:
    """The teachers there are now; takes up to `QUICKLY` seconds where a server does not answer.

    Args:
        model_name: the project's base model.
        urls: where the servers that the project names listen; an empty one is none.

    Returns:
        First the models for this process (the base model, then the starter), then those of Ollama, then those of
        servers that speak OpenAI's language, each at the named places and at the usual places on this machine.
    """
    found = _in_this_process(model_name)
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


def _in_this_process(model_name: str) -> list[TeacherChoice]:
    """The base model, which is fetched where it is not there yet, and the starter model if it is there."""
    found = []
    for name in dict.fromkeys((model_name, STARTER)):
        folder = find_model(name)
        setting = "" if name == model_name else name
        if folder is not None:
            size, family = _on_the_disk(folder)
            found.append(TeacherChoice("mlx", setting, name, _("in this process"), size=size, family=family))
        elif not setting and (name == STARTER or REPOSITORY.fullmatch(name)):
            found.append(TeacherChoice("mlx", setting, name, _("in this process, fetched first")))
    return found


def _on_the_disk(folder: Path) -> tuple[int, str]:
    """Bytes of a model's weights, and its architecture."""
    try:
        family = json.loads((folder / "config.json").read_bytes()).get("model_type")
    except (OSError, ValueError, AttributeError):
        family = ""
    return weights_in(folder), one_line(str(family or ""), 40)


def _in_ollama(place: str) -> list[TeacherChoice]:
    server = OllamaServer(address_for(place), patience=QUICKLY)
    # Without an answer there is simply no teacher there; the Environment step says what is wrong with Ollama.
    with contextlib.suppress(TeacherError), contextlib.closing(server):
        here = one_line(str(server.address), 60)
        return [
            TeacherChoice(
                "ollama",
                model.name,
                one_line(model.name, 60),
                _("{machine}, through {server}", machine=model.remote, server=here) if model.remote else here,
                place,
                model.size,
                model.family,
                model.parameter_size,
            )
            # What leaves this machine is never the one that is taken where none is named.
            for model in sorted(server.models(), key=lambda model: bool(model.remote))
            if model.can_chat
        ]
    return []


def _in_openai_server(place: str) -> list[TeacherChoice]:
    # Without the key: a project of someone else's may name any server, and looking must not give it away.
    server = OpenAIServer(openai_address(place), patience=QUICKLY)
    with contextlib.suppress(TeacherError), contextlib.closing(server):
        where = one_line(str(server.address), 60)
        return [TeacherChoice("openai", name, one_line(name, 60), where, place) for name in server.models()]
    return []


def open_teacher(
    choice: DatasetChoice,
    base_model: Path | None,
    emit: Emit,
    *,
    base_name: str = "",
    trust_remote_code: bool = False,
) -> Teacher:
    """The teacher that was chosen, or several in turn. One in this process loads its model only when asked.

    Args:
        choice: the dataset's settings.
        base_model: the base model's folder if it is on this machine.
        emit: hears when a server has to be waited for.
        base_name: the base model's name, by which it can be one of several.
        trust_remote_code: run Python code that comes with the base model; never code of another teacher.

    Raises:
        TeacherUnavailable: the server does not answer.
        TeacherError: a model is not there; says how to get it.
    """
    opened: list[Teacher] = []
    try:
        for model in choice.teacher_models:
            if choice.teacher == "mlx":
                is_base = model in ("", base_name)
                trusted = trust_remote_code and is_base
                opened.append(_open_here(model, base_model if is_base else find_model(model), trusted))
            else:
                opened.append(_open_on_servers(choice, model, emit))
    except BaseException:
        close_all(opened)
        raise
    return opened[0] if len(opened) == 1 else ModelsInTurn(opened, one_at_a_time=choice.teacher == "mlx")


def _open_on_servers(choice: DatasetChoice, model: str, emit: Emit) -> Teacher:
    if choice.teacher == "ollama":
        return open_servers(choice.urls, lambda url: open_ollama_teacher(url, model, emit=emit), emit)
    return open_servers(choice.urls, lambda url: open_openai_teacher(url, model, emit=emit), emit)


def _open_here(model: str, path: Path | None, trust_remote_code: bool) -> MLXTeacher:
    if path is None:
        raise TeacherError(
            _("the teacher's model {model} is not on this machine", model=one_line(model, 80))
            if model
            else _("the base model, which is to be the teacher, is not on this machine"),
            advice=_("Fetch it with: tuner check --fix base_model, or choose another teacher."),
        )
    return MLXTeacher(path, trust_remote_code=trust_remote_code)
