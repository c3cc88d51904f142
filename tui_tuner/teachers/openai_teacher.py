"""A teacher that lives in a server which speaks OpenAI's language.

Its key, where it wants one, comes from the environment and is kept nowhere: a project is a folder that people
give away. For the same reason it does not go wherever a project says: the project may be someone else's, and its
address a trap. A key goes to this machine and its own network, and beyond them only to a server that the environment
names beside the key, and only over https.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from tui_tuner.errors import TeacherRefused
from tui_tuner.language import _
from tui_tuner.progress import Emit, StopToken, ignore_event
from tui_tuner.teachers.ollama_address import Address
from tui_tuner.teachers.openai_server import OpenAIServer, openai_address
from tui_tuner.teachers.server_teacher import ServerTeacher
from tui_tuner.teachers.teacher import Answer, Request

KEY_VARIABLE = "TUNER_TEACHER_KEY"
KEY_HOST_VARIABLE = "TUNER_TEACHER_KEY_HOST"


def key_for(address: Address) -> str:
    """The key that may be shown to the server at `address`; empty where there is none for it."""
    named = {name.strip().lower() for name in os.environ.get(KEY_HOST_VARIABLE, "").split(";")}
    may_see = address.nearby or (address.scheme == "https" and address.host.lower() in named)
    return os.environ.get(KEY_VARIABLE, "").strip() if may_see else ""


def open_openai_teacher(url: str, model: str, *, emit: Emit = ignore_event) -> OpenAITeacher:
    """A teacher on the server a project names.

    Args:
        url: where it listens; empty means LM Studio on this machine.
        model: its name there, whether listed or not; empty takes the first one listed.
        emit: hears when the teacher has to wait.

    Raises:
        TeacherUnavailable: nobody answers there.
        TeacherRefused: it lists no model, or wants a key.
    """
    address = openai_address(url)
    server = OpenAIServer(address, key=key_for(address))
    try:
        return OpenAITeacher(server, model or _first_model(server), emit=emit)
    except BaseException:
        server.close()
        raise


def _first_model(server: OpenAIServer) -> str:
    names = server.models()
    if not names:
        raise TeacherRefused(
            _("it lists no model that can write"),
            where=server.where,
            advice=_("Load one there, or name it with: --set teacher_model=NAME"),
        )
    return names[0]


class OpenAITeacher(ServerTeacher[OpenAIServer]):
    """A teacher on such a server; what the server holds in memory is its own affair."""

    def _try(self, request: Request, on_text: Callable[[str], None], stop: StopToken) -> Answer:
        return self._server.chat(self._model, request, stop=stop, on_text=on_text)
