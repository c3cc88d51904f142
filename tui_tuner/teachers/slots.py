"""How many requests a server answers at the same time, found by watching it.

A server with too few requests idles; one with too many only queues them, and a queued request may wait into a time-out.
A server that streams shows its slots: those requests whose answers are growing at the same moment have one each. One
more than those is kept waiting at its door, so that a slot that falls free is never empty. A server that sends each
answer as a whole shows them by its delays: beyond its slots an answer takes longer than the quickest one did. (The
latter is the idea of TCP Vegas: Brakmo and Peterson, 1995.)
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

START, MOST = 4, 32  # requests
# Of its time, the share after its first word from which an answer counts as streamed: three may have queued before it.
STREAMED = 0.2
LIKE_THE_QUICKEST, QUEUED = 1.5, 2.0  # times the quickest answer of late
OF_LATE = 50  # answers


class Slots:
    """Watches one server. Safe to use from any thread.

    Args:
        start: requests to begin with.
        most: never more than these.
        clock: seconds; a test gives its own.
    """

    def __init__(self, start: int = START, most: int = MOST, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = min(start, most)
        self._start, self._most, self._clock = self.limit, most, clock
        self._judged = clock()
        self._guard = threading.Lock()
        self._open: set[Flight] = set()
        self._took: deque[float] = deque(maxlen=OF_LATE)
        self._round: list[float] = []

    def begin(self) -> Flight:
        """A request is being sent."""
        with self._guard:
            flight = Flight(self, self._clock())
            self._open.add(flight)
            return flight

    def busy(self) -> None:
        """The server says that its queue is full."""
        with self._guard:
            self.limit = max(1, self.limit // 2)

    def heard(self, flight: Flight) -> None:
        """Its first word has come."""
        with self._guard:
            if flight.first_word is not None:
                return
            flight.first_word = self._clock()
            flowing = sum(other.first_word is not None for other in self._open)
            for other in self._open:
                other.most_flowing = max(other.most_flowing, flowing)
            if flowing == len(self._open) >= self.limit:
                self.limit = min(self.limit + 1, self._most)

    def ended(self, flight: Flight, *, whole: bool) -> None:
        """Its answer is `whole`, or there will be none."""
        with self._guard:
            there = len(self._open)
            self._open.discard(flight)
            if not whole:
                return
            now = self._clock()
            took = now - flight.began
            if flight.first_word is not None and now - flight.first_word > STREAMED * took:
                # With nobody at the door, few answers that grow say nothing about the slots.
                if there > flight.most_flowing:
                    self.limit = min(self.limit, flight.most_flowing + 1)
            else:
                self._judge_delay(flight.began, took, there)

    def _judge_delay(self, began: float, took: float, there: int) -> None:
        """Once a round. The mean delay grows with the queue in whatever order a server takes from it (Little's law)."""
        self._took.append(took)
        if began < self._judged or there < self.limit:
            return  # it says nothing about as many as the limit
        self._round.append(took)
        if len(self._round) < self.limit:
            return
        delay = sum(self._round) / len(self._round) / min(self._took)
        if delay < LIKE_THE_QUICKEST:
            self.limit = min(self.limit + max(1, self.limit // 4), self._most)
        elif delay > QUEUED and self.limit > self._start:
            # Not below the start: answers differ in length too, and an idle slot costs more than a short queue.
            self.limit -= 1
        self._round.clear()
        self._judged = self._clock()


class Flight:
    """One request on its way.

    Attributes:
        began: when it was sent, seconds.
        first_word: when its answer began; None before.
        most_flowing: how many answers grew at the same time, at most, since it was sent.
    """

    def __init__(self, slots: Slots, began: float) -> None:
        self.began = began
        self.first_word: float | None = None
        self.most_flowing = 0
        self._slots = slots

    def heard(self, _piece: str = "") -> None:
        """A piece of its answer has come."""
        if self.first_word is None:
            self._slots.heard(self)

    def end(self, *, whole: bool) -> None:
        """It is over."""
        self._slots.ended(self, whole=whole)
