"""A teacher that lives in an Ollama server."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from typing import Any

from tui_tuner.errors import TeacherError, TeacherRefused
from tui_tuner.language import _
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Emit, StopToken, ignore_event
from tui_tuner.teachers.context import Context, most_tokens
from tui_tuner.teachers.ollama import ChatReply, OllamaModel, OllamaServer
from tui_tuner.teachers.ollama_address import address_for
from tui_tuner.teachers.server_errors import TooLong
from tui_tuner.teachers.server_teacher import ServerTeacher
from tui_tuner.teachers.teacher import Answer, Request


def open_ollama_teacher(url: str, model: str, *, emit: Emit = ignore_event) -> OllamaTeacher:
    """A teacher on the server a project names.

    Args:
        url: where Ollama listens; empty follows `OLLAMA_HOST` or localhost.
        model: its name there; empty takes the newest one that can chat and runs on that machine.
        emit: hears when the teacher has to wait.

    Raises:
        TeacherUnavailable: nobody answers there.
        TeacherRefused: it has no such model, or none at all.
    """
    server = OllamaServer(address_for(url))
    try:
        name = choose_model(server.models(), model, str(server.address))
        limit = None
        with contextlib.suppress(TeacherRefused):  # an old one that does not say
            limit = server.abilities(name).context_length
        return OllamaTeacher(server, name, limit=limit, emit=emit)
    except BaseException:
        server.close()
        raise


def choose_model(models: Sequence[OllamaModel], wanted: str, where: str) -> str:
    """The name, as the server knows it, of the model `wanted`, or else of the first that runs there and can chat.

    Raises:
        TeacherRefused: it is not there.
    """
    names = [model.name for model in models]
    if wanted:
        full = wanted if ":" in wanted else f"{wanted}:latest"
        found = next((name for name in names if name in (wanted, full)), None)
        advice = _("Get it with: ollama pull {model} (or u in the Dataset step)", model=one_line(wanted, 80))
        missing = _("there is no model {model}", model=one_line(wanted, 80))
    else:
        found = next((model.name for model in models if model.can_chat and not model.remote), None)
        advice = _("Get one with, for example: ollama pull mistral:7b (or u in the Dataset step)")
        missing = _("there is no model that can write")
    if found is None:
        raise TeacherRefused(missing, where=_("Ollama at {address}", address=where), advice=advice)
    return found


class OllamaTeacher(ServerTeacher[OllamaServer]):
    """A teacher on an Ollama server.

    Args:
        server: where the model is.
        model: its name there.
        limit: the most tokens it can hold; None where nobody says.
        more: as for every teacher on a server.
    """

    def __init__(self, server: OllamaServer, model: str, *, limit: int | None = None, **more: Any) -> None:
        super().__init__(server, model, **more)
        self._context = Context(limit)
        self._doubting = threading.Lock()
        self._was_asked = False

    def close(self) -> None:
        """Have the server free the model's memory, if this teacher had it loaded."""
        if self._was_asked:
            self._was_asked = False
            with contextlib.suppress(TeacherError):  # a server that is gone holds nothing
                self._server.evict(self._model)
        super().close()

    def _try(self, request: Request, on_text: Callable[[str], None], stop: StopToken) -> Answer:
        self._context.make_room(request)
        size = self._context.size
        reply: ChatReply | TooLong
        try:
            reply = self._chat(request, size, on_text, stop)
        except TooLong as error:
            reply = error
        if isinstance(reply, TooLong) or not self._context.took_all(request, reply, size):
            with self._doubting:  # one at a time: what one finds out holds for the others
                reply = self._with_more_room(request, reply, size, on_text, stop)
        return Answer(reply.text, reply.finish, reply.tokens)

    def _with_more_room(
        self,
        request: Request,
        reply: ChatReply | TooLong,
        size: int,
        on_text: Callable[[str], None],
        stop: StopToken,
    ) -> ChatReply:
        """The answer to a request that did not fit into `size`, or may have been cut, in as much room as it takes.

        Raises:
            TooLong: it does not fit into the model, or the server cuts it.
        """
        while size < self._context.size or self._context.grow(request):
            size = self._context.size
            try:
                reply = self._chat(request, size, on_text, stop)
            except TooLong as error:
                reply = error
            else:
                if self._context.took_all(request, reply, size):
                    return reply
        if isinstance(reply, TooLong):
            raise reply
        if self._context.cut_short(request, reply, size) and not self._context.surely_cuts(request):
            # In an empty memory every token counts.
            self._server.evict(self._model)
            reply = self._chat(request, size, on_text, stop)
            self._context.counts = reply.prompt_tokens > 0
        if self._context.cut_short(request, reply, size):
            raise self._context.refusal(request, reply.prompt_tokens)
        self._context.held = max(self._context.held, most_tokens(request))
        return reply

    def _chat(self, request: Request, size: int, on_text: Callable[[str], None], stop: StopToken) -> ChatReply:
        stop.check()  # a request after the end would load the model once more
        self._was_asked = True
        return self._server.chat(self._model, request, stop=stop, num_ctx=size, on_text=on_text)
