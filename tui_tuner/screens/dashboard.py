"""A run at a glance: how far it is, its plots, its figures and what happened last. The same for live and past runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from tui_tuner.plain_text import one_line
from tui_tuner.screens.plot_board import PlotBoard
from tui_tuner.screens.training_view import TrainingView
from tui_tuner.training.history import RunHistory
from tui_tuner.widgets.event_log import EventLog
from tui_tuner.widgets.stage_list import StageList


class Dashboard(Vertical):
    """Draws a `TrainingView`; draws again only what has changed."""

    DEFAULT_CSS = """
    Dashboard {
        #headline { height: 1; padding: 0 1; color: $text-muted; }
        #now { width: 30; height: 1fr; text-wrap: nowrap; border-left: solid $panel; padding: 0 0 0 1; }
        EventLog { height: 4; border-top: solid $panel; }
        &.-full EventLog, &.-full #now { display: none; }
    }
    .-short Dashboard EventLog, .-narrow Dashboard #now { display: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._drawn: tuple[int, int] = (-1, -1)
        self._noted = 0
        self._beside: tuple[RunHistory, ...] = ()

    def compose(self) -> ComposeResult:
        """From the headline down to the last events."""
        yield Static(id="headline", markup=False)
        yield StageList()
        with Horizontal():
            yield PlotBoard()
            yield Static(id="now", markup=False)
        yield EventLog()

    def say(self, headline: str) -> None:
        """Put a line above everything."""
        self.query_one("#headline", Static).update(Content(one_line(headline)))

    def draw_beside(self, others: Sequence[RunHistory]) -> None:
        """Draw these runs behind the one that is shown, from the next `show` on."""
        self._beside, self._drawn = tuple(others), (-1, -1)

    def _others(self, view: TrainingView) -> list[RunHistory]:
        return [run for run in self._beside if run.run != view.history.run]

    def show(self, view: TrainingView) -> None:
        """Draw the run, as far as it changed."""
        drawn = (id(view), view.changes)
        if drawn == self._drawn:
            return
        fresh = drawn[0] != self._drawn[0]
        self._drawn = drawn
        stages = self.query_one(StageList)
        if fresh:
            stages.clear()
        if progress := view.progress:
            stages.show_only(progress)
        self.query_one(PlotBoard).show(view.history, self._others(view))
        rows = [Content.assemble((f"{label:<14}", "$foreground 65%"), (value, "")) for label, value in view.figures()]
        self.query_one("#now", Static).update(Content("\n").join(rows))
        self._draw_notices(view, fresh)

    def _draw_notices(self, view: TrainingView, fresh: bool) -> None:
        log = self.query_one(EventLog)
        notices = view.history.notices
        if fresh or self._noted > len(notices):
            log.clear()
            self._noted = 0
        for time, text in notices[self._noted :]:
            log.add(text, at=datetime.fromtimestamp(time) if time else None)
        self._noted = len(notices)

    def look(self, how: str) -> None:
        """Change what is looked at; `full` gives the plots all the room or takes it back, else see `PlotBoard.look`."""
        if how == "full":
            self.toggle_class("-full")
        else:
            self.query_one(PlotBoard).look(how)
