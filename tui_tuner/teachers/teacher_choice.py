"""Teachers that could be chosen, and what choosing them means for the settings."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tui_tuner.choices import DatasetChoice


@dataclass(frozen=True)
class TeacherChoice:
    """A teacher that could be chosen.

    Attributes:
        kind: what goes into the setting `teacher`.
        model: what goes into the setting `teacher_model`; empty for the base model in this process.
        name: the model as a person reads it.
        where: the server or process it is in, as a person reads it.
        url: what goes into the setting `url`; None where it plays no part.
        size: bytes on the disk; 0 where nobody says.
        family: its architecture, such as "llama"; may be empty.
        parameter_size: such as "7.2B"; may be empty.
    """

    kind: Literal["mlx", "ollama", "openai"]
    model: str
    name: str
    where: str
    url: str | None = None
    size: int = 0
    family: str = ""
    parameter_size: str = ""


def chosen_teachers(choice: DatasetChoice, found: Sequence[TeacherChoice]) -> list[TeacherChoice]:
    """Those of `found` that would write now: each model on each server, or a server's first one where none is named."""
    chosen: list[TeacherChoice] = []
    for url in choice.urls:
        here = [teacher for teacher in found if teacher.kind == choice.teacher and teacher.url in (None, url)]
        for model in choice.teacher_models:
            fitting = (teacher for teacher in here if model in ("", teacher.model, teacher.name))
            chosen += [teacher for teacher in (next(fitting, None),) if teacher is not None and teacher not in chosen]
    return chosen


def with_teachers(choice: DatasetChoice, teachers: Sequence[TeacherChoice]) -> DatasetChoice:
    """The settings with which `teachers` write, one or more of one kind. Every server gets every model it has."""
    if len(teachers) == 1:
        models = [teachers[0].model]
    else:
        models = list(dict.fromkeys(teacher.model or teacher.name for teacher in teachers))
    urls = list(dict.fromkeys(teacher.url for teacher in teachers if teacher.url is not None))
    return dataclasses.replace(
        choice,
        teacher=teachers[0].kind,
        teacher_model="; ".join(models),
        url="; ".join(urls) if urls else choice.url,
    )


def toggled(choice: DatasetChoice, found: Sequence[TeacherChoice], teacher: TeacherChoice) -> tuple[TeacherChoice, ...]:
    """Those that would write with `teacher` added, or taken away where it is one of several.

    Teachers of another kind go: a server of one language and another one do not share the work.
    """
    now = [other for other in chosen_teachers(choice, found) if other.kind == teacher.kind]
    if teacher not in now:
        return (*now, teacher)
    return tuple(other for other in now if other is not teacher) or (teacher,)
