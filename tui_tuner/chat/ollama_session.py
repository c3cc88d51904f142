"""A model in Ollama that holds a conversation."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tui_tuner.chat.context import ContextFull
from tui_tuner.chat.conversation import Conversation
from tui_tuner.chat.session import LEAVE_OUT, require_question
from tui_tuner.choices import ChatChoice
from tui_tuner.errors import Stopped
from tui_tuner.progress import StopToken
from tui_tuner.teachers.context import Context
from tui_tuner.teachers.ollama import OllamaServer
from tui_tuner.teachers.ollama_address import address_for
from tui_tuner.teachers.server_errors import TooLong
from tui_tuner.teachers.teacher import Request

if TYPE_CHECKING:
    from tui_tuner.models.generation import Reply


class OllamaSession:
    """Answers conversations with a model that an Ollama server has; see `chat.session.Session`.

    Args:
        model: its name on the server.
        label: what it is called in the conversations it answers.
        url: where the server is; empty for the usual place.
    """

    def __init__(self, model: str, label: str, url: str = "") -> None:
        self.label, self._model = label, model
        self._server = OllamaServer(address_for(url))
        self._context: Context | None = None

    def make_room(self, conversation: Conversation, choice: ChatChoice) -> None:
        """See `Session`. How many tokens a text has only the server knows: what does not fit for certain is found here.

        Raises:
            TeacherError: the server does not answer, or has no such model.
        """
        require_question(conversation)
        before, last = conversation.left_out, len(conversation.asked) - 1
        while True:
            try:
                self._known_context().make_room(_request(conversation, choice))
            except TooLong as error:
                if choice.when_full == LEAVE_OUT and conversation.left_out < last:
                    conversation.left_out = min(conversation.left_out + 2, last)
                    continue
                conversation.left_out = before
                raise ContextFull(error.what, where=error.where, advice=error.advice) from error
            break
        if conversation.left_out != before:
            conversation.save()

    def reply(
        self, conversation: Conversation, choice: ChatChoice, on_text: Callable[[str], None], stop: StopToken
    ) -> Reply:
        """See `Session`.

        Raises:
            TeacherError: the server does not answer, or refuses.
            ContextFull: the server says that the conversation is too long.
        """
        from tui_tuner.models.generation import Reply

        require_question(conversation)
        heard = _Heard(on_text)
        request, context = _request(conversation, choice), self._known_context()
        try:
            made = self._server.chat(
                self._model, request, stop=stop, num_ctx=context.size, on_text=heard.add, options=_options(choice)
            )
        except TooLong as error:
            raise ContextFull(error.what, where=error.where, advice=error.advice) from error
        except Stopped:
            reply = Reply(heard.text, heard.pieces, heard.pace, heard.first, "stopped", 0)
        else:
            pace = made.tokens / made.seconds if made.seconds else 0.0
            reply = Reply(made.text, made.tokens, pace, heard.first, made.finish, made.prompt_tokens)
        conversation.answer(reply, self.label)
        return reply

    def close(self) -> None:
        """Close the connection; the server lets go of the model by itself, as it is set to."""
        self._server.close()

    def _known_context(self) -> Context:
        if self._context is None:
            self._context = Context(limit=self._server.context_length(self._model))
        return self._context


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


def _request(conversation: Conversation, choice: ChatChoice) -> Request:
    messages = tuple(conversation.messages(choice.system_prompt))
    seed = choice.seed if choice.seed >= 0 else secrets.randbelow(2**31)
    return Request(messages, "", choice.max_tokens, choice.temperature, seed)


def _options(choice: ChatChoice) -> dict[str, Any]:
    """Ollama's names for the rest of how words are chosen; its own defaults differ from "off"."""
    penalty = choice.repetition_penalty
    return {"top_p": choice.top_p, "top_k": choice.top_k, "min_p": choice.min_p, "repeat_penalty": penalty or 1.0}
