"""One question of a comparison with its answers: as many next to each other as the screen has room for."""

from __future__ import annotations

from collections.abc import Mapping

from textual import events
from textual.app import ComposeResult
from textual.containers import Grid, Vertical
from textual.content import Content
from textual.widgets import Static

from tui_tuner import figures
from tui_tuner.evaluation.differences import different_words
from tui_tuner.language import _
from tui_tuner.plain_text import one_line, printable
from tui_tuner.screens.comparison_view import Row, Side

NARROWEST = 36  # cells of one answer


class ComparedPrompt(Vertical):
    """A question and its answers.

    Args:
        row: the question, and what was answered by now.
        labels: how a person reads each column's name, in the order they are shown.
    """

    DEFAULT_CSS = """
    ComparedPrompt {
        height: auto; margin-bottom: 1;
        .question { padding: 0 1; color: $text-accent; text-style: bold; }
        .expected { padding: 0 1; color: $foreground 65%; display: none; }
        .expected.-known { display: block; }
        Grid { height: auto; grid-rows: auto; grid-size: 2; }
        .answer { padding: 0 1; height: auto; }
        .answer.-beside { border-left: solid $accent 60%; }
    }
    """

    def __init__(self, row: Row, labels: Mapping[str, str]) -> None:
        super().__init__()
        self._row, self.labels = row, dict(labels)
        self._drawn: list[tuple[object, ...]] = [() for _column in self.labels]

    def compose(self) -> ComposeResult:
        """The question, what is expected, and a cell for every column."""
        yield Static(classes="question", markup=False)
        yield Static(classes="expected", markup=False)
        with Grid():
            for _column in self.labels:
                yield Static(classes="answer", markup=False)

    def on_mount(self) -> None:
        """Draw what is known by now."""
        self._place(self.app.size.width)
        self.show(self._row)

    def on_resize(self, event: events.Resize) -> None:
        """Put as many next to each other as there is room for."""
        self._place(event.size.width)

    def _place(self, width: int) -> None:
        beside = max(1, min(len(self.labels), width // NARROWEST))
        for grid in self.query(Grid):
            grid.styles.grid_size_columns = beside
            for place, cell in enumerate(grid.children):
                cell.set_class(place % beside > 0, "-beside")

    def show(self, row: Row) -> None:
        """Draw the answers as far as they are; before the parts are there, only keep them."""
        self._row = row
        for question in self.query(".question").results(Static):
            question.update(Content(f"? {one_line(row.prompt)}"))
        for expected in self.query(".expected").results(Static):
            expected.set_class(bool(row.expected), "-known")
            expected.update(Content(_("expected: {answer}", answer=one_line(row.expected, 400))))
        first = row.sides.get(next(iter(self.labels), ""), Side())
        for place, (column, cell) in enumerate(zip(self.labels, self.query(".answer").results(Static), strict=False)):
            side = row.sides.get(column, Side())
            # Marked once both are whole: while words still come, everything that is not there yet would differ.
            against = first.text if first.figures and side.figures and side is not first else None
            if self._drawn[place] != (now := (side.text, side.figures, against)):  # looking for what differs takes time
                self._drawn[place] = now
                cell.update(_answer(self.labels[column], side, against))


def _answer(label: str, side: Side, against: str | None) -> Content:
    head = Content.styled(one_line(label, 40), "$foreground 65%")
    if side.figures:
        head += Content.styled(_figures(side), "$foreground 65%")
    cursor = "" if side.figures or not side.text else " ▌"
    text = printable(side.text).strip()
    said = Content(text)
    if against is not None:
        for begin, end in different_words(text, printable(against)):
            said = said.stylize("$text-warning", begin, end)
    return head + "\n" + said + cursor


def _figures(side: Side) -> str:
    ended = side.figures
    if ended is None:
        return ""
    cut = _(" · cut at the longest answer") if ended.finish == "length" else ""
    pace = figures.count(round(ended.tokens_per_second))
    # One of many written together: its own speed says nothing about one written alone.
    speed = _(" · in a batch") if ended.together else f" · {pace} tok/s · {figures.duration(ended.seconds)}"
    return f" · {ended.tokens} tok{speed}{cut}"
