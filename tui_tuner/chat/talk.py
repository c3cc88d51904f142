"""The models one talks with, kept in memory from one reply to the next. Runs on the engine's thread."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui_tuner.chat.context import TurnsLeftOut
from tui_tuner.chat.conversation import Conversation, Figures
from tui_tuner.chat.models import ChatModel, open_session
from tui_tuner.chat.session import Session
from tui_tuner.choices import ChatChoice
from tui_tuner.errors import StorageError
from tui_tuner.jobs import Work
from tui_tuner.language import _
from tui_tuner.progress import Emit, Event, Notice, StopToken

if TYPE_CHECKING:
    from tui_tuner.models.replies import Reply

SECONDS_AT_RISK = 2.0  # how much of an answer a crash may cost


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


class _Draft:
    """Keeps on the disk what there is of a reply, every so often: a crash costs its last moments, not all of it."""

    def __init__(self, conversation: Conversation, model: str) -> None:
        self._conversation, self._model = conversation, model
        self._parts: list[str] = []
        self._saved = time.monotonic()

    def add(self, text: str) -> None:
        """Take what comes next. A full disk ends no answer: it is said when the whole of it is saved."""
        self._parts.append(text)
        if time.monotonic() - self._saved >= SECONDS_AT_RISK:
            with contextlib.suppress(StorageError):
                self._conversation.save_with("".join(self._parts), self._model)
            self._saved = time.monotonic()

    def discard(self) -> None:
        """There will be no reply: the file has the conversation as it was."""
        if self._parts:
            with contextlib.suppress(StorageError):
                self._conversation.save()


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
        if conversation.moved:
            conversation.moved = False
            text = _("This conversation went on in another window too. Both are kept; what follows here is in a copy.")
            emit(Notice(text, "warning"))
        left_out = conversation.left_out
        session.make_room(conversation, choice)
        if conversation.left_out != left_out:
            emit(TurnsLeftOut(conversation.left_out, place))
        draft = _Draft(conversation, model.label)

        def hear(text: str) -> None:
            draft.add(text)
            emit(ReplyText(text, place))

        try:
            reply = session.reply(conversation, choice, hear, stop)
        except BaseException:
            draft.discard()
            raise
        emit(ReplyEnded.of(reply, place))
        return reply

    def let_go(self) -> None:
        """Give the models' memory back, so that other work has it."""
        self._keep(())

    def _keep(self, models: Collection[ChatModel]) -> None:
        for model in [one for one in self._sessions if one not in models]:
            self._sessions.pop(model).close()
