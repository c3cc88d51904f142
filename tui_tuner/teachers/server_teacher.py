"""A teacher that lives in a server, whatever language the server speaks: one with patience.

While the server is away it waits, says so, and goes on when the server is back, for as long as the person does not stop
it. What fails although the server is there is tried a few times more; what would fail for ever is not tried again.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Generic, Protocol, TypeVar

from tui_tuner.errors import TeacherError, TeacherUnavailable
from tui_tuner.language import _
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Emit, Notice, StopToken, ignore_event
from tui_tuner.teachers.ollama_address import Address
from tui_tuner.teachers.server_errors import ServerAway, ServerBusy, Unfinished
from tui_tuner.teachers.slots import Slots
from tui_tuner.teachers.teacher import Answer, OnAnswer, Request
from tui_tuner.teachers.together import Lane, answer_together

log = logging.getLogger(__name__)

WAITS = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)  # seconds between two tries; the last one repeats
MOST_FAILURES = 4  # in a row, of one request, with the server there
SEED_STEP = 1_000_003  # far from the neighbouring requests' seeds


class Server(Protocol):
    """What a teacher needs of a server, whatever language it speaks."""

    @property
    def address(self) -> Address:
        """Where it listens."""
        ...

    @property
    def where(self) -> str:
        """It as a message names it: "Ollama at localhost:11434"."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


AnyServer = TypeVar("AnyServer", bound=Server)


class ServerTeacher(ABC, Generic[AnyServer]):
    """Implements `tui_tuner.teachers.teacher.Teacher` but for one try at one request.

    Args:
        server: where the model is.
        model: its name there.
        emit: hears when the server has to be waited for, and when it answers again.
        waits: seconds between two tries, the last one repeating.
        slots: how many requests the server gets at the same time; None finds out.
    """

    continues = False
    # All of these are handed over, and `slots` says how many of them are on their way.
    at_once = 512

    def __init__(
        self,
        server: AnyServer,
        model: str,
        *,
        emit: Emit = ignore_event,
        waits: Sequence[float] = WAITS,
        slots: Slots | None = None,
    ) -> None:
        self._server, self._model = server, model
        self._emit, self._waits = emit, waits
        # This server's part in answering requests, alone or among others.
        self.lane = Lane(self._answer, slots or Slots(), self._say, waits)

    @property
    def name(self) -> str:
        """As a person reads it: "mistral:7b at localhost:11434"."""
        return _(
            "{model} at {address}", model=one_line(self._model, 60), address=one_line(str(self._server.address), 60)
        )

    def ask(self, requests: Sequence[Request], on_answer: OnAnswer, stop: StopToken) -> None:
        """Answer `requests`, several at the same time; a `beginning` is not used.

        An answer that ends early at every try, because the model repeats itself, is given as cut off (`length`). A
        request the server refuses or fails at several times is given its error.

        Raises:
            Stopped: asked to; takes effect within a second.
        """
        answer_together(requests, [self.lane], on_answer, stop)

    def close(self) -> None:
        """Close the connections."""
        self._server.close()

    @abstractmethod
    def _try(self, request: Request, on_text: Callable[[str], None], stop: StopToken) -> Answer:
        """Ask the server once. Called on several threads at the same time."""

    def _answer(self, request: Request, stop: StopToken) -> Answer:
        failures = 0
        while True:
            stop.check()
            try:
                return self._watched_try(request, stop)
            except ServerAway:
                raise  # for this the lane waits, once for all requests
            except TeacherUnavailable as error:
                failures += 1
                log.warning("%s: failure %d: %s", self._server.where, failures, error)
                if failures == MOST_FAILURES:
                    return replace(_cut_off(error), by=self.name)
                if isinstance(error, Unfinished):
                    # The same seed would lead into the same endless repetition.
                    request = replace(request, seed=(request.seed + SEED_STEP) % 2**31)
            stop.wait(self._waits[min(failures, len(self._waits)) - 1])

    def _watched_try(self, request: Request, stop: StopToken) -> Answer:
        flight = self.lane.slots.begin()
        answer = None
        try:
            answer = replace(self._try(request, flight.heard, stop), by=self.name)
        except ServerBusy:
            self.lane.slots.busy()
            raise
        finally:
            flight.end(whole=answer is not None)
        return answer

    def _say(self, error: TeacherError | None, failures: int) -> None:
        where = self._server.where
        if error is None:
            self._emit(Notice(_("{server} answers again; going on.", server=where)))
            return
        log.info("%s: failure %d: %s", where, failures, error)
        if failures:
            text = _("{server}: {what}; waiting, try {number}.", server=where, what=error.what, number=failures)
        else:
            text = _("{server}: {what}; the others take its part.", server=where, what=error.what)
        self._emit(Notice(text, "warning"))


def _cut_off(error: TeacherUnavailable) -> Answer:
    if isinstance(error, Unfinished) and error.text:
        return Answer(error.text, "length", 0)
    raise error
