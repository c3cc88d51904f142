"""What is seen of a project's runs: a list, and the plots of the chosen ones over each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer, Input, OptionList, Static
from textual.widgets.option_list import Option

from tui_tuner.actions import bindings_of
from tui_tuner.errors import TunerError
from tui_tuner.language import _
from tui_tuner.plain_text import one_line
from tui_tuner.project import Project
from tui_tuner.screens.plot_board import PlotBoard
from tui_tuner.screens.run_lines import COLOURS, MOST_RUNS
from tui_tuner.screens.run_rows import RunRows
from tui_tuner.training.history import RunHistory, read_history
from tui_tuner.training.run_list import Column, columns_of, in_order
from tui_tuner.training.runs import RunSummary, list_runs
from tui_tuner.widgets.chart import MARKS

if TYPE_CHECKING:
    from tui_tuner.app import TunerApp

NAME = "runs"  # in the table of actions
LOOK_SECONDS = 3.0  # between two looks while this process trains


class RunsKnown(Message):
    """Which runs there are; posted from the thread that looked."""

    def __init__(self, runs: list[RunSummary], used: str) -> None:
        super().__init__()
        self.runs, self.used = runs, used


class StoryRead(Message):
    """What a run's folder tells; posted from the thread that read it."""

    def __init__(self, name: str, history: RunHistory) -> None:
        super().__init__()
        self.name, self.history = name, history


