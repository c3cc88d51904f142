"""The models one talks with, kept in memory from one reply to the next. Runs on the engine's thread."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui_tuner.chat.context import TurnsLeftOut
from tui_tuner.chat.conversation import Conversation, Figures
from tui_tuner.chat.models import ChatModel, open_session
from tui_tuner.chat.session import Session
from tui_tuner.choices import ChatChoice
from tui_tuner.jobs import Work
from tui_tuner.progress import Emit, Event, StopToken

if TYPE_CHECKING:
    from tui_tuner.models.generation import Reply


@dataclass(frozen=True)
class ReplyText(Event):
    """A piece of a reply, to be put after the pieces before it; `place` is the conversation's side by side, from 0."""

    text: str
    place: int = 0


@dataclass(frozen=True)
class ReplyEnded(Event):
    """A reply is whole, or was stopped: its text, how it was made, and in which of the conversations side by side."""

    text: str
    figures: Figures
    place: int = 0

    @classmethod
    def of(cls, reply: Reply, place: int = 0) -> ReplyEnded:
        """The event of a reply just made."""
        return cls(reply.text, Figures.of(reply), place)


class Talk:
    """Holds the models that were talked with last: asked to answer with others, it lets go of those first."""

    def __init__(self) -> None:
        self._sessions: dict[ChatModel, Session] = {}

    def reply_work(self, asked: Sequence[tuple[ChatModel, Conversation]], choice: ChatChoice) -> Work:
        """Answer the last question of each conversation with its model, one after the other.

        Models that are not in memory are loaded first; where the first fails, the others are not asked.
        """

        def work(emit: Emit, stop: StopToken) -> list[Reply]:
            self._keep({model for model, _conversation in asked})
            replies = []
            for place, (model, conversation) in enumerate(asked):
                replies.append(self._reply(place, model, conversation, choice, emit, stop))
                if replies[-1].finish == "stopped":
                    break
            return replies

        return work

    def _reply(
        self,
        place: int,
        model: ChatModel,
        conversation: Conversation,
        choice: ChatChoice,
        emit: Emit,
        stop: StopToken,
    ) -> Reply:
        session = self._sessions.get(model)
        if session is None:
            session = self._sessions[model] = open_session(model)
        stop.check()
        left_out = conversation.left_out
        session.make_room(conversation, choice)
        if conversation.left_out != left_out:
            emit(TurnsLeftOut(conversation.left_out, place))
        reply = session.reply(conversation, choice, lambda text: emit(ReplyText(text, place)), stop)
        emit(ReplyEnded.of(reply, place))
        return reply

    def let_go(self) -> None:
        """Give the models' memory back, so that other work has it."""
        self._keep(())

    def _keep(self, models: Collection[ChatModel]) -> None:
        for model in [one for one in self._sessions if one not in models]:
            self._sessions.pop(model).close()
