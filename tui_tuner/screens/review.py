"""Reading, accepting, rejecting and editing the examples."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from textual import work
from textual.app import ComposeResult, SuspendNotSupported
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer, Input, Static

from tui_tuner.dataset.plan import REVIEW
from tui_tuner.dataset.review import Review, Verdict
from tui_tuner.dataset.reviewing import ORDERS, ReviewRow, read_review_rows, selected
from tui_tuner.errors import TunerError
from tui_tuner.language import _
from tui_tuner.models.prompts import Message as Turn
from tui_tuner.plain_text import one_line, printable
from tui_tuner.widgets.review_list import ReviewList


class RowsRead(Message):
    """The examples, posted from the thread that read them."""

    def __init__(self, review: Review, rows: Sequence[ReviewRow]) -> None:
        super().__init__()
        self.review, self.rows = review, list(rows)


class ReadingFailed(Message):
    """They could not be read."""

    def __init__(self, error: TunerError) -> None:
        super().__init__()
        self.error = error


class ReviewScreen(Screen[None]):
    """All examples of a dataset in a list, and the one under the cursor in full.

    Args:
        data: the dataset's folder.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "decide('accept')", _("accept")),
        Binding("x", "decide('reject')", _("reject")),
        Binding("e", "edit", _("edit")),
        Binding("u", "undo", _("undo")),
        Binding("slash", "search", _("search"), key_display="/"),
        Binding("f", "filter", _("filter")),
        Binding("o", "order", _("sort")),
        Binding("escape", "leave", _("back")),
    ]
    DEFAULT_CSS = """
    ReviewScreen {
        #counts { height: 1; padding: 0 1; color: $text-muted; }
        #search { height: 1; border: none; padding: 0 1; display: none; }
        #search.shown { display: block; }
        ReviewList { height: 2fr; }
        #whole { height: 3fr; border-top: solid $panel; padding: 0 1; scrollbar-size-vertical: 1; }
        #said { height: auto; max-height: 2; padding: 0 1; }
    }
    """

    def __init__(self, data: Path) -> None:
        super().__init__()
        self._data = data
        self._review: Review | None = None
        self._rows: dict[str, ReviewRow] = {}
        self._shown: list[ReviewRow] = []
        self._words, self._standing, self._order = "", "", ORDERS[0]

    def compose(self) -> ComposeResult:
        """Counts, search, list, the whole conversation, a line for what happened."""
        yield Static(_(" reading the examples…"), id="counts", markup=False)
        yield Input(placeholder=_("words to search for; enter keeps them, escape clears them"), id="search")
        yield ReviewList(id="rows")
        with VerticalScroll(id="whole"):
            yield Static(id="conversation", markup=False)
        yield Static(id="said", markup=False)
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Read the files while the screen is already there."""
        self.query_one(ReviewList).focus()
        self._read()

    @work(thread=True, exclusive=True, description="reading the examples")
    def _read(self) -> None:
        try:
            review = Review(self._data / REVIEW)
            self.post_message(RowsRead(review, read_review_rows(self._data, review.decisions)))
        except TunerError as error:
            self.post_message(ReadingFailed(error))

    def on_reading_failed(self, message: ReadingFailed) -> None:
        """Say why there is nothing to see."""
        self.query_one("#counts", Static).update("")
        self._say(f"{message.error.what}. {message.error.advice}", "$text-error")

    def on_rows_read(self, message: RowsRead) -> None:
        """Show what was read."""
        self._review = message.review
        self._rows = {row.name: row for row in message.rows}
        self._show()
        if not self._rows:
            self._say(_("There are no examples yet: write some with g in the Dataset step."))

    # -- what is in sight ----------------------------------------------------------------------------------------------

    def _show(self, cursor: int | None = None) -> None:
        self._shown = selected(self._rows.values(), words=self._words, standing=self._standing, order=self._order)
        lines = [(row.learned, row.standing, row.example.question) for row in self._shown]
        rows = self.query_one(ReviewList)
        rows.show(lines, rows.cursor if cursor is None else cursor)
        learned = sum(row.learned for row in self._rows.values())
        text = _(
            "{shown:,} of {all:,} examples · {learned:,} will be learned · showing {standing} · sorted by {order}",
            shown=len(self._shown),
            all=len(self._rows),
            learned=learned,
            standing=self._standing or _("all"),
            order=self._order,
        )
        self.query_one("#counts", Static).update(f"{text} · “{one_line(self._words, 30)}”" if self._words else text)

    def on_review_list_moved(self) -> None:
        """Show the whole conversation under the cursor."""
        row = self._current()
        self.query_one("#conversation", Static).update(_conversation(row) if row else "")
        self.query_one("#whole", VerticalScroll).scroll_home(animate=False)

    def _current(self) -> ReviewRow | None:
        place = self.query_one(ReviewList).cursor
        return self._shown[place] if place < len(self._shown) else None

    def _say(self, text: str, style: str = "") -> None:
        self.query_one("#said", Static).update(Content.styled(one_line(text, 400), style))

    # -- what a person does --------------------------------------------------------------------------------------------

    def action_decide(self, verdict: Verdict) -> None:
        """Accept or reject the example under the cursor, and go on to the next one."""
        row = self._current()
        if row is None or self._review is None:
            return
        try:
            self._review.decide(row.name, verdict)
        except TunerError as error:
            self._say(f"{error.what}. {error.advice}", "$text-error")
            return
        self._take_decision(row.name)
        done = _("Accepted") if verdict == "accept" else _("Rejected")
        self._say(_("{done}; u undoes it. The training files follow at the next start (g) of this step.", done=done))
        if not self._standing:  # with a filter the next one comes up by itself
            self.query_one(ReviewList).action_move(1)

    def action_undo(self) -> None:
        """Take the last decision back."""
        if self._review is None:
            return
        try:
            name = self._review.undo()
        except TunerError as error:
            self._say(f"{error.what}. {error.advice}", "$text-error")
            return
        if name is None:
            self._say(_("There is nothing to undo."))
            return
        self._take_decision(name)
        place = next((place for place, row in enumerate(self._shown) if row.name == name), None)
        if place is not None:
            self.query_one(ReviewList).cursor = place
        self._say(_("Undone."))

    def _take_decision(self, name: str) -> None:
        if self._review is not None and name in self._rows:
            self._rows[name] = replace(self._rows[name], decision=self._review.decisions.get(name))
        self._show()

    def action_edit(self) -> None:
        """Open the example in the person's own editor."""
        row = self._current()
        if row is None or self._review is None:
            return
        try:
            with self.app.suspend():
                messages = edited_in_editor(row)
            if messages is None:
                self._say(_("Nothing was changed."))
                return
            self._review.decide(row.name, "edit", messages, row.written.source)
        except SuspendNotSupported:
            self._say(_("This terminal cannot be lent to an editor."), "$text-error")
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            self._say(_("Not kept: {error}", error=error), "$text-error")
        except TunerError as error:
            self._say(f"{error.what}. {error.advice}", "$text-error")
        else:
            self._take_decision(row.name)
            self._say(_("Edited; u undoes it."))

    def action_filter(self) -> None:
        """Show only the next standing there is, and after the last one all again."""
        standings = ["", *sorted({row.standing for row in self._rows.values()})]
        place = standings.index(self._standing) if self._standing in standings else -1
        self._standing = standings[(place + 1) % len(standings)]
        self._show(0)

    def action_order(self) -> None:
        """Sort by the next thing."""
        self._order = ORDERS[(ORDERS.index(self._order) + 1) % len(ORDERS)]
        self._show(0)

    def action_search(self) -> None:
        """Type words to search for."""
        field = self.query_one("#search", Input)
        field.add_class("shown")
        field.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Search while typing."""
        self._words = event.value
        self._show(0)

    def on_input_submitted(self) -> None:
        """Go back to the list with what was found."""
        self.query_one(ReviewList).focus()

    def action_leave(self) -> None:
        """Clear the search, or go back to the Dataset step."""
        field = self.query_one("#search", Input)
        if field.has_class("shown"):
            field.value = ""
            field.remove_class("shown")
            self.query_one(ReviewList).focus()
        else:
            self.dismiss()


def _conversation(row: ReviewRow) -> Content:
    parts: list[Content] = []
    if row.detail and not row.learned:
        parts.append(Content.styled(f"✗ {one_line(row.detail, 300)}", "$text-warning"))
    for message in row.example.messages:
        parts.append(Content.styled(one_line(message["role"], 20), "bold $text-accent"))
        parts.append(Content(printable(message["content"])))
    parts.append(Content.styled(one_line(row.written.source, 200), "$foreground 65%"))
    return Content("\n").join(parts)


def edited_in_editor(row: ReviewRow) -> list[Turn] | None:
    """The turns as they are after the person has edited them as JSON; None where nothing was changed.

    Raises:
        ValueError: it is no longer a JSON list.
        OSError: the editor cannot be started.
        CalledProcessError: the editor failed.
    """
    before = json.dumps([dict(message) for message in row.example.messages], ensure_ascii=False, indent=2) + "\n"
    command = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "example.json"
        path.write_text(before)
        subprocess.run([*command, str(path)], check=True)
        after = path.read_text()
    if after == before:
        return None
    messages = json.loads(after)
    if not isinstance(messages, list):
        raise ValueError(_("it must stay a list of turns"))
    return messages
