"""One example's last answer asked for anew, with the very request a run makes, but for its seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from tui_tuner.dataset.acceptance import Standard
from tui_tuner.dataset.answer_request import answer_request
from tui_tuner.dataset.checks import Objection
from tui_tuner.dataset.examples import Example
from tui_tuner.dataset.plan import DatasetPlan
from tui_tuner.documents.passages import Passage
from tui_tuner.errors import DatasetError, TeacherError
from tui_tuner.language import _
from tui_tuner.models.prompts import Message
from tui_tuner.progress import StopToken
from tui_tuner.teachers.teacher import Answer, Teacher

Open = Callable[[StopToken], tuple[DatasetPlan, Teacher]]


@dataclass(frozen=True)
class AnotherAnswer:
    """An example with another last answer.

    Attributes:
        example: the same turns but for the last one; its source is who wrote that.
        objection: what the checks say about it; None where nothing.
    """

    example: Example
    objection: Objection | None


class AnotherAnswers:
    """Asks the same teacher for one answer after the other; it is opened with the first and kept until `close`.

    Args:
        open_teacher: opens the chosen teacher, and says how the dataset is made now.
    """

    def __init__(self, open_teacher: Open) -> None:
        self._open_teacher = open_teacher
        self._opened: tuple[DatasetPlan, Teacher] | None = None

    def ask(self, example: Example, tries: int, stop: StopToken) -> AnotherAnswer:
        """Ask for another last answer of `example`.

        Args:
            example: its conversation up to its last answer is asked again.
            tries: another number gives another seed, other seed examples before it, and where several models write in
                turn another model.
            stop: looked at while the teacher writes.

        Raises:
            TeacherError: the teacher cannot be had, or failed.
            DatasetError: the passage it has to be answered from is there no longer.
            Stopped: asked to.
        """
        if self._opened is None:
            self._opened = self._open_teacher(stop)
        plan, teacher = self._opened
        conversation = example.messages[:-1]
        passage = _passage_of(example, plan)
        request = replace(answer_request(plan, teacher, conversation, tries, passage), turn=tries)
        answers: list[Answer | TeacherError] = []
        teacher.ask([request], lambda _place, answer: answers.append(answer), stop)
        answer = answers[0] if answers else TeacherError(_("the teacher said nothing"))
        if isinstance(answer, TeacherError):
            raise answer
        standard = Standard(plan)
        tidied = standard.tidy(answer)
        turns = (*conversation, Message(role="assistant", content=tidied.text))
        asked = next((turn["content"] for turn in reversed(conversation) if turn["role"] == "user"), "")
        found = Example(turns, answer.by or teacher.name, example.passage)
        return AnotherAnswer(found, standard.objection(asked, tidied, passage))

    def close(self) -> None:
        """Give back what the teacher holds."""
        if self._opened is not None:
            self._opened[1].close()
            self._opened = None


def _passage_of(example: Example, plan: DatasetPlan) -> Passage | None:
    if example.passage is None:
        return None
    passage = plan.passages_by_id.get(example.passage.id)
    if passage is None:
        raise DatasetError(
            _("the passage it was written from has changed or is gone"),
            where=example.passage.place,
            advice=_("Import the document again, or edit the answer yourself."),
        )
    return passage
