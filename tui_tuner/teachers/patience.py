"""Asking a server again for as long as that makes sense.

While the server is away, whoever asks waits, says so, and goes on when it is back, for as long as the person does not
stop it. What fails although the server is there is tried a few times more; what would fail for ever is not tried again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from tui_tuner.errors import TeacherUnavailable
from tui_tuner.language import _
from tui_tuner.progress import Emit, Notice, StopToken
from tui_tuner.teachers.json_server import ServerAway, Unfinished
from tui_tuner.teachers.teacher import Answer, Request

log = logging.getLogger(__name__)

WAITS = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)  # seconds between two tries; the last one repeats
MOST_FAILURES = 4  # in a row, of one request, with the server there
SEED_STEP = 1_000_003  # far from the neighbouring requests' seeds

Attempt = Callable[[Request, StopToken], Answer]


class Patience:
    """Tries a request until there is an answer.

    Args:
        server: as a message names it: "Ollama at localhost:11434".
        emit: hears when the server has to be waited for, and when it answers again.
        waits: seconds between two tries, the last one repeating.
    """

    def __init__(self, server: str, emit: Emit, waits: Sequence[float] = WAITS) -> None:
        self._server, self._emit, self._waits = server, emit, waits

    def answer(self, request: Request, attempt: Attempt, stop: StopToken) -> Answer:
        """What `attempt` answers to `request`.

        An answer that ends early at every try, because the model repeats itself, is given as cut off (`length`).

        Raises:
            TeacherUnavailable: the server is there but failed several times.
            TeacherRefused: it will not answer this.
            Stopped: asked to.
        """
        waited = failures = 0
        while True:
            stop.check()
            try:
                answer = attempt(request, stop)
            except ServerAway as error:
                waited += 1
                self._say_waiting(error, waited)
            except TeacherUnavailable as error:
                failures, waited = failures + 1, 0
                log.warning("%s: failure %d: %s", self._server, failures, error)
                if failures == MOST_FAILURES:
                    return _cut_off(error)
                if isinstance(error, Unfinished):
                    # The same seed would lead into the same endless repetition.
                    request = replace(request, seed=(request.seed + SEED_STEP) % 2**31)
            else:
                if waited:
                    self._emit(Notice(_("{server} answers again; going on.", server=self._server)))
                return answer
            stop.wait(self._waits[min(max(waited, failures), len(self._waits)) - 1])

    def _say_waiting(self, error: ServerAway, tries: int) -> None:
        log.info("%s: waiting, try %d: %s", self._server, tries, error)
        text = _("{server}: {what}; waiting, try {number}.", server=self._server, what=error.what, number=tries)
        self._emit(Notice(text, "warning"))


def _cut_off(error: TeacherUnavailable) -> Answer:
    if isinstance(error, Unfinished) and error.text:
        return Answer(error.text, "length", 0)
    raise error
