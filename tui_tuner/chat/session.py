"""A model in memory that holds a conversation, reading only what is new at each turn. Runs on the engine's thread."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from tui_tuner.chat.context import context_length, make_room
from tui_tuner.chat.conversation import Conversation
from tui_tuner.choices import ChatChoice
from tui_tuner.errors import UsageError
from tui_tuner.language import _
from tui_tuner.progress import StopToken

if TYPE_CHECKING:
    from tui_tuner.models.loading import LoadedModel
    from tui_tuner.models.replies import Reply, Sampling

LEAVE_OUT = "leave_out"


class Session(Protocol):
    """Whoever answers conversations, one reply at a time."""

    def make_room(self, conversation: Conversation, choice: ChatChoice) -> None:
        """See to it that the conversation and an answer fit into the model's context, as `choice.when_full` says.

        Raises:
            ContextFull: it does not fit, and nothing may be left out.
            UsageError: there is no question to answer.
        """

    def reply(
        self, conversation: Conversation, choice: ChatChoice, on_text: Callable[[str], None], stop: StopToken
    ) -> Reply:
        """Answer the last question of `conversation`, add the answer to it and save it.

        Where the question has a reply already, that one is kept among the new one's `others`. Asked to stop, it adds
        what has been written so far, marked as stopped.

        Raises:
            UsageError: there is no question to answer.
            StorageError: the answer cannot be saved; it is in `conversation` all the same.
        """

    def close(self) -> None:
        """Give its memory back."""


class ChatSession:
    """Answers conversations with one model in this process; see `Session`.

    Another conversation, or one that was edited, may be given at any time: what it has in common with the last one is
    not read again.

    Args:
        loaded: the model.
        label: what the model is called in the conversations it answers; its folder's name if empty.
    """

    def __init__(self, loaded: LoadedModel, label: str = "") -> None:
        from tui_tuner.models.prompts import PromptMemory

        self.label = label or (loaded.adapter or loaded.path).name
        self.limit = context_length(loaded.path)
        self._loaded = loaded
        self._memory = PromptMemory(loaded)

    def make_room(self, conversation: Conversation, choice: ChatChoice) -> None:
        """See `Session`.

        Raises:
            ModelError: the model's template refuses the conversation.
        """
        require_question(conversation)
        leave_out = choice.when_full == LEAVE_OUT
        make_room(conversation, lambda: len(self._prompt(conversation, choice)), self.limit, leave_out=leave_out)

    def reply(
        self, conversation: Conversation, choice: ChatChoice, on_text: Callable[[str], None], stop: StopToken
    ) -> Reply:
        """See `Session`.

        Raises:
            ModelError: the model's template refuses the conversation; it is as it was.
        """
        from tui_tuner.models.generation import continue_prompt

        require_question(conversation)
        prompt = self._prompt(conversation, choice)
        sampling = sampling_of(choice)
        room = max((self.limit or len(prompt) + sampling.max_tokens) - len(prompt), 1)
        short = room < sampling.max_tokens
        sampling = dataclasses.replace(sampling, max_tokens=min(sampling.max_tokens, room))
        reply = continue_prompt(self._loaded, prompt, sampling, on_text, stop, memory=self._memory)
        if short and reply.finish == "length":
            reply = dataclasses.replace(reply, finish="context")
        conversation.answer(reply, self.label)
        return reply

    def close(self) -> None:
        """Forget what was read, and give its memory back."""
        import mlx.core as mx

        self._memory.forget()
        mx.clear_cache()

    def _prompt(self, conversation: Conversation, choice: ChatChoice) -> list[int]:
        from tui_tuner.models.prompts import prompt_tokens

        return prompt_tokens(self._loaded, conversation.messages(choice.system_prompt), thinking=choice.thinking)


def require_question(conversation: Conversation) -> None:
    """Check that there is something to answer.

    Raises:
        UsageError: nothing was asked yet.
    """
    if not conversation.asked or conversation.asked[-1].role != "user":
        raise UsageError(_("there is no question to answer"))


def sampling_of(choice: ChatChoice) -> Sampling:
    """How words are chosen."""
    from tui_tuner.models.replies import Sampling

    return Sampling(
        choice.max_tokens,
        choice.temperature,
        choice.top_p,
        None if choice.seed < 0 else choice.seed,
        choice.top_k,
        choice.min_p,
        choice.repetition_penalty,
        choice.thinking,
    )
