"""What the model will learn from: the training files in tokens, and any example token by token."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer, Static

from tui_tuner.actions import bindings_of
from tui_tuner.dataset.examples import Example
from tui_tuner.dataset.learning import Learning, RowsMeasured, row_writer
from tui_tuner.dataset.learning_plan import plan_learning
from tui_tuner.dataset.token_counts import PartCount
from tui_tuner.dataset.token_view import ExampleShown
from tui_tuner.errors import Stopped, TunerError
from tui_tuner.journey import required_base_model
from tui_tuner.language import _
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Event, StopToken
from tui_tuner.project import Project
from tui_tuner.screens import learning_text

NAME = "learning"  # in the table of actions
RANGES = 6  # of the histogram
SECONDS_BETWEEN_DRAWINGS = 0.3


class FilesRead(Message):
    """The files and the tokenizer are there, and where the first row to be shown is; posted from their thread."""

    def __init__(self, learning: Learning, place: tuple[str, int] | None) -> None:
        super().__init__()
        self.learning, self.place = learning, place


class Counted(Message):
    """More rows are counted; `ended` where it was the part's last."""

    def __init__(self, rows: RowsMeasured | None, part: str) -> None:
        super().__init__()
        self.rows, self.part = rows, part


class Shown(Message):
    """An example is ready to be shown."""

    def __init__(self, example: ExampleShown) -> None:
        super().__init__()
        self.example = example


class LookingFailed(Message):
    """There is nothing to see, and why."""

    def __init__(self, error: TunerError) -> None:
        super().__init__()
        self.error = error


