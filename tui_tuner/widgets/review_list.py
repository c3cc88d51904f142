"""A list of many thousand examples, of which only those in sight are drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui_tuner.language import _
from tui_tuner.plain_text import one_line

STANDING, FIGURE = 16, 8  # cells


class Line(NamedTuple):
    """What is drawn of an example.

    Attributes:
        marked: whether it is marked.
        learned: whether it will be learned.
        standing: in a word.
        figure: the number by which the list is sorted; empty where it is sorted by none.
        text: its question.
    """

    marked: bool
    learned: bool
    standing: str
    figure: str
    text: str


class ReviewList(ScrollView, can_focus=True):
    """Rows of a mark, a standing and a text; one of them is the cursor's.

    A row is asked for when it is drawn, so that a list of any length is there at once.

    Text is shown as it is: nothing in it is markup, and what a terminal would act on is taken out.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", _("up"), show=False),
        Binding("down,j", "move(1)", _("down"), show=False),
        Binding("pageup", "page(-1)", _("page up"), show=False),
        Binding("pagedown", "page(1)", _("page down"), show=False),
        Binding("home", "move(-1000000000)", _("first"), show=False),
        Binding("end", "move(1000000000)", _("last"), show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "review-list--cursor",
        "review-list--aside",
        "review-list--standing",
        "review-list--mark",
    }
    DEFAULT_CSS = """
    ReviewList {
        height: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1;
        & > .review-list--cursor { background: $accent-muted; text-style: bold; }
        & > .review-list--aside { color: $foreground 60%; }
        & > .review-list--standing { color: $warning; }
        & > .review-list--mark { color: $accent; text-style: bold; }
    }
    """
    cursor: reactive[int] = reactive(0)

    class Moved(Message):
        """The cursor is on another row, or its row has changed."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._number = 0
        self._line_at: Callable[[int], Line] | None = None

    def show(self, number: int, line_at: Callable[[int], Line], cursor: int) -> None:
        """Draw other rows.

        Args:
            number: how many there are.
            line_at: gives a row by its place.
            cursor: the row to be on; the nearest one where there are fewer.
        """
        self._number, self._line_at = number, line_at
        self.virtual_size = Size(self.scrollable_content_region.width, number)
        self.cursor = self.validate_cursor(cursor)
        self.refresh()
        self.post_message(self.Moved())

    def validate_cursor(self, cursor: int) -> int:
        """Keep it on a row."""
        return max(0, min(cursor, self._number - 1))

    def watch_cursor(self) -> None:
        """Keep the cursor in sight."""
        self.scroll_to_region(Region(0, self.cursor, 1, 1), animate=False, force=True)
        self.refresh()
        self.post_message(self.Moved())

    def action_move(self, rows: int) -> None:
        """Move the cursor by so many rows."""
        self.cursor += rows

    def action_page(self, pages: int) -> None:
        """Move the cursor by so many screens."""
        self.cursor += pages * max(1, self.size.height - 1)

    def on_click(self, event: events.Click) -> None:
        """Go to the row that was clicked."""
        self.cursor = self.scroll_offset.y + event.y

    def render_line(self, y: int) -> Strip:
        """One example, or nothing below the last."""
        width, paper = self.scrollable_content_region.width, self.rich_style
        index = self.scroll_offset.y + y
        if index >= self._number or self._line_at is None:
            return Strip.blank(width, paper)
        marked, learned, standing, figure, text = self._line_at(index)
        style = paper if learned else paper + self.get_component_rich_style("review-list--aside", partial=True)
        signal = style if learned else style + self.get_component_rich_style("review-list--standing", partial=True)
        if index == self.cursor:
            chosen = self.get_component_rich_style("review-list--cursor", partial=True)
            style, signal, paper = style + chosen, signal + chosen, paper + chosen
        figure = f"{figure:>{FIGURE}} " if figure else ""
        room = max(width - STANDING - 4 - cell_len(figure), 0)
        line = one_line(text, 400)
        shown = line if cell_len(line) <= room else f"{set_cell_size(line, max(room - 1, 0))}…"
        mark = self.get_component_rich_style("review-list--mark", partial=True)
        segments = [
            Segment("●" if marked else " ", style + mark),
            Segment("✓ " if learned else "✗ ", signal),
            Segment(set_cell_size(one_line(standing, STANDING), STANDING), signal),
            Segment(f"{figure} {shown}", style),
        ]
        return Strip(segments).adjust_cell_length(width, paper)
