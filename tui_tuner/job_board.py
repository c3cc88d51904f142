"""The jobs the app has running, one per step at most, and what is known of each.

The rule of threads: a job's thread only puts events into a queue and says that there is news; everything a screen shows
is changed on the event loop, by `drain`.
"""

from __future__ import annotations

import queue
from typing import Any, Protocol

from textual.app import App
from textual.message import Message

from tui_tuner.engine import Engine
from tui_tuner.errors import UsageError
from tui_tuner.jobs import Job, JobEnded, Work
from tui_tuner.journey import step
from tui_tuner.language import _
from tui_tuner.progress import Event

# Often enough to look live, rarely enough that a fast job's events cost one redraw and not hundreds.
SECONDS_BETWEEN_DRAINS = 0.05


class View(Protocol):
    """What is known of a job, kept up to date event by event; a screen is drawn from it alone."""

    def apply(self, event: Event) -> None:
        """Take in one event."""
        ...


class JobNews(Message):
    """A step's job has put events into its queue."""

    def __init__(self, step_key: str) -> None:
        super().__init__()
        self.step_key = step_key

    def can_replace(self, message: Message) -> bool:
        """One waiting piece of news says as much as ten."""
        return isinstance(message, JobNews) and message.step_key == self.step_key


class JobBoard:
    """Starts, stops and watches jobs for the app.

    Args:
        app: hears `JobNews`, from the jobs' threads.
        engine: the MLX thread.
    """

    def __init__(self, app: App[Any], engine: Engine) -> None:
        self.engine = engine
        self.jobs: dict[str, Job] = {}
        self.views: dict[str, View] = {}
        self._app = app
        self._inboxes: dict[str, queue.SimpleQueue[Event]] = {}

    def start(self, step_key: str, work: Work, view: View, *, on_engine: bool = True) -> Job:
        """Start a step's job; `view` takes in its events.

        Raises:
            UsageError: the step's job is running already.
            EngineBusy: the MLX thread has another heavy job.
        """
        if self.running(step_key):
            raise UsageError(_("{name} is running already", name=step(step_key).name))
        inbox: queue.SimpleQueue[Event] = queue.SimpleQueue()

        def hear(event: Event) -> None:
            inbox.put(event)
            self._app.post_message(JobNews(step_key))

        job = Job(step(step_key).job, work, hear, self.engine if on_engine else None)
        job.start()
        self.jobs[step_key], self.views[step_key], self._inboxes[step_key] = job, view, inbox
        return job

    def running(self, step_key: str) -> bool:
        """Whether the step's job has not ended, as far as the event loop has heard."""
        job = self.jobs.get(step_key)
        return job is not None and (job.running or not self._inboxes[step_key].empty())

    def all_running(self) -> list[str]:
        """The steps whose jobs run."""
        return [key for key in self.jobs if self.running(key)]

    def drain(self, step_key: str) -> list[Event]:
        """Give the waiting events to the step's view; return them. Only on the event loop."""
        inbox, view = self._inboxes[step_key], self.views[step_key]
        events: list[Event] = []
        while not inbox.empty():
            event = inbox.get_nowait()
            view.apply(event)
            events.append(event)
        return events

    def ended(self, step_key: str) -> JobEnded | None:
        """How the step's last job ended; None while it runs or if there was none."""
        job = self.jobs.get(step_key)
        return job.ended if job and not self.running(step_key) else None

    def stop(self, step_key: str) -> bool:
        """Ask a step's job to save and stop; False if none runs."""
        if not self.running(step_key):
            return False
        self.jobs[step_key].stop()
        return True

    def stop_all(self) -> None:
        """Ask every job to save and stop."""
        for job in self.jobs.values():
            if job.running:
                job.stop()

    def wait(self) -> None:
        """Return when no job runs any more. Not on the event loop."""
        for job in list(self.jobs.values()):
            job.wait()
