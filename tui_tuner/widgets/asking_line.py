"""The line under a screen that asks a teacher something: how long it has been asked, and what came of it."""

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
from tui_tuner.progress import Event, Notice


class AskingLine(Static):
    """Runs one job at a time, and says how it goes; stops it when the screen is left.

    Attributes:
        job: the last one; None before the first.
        asking: whether it still runs.
    """

    DEFAULT_CSS = "AskingLine { height: auto; max-height: 3; padding: 0 1; }"

    class News(Message):
        """What the job says, posted from its thread; notices and failures are on the line already."""

        def __init__(self, event: Event) -> None:
            super().__init__()
            self.event = event

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self.job: Job | None = None
        self.asking = False
        self._began = 0.0

    def on_mount(self) -> None:
        """Count the seconds."""
        self.set_interval(1, self._say_how_long)

    def on_unmount(self) -> None:
        """Stop what nobody will see."""
        if self.job is not None:
            self.job.stop()

    def ask(self, name: str, work: Work, engine: Engine | None) -> None:
        """Start `work`, on the engine's thread where one is given; say so where that cannot be."""
        job = Job(name, work, self.tell, engine)
        try:
            job.start()
        except TunerError as error:
            self.say(f"{error.what}. {error.advice}", "$text-error")
            return
        self.job, self.asking, self._began = job, True, time.monotonic()
        self._say_how_long()

    def say(self, text: str, style: str = "") -> None:
        """Put a sentence on the line."""
        self.update(Content.styled(one_line(text, 300), style))

    def tell(self, event: Event) -> None:
        """Pass an event on, from any thread."""
        self.post_message(self.News(event))

    def _say_how_long(self) -> None:
        if self.asking and self.job is not None:
            seconds = int(time.monotonic() - self._began)
            self.say(_("{work}… {seconds} s", work=self.job.name, seconds=seconds))

    def on_asking_line_news(self, message: News) -> None:
        """Say what a person should know; the screen hears of it next."""
        event = message.event
        if isinstance(event, Notice):
            self.say(event.text, "$text-warning")
        elif isinstance(event, JobEnded):
            self.asking = False
            if event.outcome == "failed":
                self.say(". ".join(part.rstrip(".") for part in (event.message, event.advice) if part), "$text-error")
