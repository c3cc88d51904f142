"""What a server can do wrong, as far as it matters for what to do next: wait, try again, or give up."""

from __future__ import annotations

from tui_tuner.errors import TeacherRefused, TeacherUnavailable
from tui_tuner.language import _


class ServerAway(TeacherUnavailable):
    """Nobody answers there, or its queue is full: waiting is all it takes."""


class ServerBusy(ServerAway):
    """It answers, and has more to do than it takes."""


class EmptyAnswer(TeacherRefused):
    """It answered, but with nothing."""


class TooLong(TeacherRefused):
    """The conversation does not fit into the model's context."""


class Unfinished(TeacherUnavailable):
    """The stream ended without its last word, as Ollama's does after many equal tokens in a row.

    Attributes:
        text: what had arrived.
    """

    def __init__(self, text: str, where: str) -> None:
        super().__init__(_("the answer ended early"), where=where)
        self.text = text


class FailedMidway(TeacherUnavailable):
    """The server reported an error after it had begun to answer; the next time may go well."""
