"""What the Dataset screen knows: the stages, the latest examples, and the files at the end."""

from __future__ import annotations

from collections import deque

from tui_tuner.dataset.events import (
    DatasetReady,
    ExampleRefused,
    ExampleWritten,
    FollowUpRefused,
    FollowUpWritten,
    InstructionWritten,
)
from tui_tuner.dataset.examples import Example
from tui_tuner.dataset.follow_ups_there import FollowUpsThere, read_follow_ups
from tui_tuner.dataset.plan import ANSWERS, REVIEW
from tui_tuner.dataset.review import Review
from tui_tuner.files import read_json_lines
from tui_tuner.progress import Event, StageProgress
from tui_tuner.project import Project
from tui_tuner.screens.progress_view import ProgressView

LATEST = 100
Latest = InstructionWritten | ExampleWritten | ExampleRefused | FollowUpWritten | FollowUpRefused


class DatasetView(ProgressView):
    """Stages and notices, and what was written or refused since the job began; newest last."""

    def __init__(self) -> None:
        super().__init__()
        self.latest: deque[Latest] = deque(maxlen=LATEST)
        self.heard = 0  # of all that went into `latest`, also what has left it
        self.refused = 0
        self.tokens = 0
        self.finished: DatasetReady | None = None

    @classmethod
    def of(cls, project: Project) -> DatasetView:
        """The examples that are on the disk, as far as they are shown."""
        view = cls()
        rows, _bad = read_json_lines(project.data / ANSWERS)
        turns = project.choices.dataset.turns_learned
        decisions = Review(project.data / REVIEW).decisions if turns > 1 else {}
        there = read_follow_ups(project.data, decisions) if turns > 1 else FollowUpsThere({})
        for done, row in enumerate(rows[-LATEST:], start=max(len(rows) - LATEST, 0) + 1):
            try:
                example = Example.from_row(row, "")
            except ValueError:
                continue
            view._add(ExampleWritten(example.question, example.answer, 0, example.source, done))
            messages = there.grown(example, turns).messages[len(example.messages) :]
            for turn, (asked, said) in enumerate(zip(messages[::2], messages[1::2], strict=True), start=2):
                words = (example.question, asked["content"], said["content"])
                view._add(FollowUpWritten(*words, tokens=0, turn=turn, source=example.source, done=done))
        return view

    def _add(self, event: Latest) -> None:
        self.latest.append(event)
        self.heard += 1

    def apply(self, event: Event) -> None:
        """Take in one event."""
        super().apply(event)
        if isinstance(event, Latest):
            self._add(event)
        if isinstance(event, ExampleWritten | FollowUpWritten):
            self.tokens += event.tokens
        elif isinstance(event, ExampleRefused | FollowUpRefused):
            self.refused += 1
        elif isinstance(event, DatasetReady):
            self.finished = event

    @property
    def current(self) -> StageProgress | None:
        """The stage in work."""
        return next((stage for stage in self.stages.values() if not stage.ended), None)
