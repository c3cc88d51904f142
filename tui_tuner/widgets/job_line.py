"""The line under a screen that does one piece of work after another: what happens, and what came of it."""

from __future__ import annotations

import time

from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from tui_tuner.engine import Engine
from tui_tuner.errors import TunerError
from tui_tuner.jobs import Job, JobEnded, Work
from tui_tuner.language import _
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Event, Notice, StageProgress


class JobLine(Static):
    """Runs one job at a time, and says how it goes; stops it when the screen is left.

    Attributes:
        job: the last one; None before the first.
        running: whether it still runs, or its last news is on the way.
    """

    DEFAULT_CSS = "JobLine { height: auto; max-height: 3; padding: 0 1; }"

    class News(Message):
        """What the job says, posted from its thread; notices and failures are on the line already."""

        def __init__(self, event: Event) -> None:
            super().__init__()
            self.event = event

        def can_replace(self, message: Message) -> bool:
            """Of how far a stage is only the latest counts: work may say so thousands of times a second."""
            later = message.event if isinstance(message, JobLine.News) else None
            return (
                isinstance(later, StageProgress)
                and isinstance(self.event, StageProgress)
                and later.stage == self.event.stage
            )

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self.job: Job | None = None
        self.running = self._counts = False
        self._began = 0.0

    def on_mount(self) -> None:
        """Count the seconds."""
        self.set_interval(1, self._say_how_long)

    def on_unmount(self) -> None:
        """Stop what nobody will see."""
        self.stop()

    def start(self, name: str, work: Work, engine: Engine | None = None, *, says: str = "") -> None:
        """Start `work`, on the engine's thread where one is given; say so where that cannot be.

        Args:
            name: as a person reads it: "importing".
            work: what is done.
            engine: where, if not on a thread of its own.
            says: what the line says meanwhile; the name and the seconds where nothing is given.
        """
        job = Job(name, work, self.tell, engine)
        try:
            job.start()
        except TunerError as error:
            self.say(f"{error.what}. {error.advice}", "$text-error")
            return
        self.job, self.running, self._counts, self._began = job, True, not says, time.monotonic()
        self.say(says)
        self._say_how_long()

    def stop(self) -> None:
        """Ask the work to end; it does so at its next unit."""
        if self.job is not None:
            self.job.stop()

    def say(self, text: str, style: str = "") -> None:
        """Put a sentence on the line."""
        self.update(Content.styled(one_line(text, 400), style))

    def tell(self, event: Event) -> None:
        """Pass an event on, from any thread."""
        self.post_message(self.News(event))

    def _say_how_long(self) -> None:
        if self.running and self._counts and self.job is not None:
            seconds = int(time.monotonic() - self._began)
            self.say(_("{work}… {seconds} s", work=self.job.name, seconds=seconds))

    def on_job_line_news(self, message: News) -> None:
        """Say what a person should know; the screen hears of it next."""
        event = message.event
        if isinstance(event, Notice):
            self.say(event.text, "$text-warning")
        elif isinstance(event, JobEnded):
            self.running = False
            if event.outcome != "done":
                text = ". ".join(part.rstrip(".") for part in (event.message, event.advice) if part)
                self.say(text, "$text-error" if event.outcome == "failed" else "$text-warning")