class LearningScreen(Screen[None]):
    """Totals, lengths and cuts on top, one example below; everything is counted while the screen is already there.

    Args:
        project: its training files, its base model and its training settings.
        first: the example that is shown first, also where it is in no training file; None takes the first of them.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_of(NAME),
        Binding("f1", "help", show=False),
        Binding("q,ctrl+q", "app.quit", show=False),  # the footer has no room for it
    ]
    DEFAULT_CSS = """
    LearningScreen {
        #totals { height: auto; max-height: 4; padding: 0 1; }
        #figures { height: 8; border-top: solid $panel; }
        #figures.hidden { display: none; }
        #histogram { width: 1fr; padding: 0 1; }
        #lengths { width: 40; padding: 0 1; }
        #heading { height: auto; max-height: 3; border-top: solid $panel; padding: 0 1; }
        #tokens { height: 1fr; padding: 0 1; scrollbar-size-vertical: 1; }
        .segment { height: auto; }
        .label { width: 16; color: $foreground 65%; }
        .text { width: 1fr; height: auto; }
        .learned .text { border-left: outer $success; padding-left: 1; }
        .read .text { border-left: solid $panel; padding-left: 1; }
        .cut .text { border-left: outer $error; padding-left: 1; }
        #legend { height: 1; padding: 0 1; }
    }
    """

    def __init__(self, project: Project, first: Example | None = None) -> None:
        super().__init__()
        self._project, self._first = project, first
        self._stop = StopToken()
        self._learning: Learning | None = None
        self._counts: dict[str, PartCount] = {}
        self._done: set[str] = set()
        self._part = "train"
        self._place = 0
        self._rank = -1  # of the longest ones, where the one in sight was found as one of them
        self._drawn = self._took = 0.0

    def compose(self) -> ComposeResult:
        """Totals, the two tables, the example, what its colours mean."""
        yield Static(_("reading the training files and the base model's tokenizer…"), id="totals", markup=False)
        with Horizontal(id="figures"):
            yield Static(id="histogram", markup=False)
            yield Static(id="lengths", markup=False)
        yield Static(id="heading", markup=False)
        yield VerticalScroll(id="tokens")
        yield Static(learning_text.legend(), id="legend", markup=False)
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Read and count while the screen is already there."""
        self.query_one("#tokens").focus()
        self._read()

    def on_unmount(self) -> None:
        """Nobody looks any more: stop counting."""
        self._stop.request()

    # -- what is read --------------------------------------------------------------------------------------------------

    @work(thread=True, description="counting tokens")
    def _read(self) -> None:
        try:
            model = required_base_model(self._project)
            learning = Learning(plan_learning(self._project, model, files_required=self._first is None))
            row = None if self._first is None else row_writer(self._project)(self._first)
            place = ("train", 0) if row is None else learning.place_of(row)
            self.post_message(FilesRead(learning, place))
            if place is None and row is not None:
                self.post_message(Shown(learning.alone(row)))
            for part in learning.parts:
                learning.measure(part, emit=self._hear, stop=self._stop)
                self.post_message(Counted(None, part))
        except Stopped:
            pass
        except TunerError as error:
            self.post_message(LookingFailed(error))

    def _hear(self, event: Event) -> None:
        if isinstance(event, RowsMeasured):
            self.post_message(Counted(event, event.part))

    @work(thread=True, exclusive=True, group="example", description="reading an example")
    def _read_example(self, learning: Learning, part: str, place: int) -> None:
        try:
            self.post_message(Shown(learning.example(part, place)))
        except TunerError as error:
            self.post_message(LookingFailed(error))

    def on_looking_failed(self, message: LookingFailed) -> None:
        """Say why there is nothing to see."""
        error = message.error
        self.query_one("#totals", Static).update(
            Content.styled(one_line(f"{error.what}. {error.advice}", 400), "$text-error")
        )

    def on_files_read(self, message: FilesRead) -> None:
        """Show the first example at once; the figures follow."""
        self._learning = message.learning
        self._counts = {part: PartCount(part, message.learning.plan) for part in message.learning.parts}
        if message.place is not None:
            self._part, place = message.place
            self._go_to(place)
        else:
            self._part, self._place = next(iter(self._counts), "train"), -1
        self._show_totals()

    def on_counted(self, message: Counted) -> None:
        """Count more rows; drawn now and then, and when a part is through."""
        if message.rows is not None:
            self._counts[message.part].take(message.rows.rows)
        else:
            self._done.add(message.part)
        due = time.monotonic() - self._drawn > max(SECONDS_BETWEEN_DRAWINGS, 20 * self._took)
        if message.part == self._part and (due or message.rows is None):
            self._show_totals()

    # -- what is in sight ----------------------------------------------------------------------------------------------

    def _show_totals(self) -> None:
        if self._learning is None or self._part not in self._counts:
            return
        began = time.monotonic()
        count = self._counts[self._part]
        totals, plan = count.totals(RANGES), self._learning.plan
        left = 0 if self._part in self._done else self._learning.rows(self._part) - totals.rows
        self.query_one("#totals", Static).update(learning_text.totals(totals, plan.choice.iters, left))
        room = self.query_one("#histogram", Static).content_size.width
        self.query_one("#histogram", Static).update(learning_text.histogram(totals, room))
        self.query_one("#lengths", Static).update(learning_text.lengths(totals))
        self._drawn = time.monotonic()
        self._took = self._drawn - began  # of many thousand rows it is drawn less often

    def on_resize(self) -> None:
        """Draw the bars as long as there is room."""
        self.call_after_refresh(self._show_totals)

    async def on_shown(self, message: Shown) -> None:
        """Show an example, unless the person has gone on meanwhile."""
        example = message.example
        wanted = (self._part, self._place + 1) if self._place >= 0 else ("", 0)
        if (example.part, example.number) != wanted or self._learning is None:
            return
        self.query_one("#heading", Static).update(learning_text.heading(example, self._learning.rows(self._part)))
        tokens = self.query_one("#tokens", VerticalScroll)
        async with self.batch():
            await tokens.remove_children()
            await tokens.mount_all(
                Horizontal(
                    Static(learning_text.label(segment), classes="label", markup=False),
                    Static(learning_text.text(segment), classes="text", markup=False),
                    classes=f"segment {segment.kind}",
                )
                for segment in example.segments
            )
            if example.row:
                await tokens.mount(Static(Content(example.row), markup=False))
        tokens.scroll_home(animate=False)

    # -- what a person does --------------------------------------------------------------------------------------------

    def _go_to(self, place: int, rank: int = -1) -> None:
        if self._learning is None or not self._learning.rows(self._part):
            return
        self._place, self._rank = place % self._learning.rows(self._part), rank
        self._read_example(self._learning, self._part, self._place)

    def action_go(self, by: int) -> None:
        """Show the next example, or the one before."""
        self._go_to(self._place + by)

    def action_longest(self) -> None:
        """Show the longest example; again, the next longest."""
        if count := self._counts.get(self._part):
            order, rank = count.longest(), self._rank + 1
            if order:
                self._go_to(order[rank % len(order)], rank)

    def action_find(self, what: str) -> None:
        """Show the next example that is cut, or refused."""
        count = self._counts.get(self._part)
        if count is None:
            return
        among: dict[str, Callable[[], list[int]]] = {"cut": count.cut, "refused": count.refused}
        places = among[what]()
        if places:
            self._go_to(next((place for place in places if place > self._place), places[0]))
            return
        texts = {"cut": _("No example is cut."), "refused": _("Every row is trained on.")}
        self.notify(texts[what], timeout=3)

    def action_part(self) -> None:
        """Look at the next file."""
        parts = list(self._counts)
        if len(parts) > 1:
            self._part = parts[(parts.index(self._part) + 1) % len(parts)]
            self._show_totals()
            self._go_to(0)

    def action_figures(self) -> None:
        """Give the example all the room, or show the figures again."""
        self.query_one("#figures").toggle_class("hidden")

    def action_help(self) -> None:
        """Show every key."""
        from tui_tuner.screens.help import HelpScreen

        about = _(
            "The training files as the base model gets them: in its own tokens, with the marks of its chat template. "
            "Underlined is what it learns; the rest it only reads. What is beyond the sequence length is cut off. "
            "All of it is counted as training counts it, and nothing is changed here."
        )
        self.app.push_screen(HelpScreen(NAME, about, title=_("What the model will learn from")))

    def action_leave(self) -> None:
        """Go back to the Dataset step."""
        self.dismiss()
