"""Several requests to a server at the same time; their answers come to one thread.

Whoever asks keeps journals and counts, and those belong to the thread that asked. So each request waits for the server
on a thread of its own, and all that comes of it is handed over in a queue.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from tui_tuner.errors import TeacherError
from tui_tuner.progress import Emit, Event, StopToken
from tui_tuner.teachers.slots import Slots
from tui_tuner.teachers.teacher import Answer

LOOK_EVERY = 0.1  # seconds between two looks at the stop token
GONE_WITHIN = 2.0  # seconds for a request that was given up to notice

AnswerOne = Callable[[int, Emit, StopToken], Answer]
News = Event | tuple[int, Answer | Exception]


def answer_together(
    number: int,
    answer_one: AnswerOne,
    on_answer: Callable[[int, Answer | TeacherError], None],
    slots: Slots,
    *,
    emit: Emit,
    stop: StopToken,
) -> None:
    """Have `answer_one` answer the requests 0 to `number` - 1, as many at a time as `slots` finds worth while.

    `on_answer` and `emit` are called on this thread only. While `stop` is paused nothing new is asked, and what was
    asked before is still taken.

    Raises:
        Stopped: asked to; what is in flight is given up.
    """
    news: queue.SimpleQueue[News] = queue.SimpleQueue()
    leave = StopToken()

    def work(place: int) -> None:
        try:
            news.put((place, answer_one(place, news.put, leave)))
        except Exception as error:  # whatever it is, it belongs to whoever asked
            news.put((place, error))

    threads: dict[int, threading.Thread] = {}
    asked = 0
    try:
        while threads or asked < number:
            if stop.requested:
                stop.check()
            while asked < number and len(threads) < slots.limit and not stop.paused:
                threads[asked] = threading.Thread(target=work, args=(asked,), name=f"request {asked}", daemon=True)
                threads[asked].start()
                asked += 1
            try:
                item = news.get(timeout=LOOK_EVERY)
            except queue.Empty:
                continue
            if isinstance(item, Event):
                emit(item)
                continue
            place, outcome = item
            del threads[place]
            if not isinstance(outcome, Answer | TeacherError):
                raise outcome
            on_answer(place, outcome)
    finally:
        leave.request()
        for thread in threads.values():
            thread.join(GONE_WITHIN)
