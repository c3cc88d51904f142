"""What jobs say, brought to the screens: gathered for a moment, given to the step it is about, its end announced."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from tui_tuner.job_board import SECONDS_BETWEEN_DRAINS
from tui_tuner.language import _

if TYPE_CHECKING:
    from tui_tuner.app import TunerApp
    from tui_tuner.jobs import JobEnded


class NewsDesk:
    """Takes in the news of all jobs. Only on the event loop.

    Args:
        app: its board has the news, its screens show them.
    """

    def __init__(self, app: TunerApp) -> None:
        self._app = app
        self._waiting: set[str] = set()

    def hear(self, step_key: str) -> None:
        """Wait a moment for more news, then take all of it in at once."""
        if step_key not in self._waiting:
            self._waiting.add(step_key)
            self._app.set_timer(SECONDS_BETWEEN_DRAINS, functools.partial(self._take_in, step_key))

    def _take_in(self, step_key: str) -> None:
        app = self._app
        self._waiting.discard(step_key)
        if step_key not in app.board.jobs or not app.screen_stack:  # another project, or the app is closing
            return
        events = app.board.drain(step_key)
        # Asked before the step's screen hears of it: it may put a question about this end on top of itself.
        is_watched = step_key in (app.current_step, getattr(app.screen, "watches", None))
        screen = app.made_screen(step_key)
        if screen is not None and screen.is_attached and screen.query("#verdict"):
            screen.heard(events)
            if screen is app.screen:
                screen.show()
        ended = app.board.ended(step_key)
        if ended is None:
            return
        app.show_frames()
        if not is_watched:  # the screen that shows the job says itself how it ended
            self._announce(ended)

    def _announce(self, ended: JobEnded) -> None:
        texts = {"done": _("{job}: done"), "stopped": _("{job}: stopped, kept"), "failed": _("{job}: failed")}
        severity = "error" if ended.outcome == "failed" else "information"
        text = texts[ended.outcome].format(job=ended.job)
        self._app.notify(f"{text}\n{ended.message}".strip(), severity=severity, markup=False)  # type: ignore[arg-type]
        self._app.bell()