class RunsFace(Screen[str | None]):
    """All runs of a project, some of them drawn over each other; returns the run to be opened, or None.

    Args:
        tuner: the app, whose project it is.
        chosen: the runs that are drawn; kept up to date, so that the dashboard draws them too.
        here: the run under the cursor at first.
    """

    AUTO_FOCUS = "#runs"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(NAME), Binding("q,ctrl+q", "app.quit", show=False)]
    DEFAULT_CSS = """
    RunsFace {
        #heading { height: 1; padding: 0; color: $text-accent; text-style: bold; text-wrap: nowrap; }
        #runs { height: auto; max-height: 45%; min-height: 3; }
        #about { height: 1; padding: 0 1; color: $text-muted; text-wrap: nowrap; text-overflow: ellipsis; }
        #written { display: none; height: 1; border: none; padding: 0 1; }
        #written.shown { display: block; }
        PlotBoard { height: 1fr; border-top: solid $panel; }
        #said { height: auto; max-height: 3; padding: 0 1; }
        &.-full #runs, &.-full #heading, &.-full #about { display: none; }
    }
    .-short RunsFace #about { display: none; }
    """

    def __init__(self, tuner: TunerApp, chosen: list[str], here: str = "") -> None:
        super().__init__()
        self._tuner, self._chosen, self._here = tuner, chosen, here
        self._runs: list[RunSummary] = []
        self._used = ""
        self._stories: dict[str, RunHistory] = {}
        self._sorted_by, self._backwards = "", False
        self._reading: set[str] = set()

    @property
    def _project(self) -> Project:
        assert self._tuner.project is not None
        return self._tuner.project

    def compose(self) -> ComposeResult:
        """The list, what is said of the row under the cursor, and the plots."""
        yield Static(_("looking for runs…"), id="heading", markup=False)
        yield OptionList(id="runs", markup=False)
        yield Static(id="about", markup=False)
        yield Input(id="written")
        yield PlotBoard(NAME)
        yield Static(id="said", markup=False)
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Look for them; again and again while one is trained."""
        self.look_again()
        self.set_interval(LOOK_SECONDS, self._keep_up)

    def _keep_up(self) -> None:
        if self._tuner.board.running("train") and not self.query_one("#written").has_class("shown"):
            self.look_again()

    def on_resize(self) -> None:
        """Show as many columns as there is room for."""
        if self._runs:
            self.call_after_refresh(self.show_list)

    # -- what there is -------------------------------------------------------------------------------------------------

    @work(thread=True, exclusive=True, group="runs", description="looking for runs")
    def look_again(self) -> None:
        """Read from the disk which runs there are."""
        used = self._project.tuned_run()
        self.post_message(RunsKnown(list_runs(self._project), used.name if used else ""))

    def on_runs_known(self, message: RunsKnown) -> None:
        """List them."""
        self._runs, self._used = message.runs, message.used
        names = {run.name for run in self._runs}
        self._chosen[:] = [name for name in self._chosen if name in names]
        self._stories = {name: story for name, story in self._stories.items() if name in names}
        self.show_list()
        self.refresh_bindings()

    @work(thread=True, group="stories", description="reading a run")
    def _read(self, name: str) -> None:
        try:
            history = read_history(self._project.runs / name)
        except TunerError:
            history = RunHistory(run=name)  # nothing to draw; the list has its row
        self.post_message(StoryRead(name, history))

    def on_story_read(self, message: StoryRead) -> None:
        """Draw it, if it is still to be drawn."""
        self._reading.discard(message.name)
        self._stories[message.name] = message.history
        self._show_plots()

    # -- what is drawn -------------------------------------------------------------------------------------------------

    @property
    def _columns(self) -> list[Column]:
        return columns_of(self._runs)

    @property
    def _sorted(self) -> list[RunSummary]:
        column = next((column for column in self._columns if column.key == self._sorted_by), None)
        return in_order(self._runs, column, backwards=self._backwards)

    @property
    def current(self) -> RunSummary | None:
        """The run under the cursor."""
        place = self.query_one("#runs", OptionList).highlighted
        runs = self._sorted
        return runs[place] if place is not None and place < len(runs) else None

    @property
    def drawn(self) -> list[str]:
        """The runs in the plot: the chosen ones; where none is, the one under the cursor."""
        if self._chosen:
            return self._chosen
        return [self._here] if any(run.name == self._here for run in self._runs) else []

    def show_list(self) -> None:
        """Draw the list again, the cursor on the run it was on."""
        rows, runs = self.query_one("#runs", OptionList), self._sorted
        names = [run.name for run in runs]
        if self._here not in names:
            self._here = names[min(rows.highlighted or 0, len(names) - 1)] if names else ""
        marks = dict(zip(self._chosen, zip(MARKS, COLOURS, strict=False), strict=False))
        drawn = RunRows(runs, self._columns, self._sorted_by, self._backwards, marks, self._used)
        heading, lines = drawn.lines(self.size.width - 1)
        self.query_one("#heading", Static).update(heading if runs else Content(_(" No runs yet: g starts one.")))
        here = self._here
        with self.prevent(OptionList.OptionHighlighted):
            rows.clear_options()
            rows.add_options([Option(line) for line in lines])
            rows.highlighted = names.index(here) if here in names else None
        self._show_about()
        self._show_plots()

    def on_option_list_option_highlighted(self) -> None:
        """Say more of it, and draw it where none is chosen."""
        if self.current is not None and self.current.name != self._here:
            self._here = self.current.name
            self._show_about()
            self._show_plots()

    def _show_about(self) -> None:
        run, parts = self.current, []
        if run is not None:
            parts = [run.state, run.model.rstrip("/").rpartition("/")[2]]
            if run.name == self._used:
                parts.append(_("● used by Compare, Export and Chat"))
            if run.note:
                parts.insert(0, f"“{run.note}”")
        self.query_one("#about", Static).update(Content(one_line(" · ".join(parts))))

    def _show_plots(self) -> None:
        names = self.drawn
        for name in names:
            if self._story(name) is None and name not in self._reading:
                self._reading.add(name)
                self._read(name)
        stories = self.stories_of(names)
        if stories:
            self.query_one(PlotBoard).show(stories[0], stories[1:MOST_RUNS], alike=len(names) > 1)

    def stories_of(self, names: Sequence[str]) -> list[RunHistory]:
        """Those that have been read, and the one that is trained."""
        return [story for story in map(self._story, names) if story is not None]

    def _story(self, name: str) -> RunHistory | None:
        live = getattr(self._tuner.board.views.get("train"), "history", None)
        if isinstance(live, RunHistory) and live.run == name:
            return live
        return self._stories.get(name)

    def folder(self, run: RunSummary) -> Path:
        """Where a run is."""
        return self._project.runs / run.name

    def say(self, text: str, tone: str = "") -> None:
        """Put a sentence above the keys."""
        self.query_one("#said", Static).update(Content.styled(one_line(text, 400), f"${tone}" if tone else ""))
