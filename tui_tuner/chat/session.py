"""A model in memory that holds a conversation, reading only what is new at each turn. Runs on the engine's thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui_tuner.chat.conversation import Conversation, Figures
from tui_tuner.choices import ChatChoice
from tui_tuner.errors import UsageError
from tui_tuner.language import _
from tui_tuner.progress import Event, StopToken

if TYPE_CHECKING:
    from tui_tuner.models.generation import Reply
    from tui_tuner.models.loading import LoadedModel


@dataclass(frozen=True)
class ReplyEnded(Event):
    """A reply is whole, or was stopped: its text, and how it was made."""

    text: str
    figures: Figures

    @classmethod
    def of(cls, reply: Reply) -> ReplyEnded:
        """The event of a reply just made."""
        return cls(reply.text, Figures.of(reply))


class ChatSession:
    """Answers conversations with one model.

    Args:
        loaded: the model.
        label: what the model is called in the conversations it answers; its folder's name if empty.
    """

    def __init__(self, loaded: LoadedModel, label: str = "") -> None:
        from tui_tuner.models.prompts import PromptMemory

        self.label = label or (loaded.adapter or loaded.path).name
        self._loaded = loaded
        self._memory = PromptMemory(loaded)

    def reply(
        self, conversation: Conversation, choice: ChatChoice, on_text: Callable[[str], None], stop: StopToken
    ) -> Reply:
        """Answer the last question of `conversation`, add the answer to it and save it.

        Asked to stop, it adds what has been written so far, marked as stopped. Another conversation, or one that was
        edited, may be given at any time: what it has in common with the last one is not read again.

        Raises:
            UsageError: the last turn is not the user's.
            ModelError: the model's template refuses the conversation; it is as it was.
            StorageError: the answer cannot be saved; it is in `conversation` all the same.
        """
        from tui_tuner.models.generation import Sampling, stream_reply

        if not conversation.turns or conversation.turns[-1].role != "user":
            raise UsageError(_("there is no question to answer"))
        sampling = Sampling(choice.max_tokens, choice.temperature, choice.top_p)
        messages = conversation.messages(choice.system_prompt)
        reply = stream_reply(self._loaded, messages, sampling, on_text, stop, memory=self._memory)
        conversation.answer(reply, self.label)
        return reply

    def clear(self) -> None:
        """Forget what was read, and give its memory back."""
        import mlx.core as mx

        self._memory.forget()
        mx.clear_cache()
