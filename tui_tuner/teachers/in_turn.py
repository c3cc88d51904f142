"""Several models that write in turn, as one teacher: what one model would say in the same few ways is said in more.

Changing the model costs a server, or this process, the loading of another one. So each model gets all its requests of
a round in one block, and a round begins with the model that ended the one before.
"""

from __future__ import annotations

from collections.abc import Sequence

from tui_tuner.errors import TeacherError
from tui_tuner.progress import StopToken
from tui_tuner.teachers.teacher import Answer, OnAnswer, Request, Teacher, close_all

LEAST_BLOCK = 256  # requests for one model in a full round: loading it has to be worth while


class ModelsInTurn:
    """Implements `tui_tuner.teachers.teacher.Teacher` on several models.

    Args:
        members: one teacher for each model, two or more, all with or all without `continues`.
        one_at_a_time: a model gives back its memory before the next one is asked. Servers see to that themselves.
    """

    def __init__(self, members: Sequence[Teacher], *, one_at_a_time: bool = False) -> None:
        self._members = members
        self._one_at_a_time = one_at_a_time
        self._last = 0
        self.continues = all(member.continues for member in members)
        self.at_once = sum(max(member.at_once, LEAST_BLOCK) for member in members)

    @property
    def name(self) -> str:
        """As a person reads it: "mistral:7b at localhost:11434, qwen3:8b at localhost:11434"."""
        return ", ".join(member.name for member in self._members)

    def ask(self, requests: Sequence[Request], on_answer: OnAnswer, stop: StopToken) -> None:
        """Answer `requests`, each by the model whose turn it is: the same one however the work is cut into rounds.

        Raises:
            TeacherError: a model failed; what came before is whole.
            Stopped: asked to.
        """
        number = len(self._members)
        blocks: list[list[int]] = [[] for _member in self._members]
        for place, request in enumerate(requests):
            blocks[(request.seed if request.turn is None else request.turn) % number].append(place)
        first = self._last
        for step in range(number):
            which = (first + step) % number
            if blocks[which]:
                self._ask_one(which, blocks[which], requests, on_answer, stop)

    def _ask_one(
        self, which: int, places: Sequence[int], requests: Sequence[Request], on_answer: OnAnswer, stop: StopToken
    ) -> None:
        if which != self._last and self._one_at_a_time:
            self._members[self._last].close()
        self._last = which

        def answered(number: int, answer: Answer | TeacherError) -> None:
            on_answer(places[number], answer)

        self._members[which].ask([requests[place] for place in places], answered, stop)

    def close(self) -> None:
        """Have every model give back what it holds, also where one of them fails at it."""
        close_all(self._members)
