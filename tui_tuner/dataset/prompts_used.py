"""What a teacher was really told, once for each stage: kept for the dataset's card."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui_tuner.errors import DatasetError, StorageError
from tui_tuner.files import read_json, write_json
from tui_tuner.progress import StopToken
from tui_tuner.teachers.teacher import OnAnswer, Request, Teacher

PROMPTS = "prompts.json"


@dataclass
class NotingTeacher:
    """A teacher like the one it stands for; its first request of this session goes into `data/prompts.json`.

    Attributes:
        teacher: who answers.
        data: the dataset's folder.
        stage: what is asked for: `questions` or `answers`.
    """

    teacher: Teacher
    data: Path
    stage: str
    noted: bool = False

    @property
    def name(self) -> str:
        """As a person reads it."""
        return self.teacher.name

    @property
    def continues(self) -> bool:
        """Whether it can be given the beginning of its own answer."""
        return self.teacher.continues

    @property
    def at_once(self) -> int:
        """How many requests are worth handing over together."""
        return self.teacher.at_once

    def ask(self, requests: Sequence[Request], on_answer: OnAnswer, stop: StopToken) -> None:
        """Note the first request, and have it answered with the others."""
        if requests and not self.noted:
            self.noted = True
            first = requests[0]
            turns = [dict(message) for message in first.messages]
            if first.beginning:
                turns.append({"role": "assistant", "content": first.beginning})
            prompt = {"teacher": self.name, "messages": turns}
            write_json(self.data / PROMPTS, {**prompts_used(self.data), self.stage: prompt})
        self.teacher.ask(requests, on_answer, stop)

    def close(self) -> None:
        """Close the teacher."""
        self.teacher.close()


def prompts_used(data: Path) -> dict[str, Any]:
    """The last prompt of each stage, with its teacher; none where nothing was asked or the file is damaged."""
    with contextlib.suppress(DatasetError, StorageError):
        found = read_json(data / PROMPTS)
        if isinstance(found, dict):
            return found
    return {}
