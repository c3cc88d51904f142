"""A model in Ollama that holds a conversation."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tui_tuner.chat.context import ContextFull
from tui_tuner.chat.conversation import Conversation
from tui_tuner.chat.session import LEAVE_OUT, require_question, sampling_of
from tui_tuner.choices import ChatChoice
from tui_tuner.progress import StopToken
from tui_tuner.teachers.model_in_ollama import ModelInOllama
from tui_tuner.teachers.server_errors import TooLong

if TYPE_CHECKING:
    from tui_tuner.models.replies import Reply


class OllamaSession:
    """Answers conversations with a model that an Ollama server has; see `chat.session.Session`.

    Args:
        model: its name on the server.
        label: what it is called in the conversations it answers.
        url: where the server is; empty for the usual place.
    """

    def __init__(self, model: str, label: str, url: str = "") -> None:
        self.label, self._model = label, ModelInOllama(model, url)

    def make_room(self, conversation: Conversation, choice: ChatChoice) -> None:
        """See `Session`. How many tokens a text has only the server knows: what does not fit for certain is found here.

        Raises:
            TeacherError: the server does not answer, or has no such model.
        """
        require_question(conversation)
        before, last = conversation.left_out, len(conversation.asked) - 1
        while True:
            try:
                self._model.make_room(conversation.messages(choice.system_prompt), sampling_of(choice))
            except TooLong as error:
                if choice.when_full == LEAVE_OUT and conversation.left_out < last:
                    conversation.left_out = min(conversation.left_out + 2, last)
                    continue
                conversation.left_out = before
                raise _full(error, leaving_out_helps=choice.when_full != LEAVE_OUT and before < last) from error
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
        require_question(conversation)
        messages = conversation.messages(choice.system_prompt)
        try:
            reply = self._model.stream_reply(messages, sampling_of(choice), on_text, stop)
        except TooLong as error:
            helps = conversation.left_out < len(conversation.asked) - 1
            raise _full(error, leaving_out_helps=helps) from error
        conversation.answer(reply, self.label)
        return reply

    def close(self) -> None:
        """Close the connection; the server lets go of the model by itself, as it is set to."""
        self._model.close()


def _full(error: TooLong, *, leaving_out_helps: bool) -> ContextFull:
    """What the server or the check before it said; only they can count tokens."""
    return ContextFull(error.what, where=error.where, advice=error.advice, leaving_out_helps=leaving_out_helps)
