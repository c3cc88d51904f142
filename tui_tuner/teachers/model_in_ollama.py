"""A model on an Ollama server that answers as one in this process does: word by word, with the same sampling."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tui_tuner.errors import Stopped, TeacherRefused
from tui_tuner.progress import StopToken
from tui_tuner.teachers.context import Context
from tui_tuner.teachers.ollama import Abilities, OllamaServer
from tui_tuner.teachers.ollama_address import address_for
from tui_tuner.teachers.ollama_teacher import choose_model
from tui_tuner.teachers.teacher import Request

if TYPE_CHECKING:
    from tui_tuner.models.prompts import Message
    from tui_tuner.models.replies import Reply, Sampling


class ModelInOllama:
    """Answers a conversation at a time, in as much context as it takes.

    Args:
        model: its name on the server.
        url: where the server is; empty for the usual place.

    Attributes:
        load_seconds: how long the server loaded the model for the last answer.
    """

    def __init__(self, model: str, url: str = "") -> None:
        self._server = OllamaServer(address_for(url))
        self._model = model
        self._context: Context | None = None
        self._thinks = False
        self.load_seconds = 0.0

    def find(self) -> Context:
        """Look whether it is there, the first time; returns how much it holds.

        Raises:
            TeacherUnavailable: the server does not answer.
            TeacherRefused: it has no such model.
        """
        if self._context is None:
            model = choose_model(self._server.models(), self._model, str(self._server.address))
            abilities = Abilities()
            with contextlib.suppress(TeacherRefused):  # an old one that does not say
                abilities = self._server.abilities(model)
            self._model, self._thinks = model, abilities.thinks
            self._context = Context(abilities.context_length)
        return self._context

    def make_room(self, messages: Sequence[Message], sampling: Sampling) -> None:
        """See to it that the conversation and an answer have room. How many tokens a text has only the server knows.

        Raises:
            TooLong: it cannot fit, whatever the model's tokenizer.
            TeacherError: the server does not answer, or has no such model.
        """
        self.find().make_room(_request(messages, sampling))

    def stream_reply(
        self, messages: Sequence[Message], sampling: Sampling, on_text: Callable[[str], None], stop: StopToken
    ) -> Reply:
        """As `models.generation.stream_reply`: asked to stop, it returns what was written so far.

        Raises:
            TooLong: the conversation does not fit into the model's context.
            TeacherError: the server does not answer, or refuses.
        """
        from tui_tuner.models.replies import Reply

        self.make_room(messages, sampling)
        heard = _Heard(on_text)
        size = self.find().size
        # Asked to think, one that cannot refuses.
        request = replace(_request(messages, sampling), thinking=sampling.thinking and self._thinks)
        options = _options(sampling)
        try:
            made = self._server.chat(self._model, request, stop=stop, num_ctx=size, on_text=heard.add, options=options)
        except Stopped:
            return Reply(heard.text, heard.pieces, heard.pace, heard.first, "stopped", 0)
        self.load_seconds = made.load_seconds
        pace = made.tokens / made.seconds if made.seconds else 0.0
        return Reply(made.text, made.tokens, pace, heard.first, made.finish, made.prompt_tokens)

    def close(self) -> None:
        """Close the connection; the server lets go of the model by itself, as it is set to."""
        self._server.close()


class _Heard:
    """What has come of an answer, and when."""

    def __init__(self, on_text: Callable[[str], None]) -> None:
        self._on_text, self._began = on_text, time.perf_counter()
        self._parts: list[str] = []
        self._last = 0.0
        self.first = 0.0  # seconds from the question to the first piece

    def add(self, piece: str) -> None:
        self._last = time.perf_counter() - self._began
        self.first = self.first or self._last
        self._parts.append(piece)
        self._on_text(piece)

    @property
    def text(self) -> str:
        return "".join(self._parts)

    @property
    def pieces(self) -> int:
        """How many came; Ollama sends a token in each."""
        return len(self._parts)

    @property
    def pace(self) -> float:
        seconds = self._last - self.first
        return (self.pieces - 1) / seconds if seconds > 0 else 0.0


def _request(messages: Sequence[Message], sampling: Sampling) -> Request:
    seed = secrets.randbelow(2**31) if sampling.seed is None else sampling.seed
    return Request(tuple(messages), "", sampling.max_tokens, sampling.temperature, seed)


def _options(sampling: Sampling) -> dict[str, Any]:
    """Ollama's names for the rest of how words are chosen; its own defaults differ from "off"."""
    return {
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "min_p": sampling.min_p,
        "repeat_penalty": sampling.repetition_penalty or 1.0,
    }
