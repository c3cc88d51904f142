"""A teacher that lives in an Ollama server."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

from tui_tuner.errors import TeacherError, TeacherRefused
from tui_tuner.language import _
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Emit, StopToken, ignore_event
from tui_tuner.teachers.ollama import CONTEXT, OllamaModel, OllamaServer
from tui_tuner.teachers.ollama_address import address_for
from tui_tuner.teachers.server_teacher import ServerTeacher
from tui_tuner.teachers.teacher import Answer, Request

ROOM_FOR_TEMPLATE = 256  # tokens


def open_ollama_teacher(url: str, model: str, *, emit: Emit = ignore_event) -> OllamaTeacher:
    """A teacher on the server a project names.

    Args:
        url: where Ollama listens; empty follows `OLLAMA_HOST` or localhost.
        model: its name there; empty takes the newest one that can chat.
        emit: hears when the teacher has to wait.

    Raises:
        TeacherUnavailable: nobody answers there.
        TeacherRefused: it has no such model, or none at all.
    """
    server = OllamaServer(address_for(url))
    try:
        return OllamaTeacher(server, choose_model(server.models(), model, str(server.address)), emit=emit)
    except BaseException:
        server.close()
        raise


def choose_model(models: Sequence[OllamaModel], wanted: str, where: str) -> str:
    """The name, as the server knows it, of the model `wanted`, or of the first that can chat where it is empty.

    Raises:
        TeacherRefused: it is not there.
    """
    names = [model.name for model in models]
    if wanted:
        full = wanted if ":" in wanted else f"{wanted}:latest"
        found = next((name for name in names if name in (wanted, full)), None)
        advice = _("Get it with: ollama pull {model}", model=one_line(wanted, 80))
        missing = _("there is no model {model}", model=one_line(wanted, 80))
    else:
        found = next((model.name for model in models if model.can_chat), None)
        advice = _("Get one with, for example: ollama pull mistral:7b")
        missing = _("there is no model that can write")
    if found is None:
        raise TeacherRefused(missing, where=_("Ollama at {address}", address=where), advice=advice)
    return found


class OllamaTeacher(ServerTeacher[OllamaServer]):
    """A teacher on an Ollama server."""

    _context = CONTEXT
    _was_asked = False

    def close(self) -> None:
        """Have the server free the model's memory, if this teacher had it loaded."""
        if self._was_asked:
            with contextlib.suppress(TeacherError):  # a server that is gone holds nothing
                self._server.evict(self._model)
        super().close()

    def _try(self, request: Request, on_text: Callable[[str], None], stop: StopToken) -> Answer:
        # Only ever grows: each change makes the server load the model again.
        self._context = max(self._context, _context_for(request))
        self._was_asked = True
        reply = self._server.chat(self._model, request, stop=stop, num_ctx=self._context, on_text=on_text)
        return Answer(reply.text, reply.finish, reply.tokens)


def _context_for(request: Request) -> int:
    """Tokens to hold the request and its answer, in steps of 2048; a token is at least three bytes of most texts."""
    prompt = sum(len(message["content"].encode()) for message in request.messages) // 3 + ROOM_FOR_TEMPLATE
    return -(-(prompt + request.max_tokens) // 2048) * 2048
