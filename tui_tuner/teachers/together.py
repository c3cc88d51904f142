"""Several requests at the same time, to one server or to several; their answers come to one thread.

Whoever asks keeps journals and counts, and those belong to the thread that asked. So each request waits for its server
on a thread of its own, and what comes of it is handed over in a queue.

Servers that share the work take from the same heap: a quick one simply comes back more often. What one of them fails at
goes back on the heap, and a server that fails is left alone for a while.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tui_tuner.errors import TeacherError
from tui_tuner.progress import StopToken
from tui_tuner.teachers.json_server import LOOK_EVERY
from tui_tuner.teachers.server_errors import ServerAway
from tui_tuner.teachers.slots import Slots
from tui_tuner.teachers.teacher import Answer, OnAnswer, Request

GONE_WITHIN = 2.0  # seconds for requests that were given up to notice


@dataclass(eq=False)
class Lane:
    """One server's part, for as long as its teacher lives: what is known of it outlasts a round of requests.

    Attributes:
        answer: answers a request; called on several threads at the same time.
        slots: how many at a time.
        hears: told of a failure and of how many there were in a row; where other lanes go on, of the first only and
            with 0. None means that it answers again.
        rests: seconds to be left alone after so many failures in a row, the last one repeating.
    """

    answer: Callable[[Request, StopToken], Answer]
    slots: Slots
    hears: Callable[[TeacherError | None, int], None]
    rests: Sequence[float]
    failures: int = field(default=0, init=False)
    back_at: float = field(default=0.0, init=False)

    def failed(self, error: TeacherError, *, others: bool) -> None:
        """It could not answer; maybe `others` can. What was on its way when a server went fails together, as one."""
        now = time.monotonic()
        if now < self.back_at:
            return
        self.back_at = now + self.rests[min(self.failures, len(self.rests) - 1)]
        self.failures += 1
        if self.failures == 1 or not others:
            self.hears(error, 0 if others else self.failures)

    def answered(self) -> None:
        """It could."""
        if self.failures:
            self.failures, self.back_at = 0, 0.0
            self.hears(None, 0)

    def room(self, busy: int) -> bool:
        """Whether it takes another request. After a failure, one at a time tries whether the server is back."""
        if self.failures:
            return busy == 0 and time.monotonic() >= self.back_at
        return busy < self.slots.limit


def answer_together(requests: Sequence[Request], lanes: Sequence[Lane], on_answer: OnAnswer, stop: StopToken) -> None:
    """Have `requests` answered, as many at a time as the lanes' slots find worth while.

    `on_answer` is called on this thread only. A request whose server is away waits for it or for another one; a request
    that every lane has failed at gets the last one's error. While `stop` is paused nothing new is asked, and what was
    asked before is still taken.

    Raises:
        Stopped: asked to; what is in flight is given up.
    """
    work = _Work(requests, lanes)
    try:
        while work.threads or work.heap:
            if stop.requested:
                stop.check()
            if not stop.paused:
                work.hand_out()
            try:
                place, lane, outcome = work.news.get(timeout=LOOK_EVERY)
            except queue.Empty:
                continue
            work.take(place, lane, outcome, on_answer)
    finally:
        work.give_up()


class _Work:
    """The heap of requests, and those on their way."""

    def __init__(self, requests: Sequence[Request], lanes: Sequence[Lane]) -> None:
        self.heap = deque(range(len(requests)))
        self.news: queue.SimpleQueue[tuple[int, Lane, Answer | Exception]] = queue.SimpleQueue()
        self.threads: dict[int, tuple[Lane, threading.Thread]] = {}
        self._requests, self._lanes = requests, lanes
        self._failed_at: dict[int, set[Lane]] = {}
        self._leave = StopToken()

    def hand_out(self) -> None:
        """One to each lane in turn, those that work first, until no lane has room or the heap holds nothing for it."""
        taken = True
        while taken:
            taken = sum(self._hand_to(lane) for lane in sorted(self._lanes, key=lambda lane: lane.failures)) > 0

    def _hand_to(self, lane: Lane) -> bool:
        if not lane.room(sum(owner is lane for owner, _thread in self.threads.values())):
            return False
        place = next((place for place in self.heap if lane not in self._failed_at.get(place, ())), None)
        if place is None:
            return False
        self.heap.remove(place)
        thread = threading.Thread(target=self._ask, args=(place, lane), name=f"request {place}", daemon=True)
        self.threads[place] = (lane, thread)
        thread.start()
        return True

    def _ask(self, place: int, lane: Lane) -> None:
        try:
            self.news.put((place, lane, lane.answer(self._requests[place], self._leave)))
        except Exception as error:  # whatever it is, it belongs to whoever asked
            self.news.put((place, lane, error))

    def take(self, place: int, lane: Lane, outcome: Answer | Exception, on_answer: OnAnswer) -> None:
        """Pass an answer on; put a request that failed back where it may still be answered."""
        del self.threads[place]
        if isinstance(outcome, Answer):
            lane.answered()
        elif not isinstance(outcome, TeacherError):
            raise outcome
        elif self._may_succeed_later(place, lane, outcome):
            self.heap.appendleft(place)
            lane.failed(outcome, others=any(not other.failures for other in self._lanes if other is not lane))
            return
        on_answer(place, outcome)

    def _may_succeed_later(self, place: int, lane: Lane, error: TeacherError) -> bool:
        if isinstance(error, ServerAway):
            return True
        failed_at = self._failed_at.setdefault(place, set())
        failed_at.add(lane)
        return len(failed_at) < len(self._lanes)

    def give_up(self) -> None:
        """Cut what is on its way."""
        self._leave.request()
        for _lane, thread in self.threads.values():
            thread.join(GONE_WITHIN)
