"""What a screen knows of a job that speaks in stages and notices."""

from __future__ import annotations

from tui_tuner.progress import Event, Notice, StageProgress


class ProgressView:
    """The latest word of every stage, in the order in which stages first spoke, and all notices."""

    def __init__(self) -> None:
        self.stages: dict[str, StageProgress] = {}
        self.notices: list[Notice] = []

    def apply(self, event: Event) -> None:
        """Take in one event."""
        if isinstance(event, StageProgress):
            self.stages[event.stage] = event
        elif isinstance(event, Notice):
            self.notices.append(event)
