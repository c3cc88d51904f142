"""What the review shows: the examples in a list, the one under the cursor in full, and which of them are in sight."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Input, Static

from tui_tuner import figures
from tui_tuner.actions import bindings_of
from tui_tuner.dataset.review import Review
from tui_tuner.dataset.review_order import COUNTED
from tui_tuner.dataset.review_rows import FollowUpRow, ReviewRow
from tui_tuner.dataset.review_table import ReviewTable, View
from tui_tuner.errors import TunerError
from tui_tuner.language import _, ngettext
from tui_tuner.plain_text import one_line
from tui_tuner.project import Project
from tui_tuner.screens import review_text
from tui_tuner.widgets.review_list import Line, ReviewList

IN_ONE_GO = 0.01  # seconds of searching or sorting before keys are looked at again
NAME = "review"  # in the table of actions


class ReviewFace(Screen[None]):
    """All examples of a dataset in a list, and the one under the cursor in full.

    The first rows are there at once; the others follow while a person reads.

    Args:
        project: whose examples.
    """

    AUTO_FOCUS = "ReviewList"  # not the search: it would take the keys that are typed at once
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_of(NAME),
        Binding("f1", "help", show=False),
        Binding("q,ctrl+q", "app.quit", show=False),  # the footer has no room for it
    ]
    DEFAULT_CSS = """
    ReviewFace {
        #counts { height: 1; padding: 0 1; color: $text-muted; }
        #search { height: 1; border: none; padding: 0 1; display: none; }
        #search.shown { display: block; }
        ReviewList { height: 2fr; }
        #whole { height: 3fr; border-top: solid $panel; padding: 0 1; scrollbar-size-vertical: 1; }
        #said { height: auto; max-height: 2; padding: 0 1; }
    }
    """

    def __init__(self, project: Project) -> None:
        super().__init__()
        self._project = project
        self._table = ReviewTable()
        self._review: Review | None = None
        self._reading = True
        self._wanted = View()
        self._selection_going: Iterator[None] | None = None
        self._cursor_after: int | str = 0

    def compose(self) -> ComposeResult:
        """Counts, search, list, the whole conversation, a line for what happened."""
        yield Static(_("reading the examples…"), id="counts", markup=False)
        yield Input(placeholder=_("words to search for; enter keeps them, escape clears them"), id="search")
        yield ReviewList(id="rows")
        with VerticalScroll(id="whole"):
            yield Static(id="conversation", markup=False)
        yield Static(id="said", markup=False)
        yield Footer(show_command_palette=False, compact=True)

    def _take_decisions(self, names: Sequence[str], cursor: int | str) -> None:
        if self._review is None:
            return
        self._table.take_decisions(names, self._review.decisions)
        if self._wanted.takes_all:
            place = self._table.place_of(cursor) if isinstance(cursor, str) else cursor
            self._draw(self.query_one(ReviewList).cursor if place is None else place)
        else:
            self._select(self._wanted, cursor)

    # -- what is in sight ----------------------------------------------------------------------------------------------

    def _select(self, view: View, cursor: int | str) -> None:
        """Show what `view` takes, and then go to a place or to a row known by its name."""
        self._wanted, self._cursor_after = view, cursor
        self._selection_going = self._table.select(view)
        if self._go_on(self._selection_going):
            if self._table.view == view:  # sorted already: the first ones are there
                self._draw(cursor if isinstance(cursor, int) else 0)
                self._cursor_after = cursor if isinstance(cursor, str) else ""  # a person may move it meanwhile
            self._go_on_later(self._selection_going)

    def _go_on(self, selecting: Iterator[None]) -> bool:
        """Search or sort for a moment; whether there is more to do."""
        until = time.perf_counter() + IN_ONE_GO
        for _slice in selecting:
            if time.perf_counter() > until:
                return True
        self._selection_going = None
        cursor = self._cursor_after
        if isinstance(cursor, str):
            place = self._table.place_of(cursor)
            cursor = self.query_one(ReviewList).cursor if place is None else place
        self._draw(cursor)
        return False

    @work(exclusive=True, group="selecting", description="searching the examples")
    async def _go_on_later(self, selecting: Iterator[None]) -> None:
        await asyncio.sleep(0)  # keys that have come meanwhile are first
        while selecting is self._selection_going and self._go_on(selecting):
            await asyncio.sleep(0)

    def _draw(self, cursor: int) -> None:
        self.query_one(ReviewList).show(len(self._table.shown), self._line_at, cursor)
        self._show_counts()

    def _line_at(self, place: int) -> Line:
        row = self._table.rows[self._table.shown[place]]
        marked, figure = row.name in self._table.marked, self._figure(row)
        return Line(marked, row.learned, row.standing, figure, review_text.line(row))

    def _figure(self, row: ReviewRow) -> str:
        """The number that the list is sorted by; empty where that is none."""
        number = self._table.figure_of(row)
        return "" if self._table.view.order not in COUNTED else figures.count(number)

    def _show_counts(self) -> None:
        table, view = self._table, self._wanted
        if self._reading and not table.rows:
            return
        shown, place = len(table.shown), self.query_one(ReviewList).cursor + 1
        text = ngettext(
            "{place:,} / {shown:,} of {all:,} · {learned:,} example will be learned",
            "{place:,} / {shown:,} of {all:,} · {learned:,} examples will be learned",
            table.learned,
            place=min(place, shown),
            shown=shown,
            all=len(table.rows),
            learned=table.learned,
        )
        parts = [text]
        if table.marked:
            parts.append(_("{number:,} marked", number=len(table.marked)))
        parts += [one_line(part, 24) for part in (view.standing, view.origin) if part]
        if view.words.strip():
            parts.append(f"“{one_line(view.words, 20)}”")
        if view.order != "file":
            parts.append(_("by {order}", order=view.order))
        self.query_one("#counts", Static).update(" · ".join((*parts, *self._under_way())))

    def _under_way(self) -> list[str]:
        searching = [_("searching…")] if self._selection_going is not None else []
        return [*searching, _("reading…")] if self._reading else searching

    def on_review_list_moved(self) -> None:
        """Show the whole conversation under the cursor."""
        row = self._current()
        table = self._table
        tokens = table.tokens.get(row.name) if row else None
        shown = review_text.conversation(row, table.refused_in(row), tokens) if row else self._nothing()
        self.query_one("#conversation", Static).update(shown)
        whole = self.query_one("#whole", VerticalScroll)
        if isinstance(row, FollowUpRow):
            whole.anchor()  # at the end, where it is
        else:
            whole.anchor(False)
            whole.scroll_home(animate=False)
        self._show_counts()

    def _nothing(self) -> str:
        all_ = len(self._table.rows)
        return _("None of the {number:,} examples is like this: esc shows all again.", number=all_) if all_ else ""

    def _current(self) -> ReviewRow | None:
        place = self.query_one(ReviewList).cursor
        return self._table.rows[self._table.shown[place]] if place < len(self._table.shown) else None

    def say(self, text: str, style: str = "") -> None:
        """Put a sentence on the line above the keys."""
        self.query_one("#said", Static).update(Content.styled(one_line(text, 400), style))

    def complain(self, error: TunerError) -> None:
        """Say what went wrong, and what to do."""
        self.say(f"{error.what}. {error.advice}", "$text-error")

    # -- moving, searching, sorting ------------------------------------------------------------------------------------

    def action_next_aside(self, step: int) -> None:
        """Go to the next example that is not learned, or to the one before."""
        rows = self.query_one(ReviewList)
        place = self._table.next_aside(rows.cursor, 1 if step > 0 else -1)
        if place is None:
            self.say(_("None further down is set aside.") if step > 0 else _("None further up is set aside."))
        else:
            rows.cursor = place

    def action_filter(self) -> None:
        """Choose which ones to see."""
        from tui_tuner.screens.review_filter import FilterScreen

        def chosen(view: View | None) -> None:
            if view is not None:
                self._select(view, 0)

        self.app.push_screen(FilterScreen(self._table, self._wanted), chosen)

    def action_search(self) -> None:
        """Type words to search for."""
        field = self.query_one("#search", Input)
        field.add_class("shown")
        field.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Search while typing."""
        if event.value != self._wanted.words:
            self._select(replace(self._wanted, words=event.value), 0)

    def on_input_submitted(self) -> None:
        """Go back to the list with what was found."""
        self.query_one(ReviewList).focus()

    def action_show_all(self, name: str = "") -> None:
        """Take back search and filter; go to the example known by `name`, or stay on the same one."""
        field = self.query_one("#search", Input)
        row = self._current()
        self._select(View(order=self._wanted.order), name or (row.name if row else 0))
        field.value = ""
        field.remove_class("shown")
        self.query_one(ReviewList).focus()

    def action_leave(self) -> None:
        """Take back search and filter, then the marks; otherwise go back to the Dataset step."""
        if not self._wanted.takes_all or self.query_one("#search").has_class("shown"):
            self.action_show_all()
        elif self._table.marked:
            self._table.marked.clear()
            self._draw(self.query_one(ReviewList).cursor)
            self.say(_("Nothing is marked any more."))
        else:
            self.dismiss()

    def action_help(self) -> None:
        """Show every key."""
        from tui_tuner.screens.help import HelpScreen

        about = _(
            "Every example there is: brought along, written by a teacher, or refused; refused follow-ups (↳) are below "
            "their conversation. Your decisions go before every check, are on the disk at once, and each can be "
            "undone, also tomorrow. The training files follow at the next start (g) of the Dataset step."
        )
        self.app.push_screen(HelpScreen(NAME, about, title=_("Review")))
