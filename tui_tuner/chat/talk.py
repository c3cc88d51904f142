"""The model one talks with, kept in memory from one reply to the next. Runs on the engine's thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui_tuner.chat.conversation import Conversation
from tui_tuner.chat.models import ChatModel, open_chat_model
from tui_tuner.chat.session import ChatSession, ReplyEnded
from tui_tuner.choices import ChatChoice
from tui_tuner.jobs import Work
from tui_tuner.progress import Emit, Event, StopToken

if TYPE_CHECKING:
    from tui_tuner.models.generation import Reply


@dataclass(frozen=True)
class ReplyText(Event):
    """A piece of a reply, to be put after the pieces before it."""

    text: str


class Talk:
    """Holds one model at a time: asked to answer with another, it lets go of the first."""

    def __init__(self) -> None:
        self._model: ChatModel | None = None
        self._session: ChatSession | None = None

    def reply_work(self, model: ChatModel, conversation: Conversation, choice: ChatChoice) -> Work:
        """Answer the last question of `conversation` with `model`, loading it first where it is not in memory."""

        def work(emit: Emit, stop: StopToken) -> Reply:
            session = self._session_with(model)
            stop.check()
            reply = session.reply(conversation, choice, lambda text: emit(ReplyText(text)), stop)
            emit(ReplyEnded.of(reply))
            return reply

        return work

    def _session_with(self, model: ChatModel) -> ChatSession:
        if self._session is None or self._model != model:
            self.let_go()
            self._session, self._model = ChatSession(open_chat_model(model), model.label), model
        return self._session

    def let_go(self) -> None:
        """Give the model's memory back, so that other work has it."""
        if self._session is not None:
            self._session.clear()
        self._session = self._model = None
