"""Who can judge a comparison: the teachers there are, by the names the setting `judge` gives them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from tui_tuner.choices import DatasetChoice
from tui_tuner.errors import UsageError
from tui_tuner.language import _
from tui_tuner.project import Project
from tui_tuner.teachers.choosing import available_teachers
from tui_tuner.teachers.ollama_address import address_for
from tui_tuner.teachers.openai_server import openai_address
from tui_tuner.teachers.teacher_choice import TeacherChoice

KINDS = ("mlx", "ollama", "openai")


@dataclass(frozen=True)
class Judge:
    """One who can judge.

    Attributes:
        setting: what goes into `judge`.
        teacher: the same one as it would write a dataset.
    """

    setting: str
    teacher: TeacherChoice


def judges(project: Project) -> list[Judge]:
    """Those who are there now; takes a moment where a server does not answer."""
    dataset = project.choices.dataset
    found = available_teachers(project.choices.model.name, dataset.urls)
    return [
        Judge(f"{teacher.kind}:{teacher.model}" if teacher.model else teacher.kind, teacher)
        for teacher in found
        if _is_reached(teacher, dataset)
    ]


def _is_reached(teacher: TeacherChoice, dataset: DatasetChoice) -> bool:
    """Whether the judge is looked for where this one is: at the teacher's server, or at the usual place."""
    if teacher.url is None:
        return True
    address = address_for if teacher.kind == "ollama" else openai_address
    return address(teacher.url) in {address(url) for url in _urls(dataset, teacher.kind)}


def _urls(dataset: DatasetChoice, kind: str) -> tuple[str, ...]:
    return tuple(dataset.urls) if dataset.teacher == kind else ("",)


def with_judge(project: Project) -> Project:
    """The project with its judge in the teacher's place; its server is the teacher's where both are of one kind.

    Raises:
        UsageError: nobody who can judge.
    """
    kind, _colon, model = project.choices.compare.judge.strip().partition(":")
    if kind not in KINDS:
        raise UsageError(
            _("{name} is no judge", name=repr(kind)),
            advice=_("Name one like this: mlx, mlx:starter, ollama:mistral:7b, openai:MODEL."),
        )
    dataset = project.choices.dataset
    url = dataset.url if dataset.teacher == kind else ""
    return project.with_choice("dataset", dataclasses.replace(dataset, teacher=kind, teacher_model=model, url=url))
