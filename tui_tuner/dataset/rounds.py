"""Asking a teacher for many things, group after group, so that one that fails costs none of the others."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from tui_tuner.errors import TeacherError
from tui_tuner.progress import StopToken
from tui_tuner.teachers.teacher import Answer, Request, Teacher

TRIES = 3  # answers to one thing before it is given up
FAILURES = 3  # of the teacher in a row, each at one thing alone, before the run ends

Item = TypeVar("Item")


class Rounds(Generic[Item]):
    """What is still to be asked for, in its order.

    Args:
        teacher: who is asked.
        waiting: what for.
        request: makes the request for one.
        take: takes an answer in; may put more into `waiting`.
        fail: hears that the teacher failed at one.

    Attributes:
        waiting: what will be asked for next.
    """

    def __init__(
        self,
        teacher: Teacher,
        waiting: Iterable[Item],
        *,
        request: Callable[[Item], Request],
        take: Callable[[Item, Answer], None],
        fail: Callable[[Item, TeacherError], None],
    ) -> None:
        self.waiting: deque[Item] = deque(waiting)
        self._teacher, self._request, self._take, self._fail = teacher, request, take, fail
        self._failures = 0

    def ask_all(self, stop: StopToken) -> None:
        """Ask group after group. A group that fails is asked one by one, so that one of it cannot end the run.

        Raises:
            TeacherError: the teacher failed several times in a row.
            Stopped: asked to.
        """
        alone = 0
        while self.waiting:
            stop.check()
            size = 1 if alone else max(1, self._teacher.at_once)
            group = [self.waiting.popleft() for _place in range(min(size, len(self.waiting)))]
            try:
                self._ask(group, stop)
            except TeacherError as error:
                if self._failures >= FAILURES:
                    raise
                if len(group) > 1:
                    alone = len(group)
                    continue
                self._failed(group[0], error)
            else:
                alone = max(0, alone - 1)

    def _ask(self, group: list[Item], stop: StopToken) -> None:
        """Ask for `group`; what gets no answer goes back to the front."""
        unanswered = dict(enumerate(group))

        def on_answer(place: int, answer: Answer | TeacherError) -> None:
            item = unanswered.pop(place)
            if isinstance(answer, TeacherError):
                self._failed(item, answer)
            else:
                self._failures = 0
                self._take(item, answer)

        try:
            self._teacher.ask([self._request(item) for item in group], on_answer, stop)
        except TeacherError:
            if len(group) > 1:
                self.waiting.extendleft(reversed(unanswered.values()))
            raise

    def _failed(self, item: Item, error: TeacherError) -> None:
        """Count the failure; several in a row, and it is the teacher that fails."""
        self._failures += 1
        self._fail(item, error)
        if self._failures >= FAILURES:
            raise error
