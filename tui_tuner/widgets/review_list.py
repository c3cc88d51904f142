"""A list of many thousand examples, of which only those in sight are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui_tuner.language import _
from tui_tuner.plain_text import one_line

STANDING = 16  # cells


class ReviewList(ScrollView, can_focus=True):
    """Rows of a mark, a standing and a text; one of them is the cursor's.

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
    COMPONENT_CLASSES: ClassVar[set[str]] = {"review-list--cursor", "review-list--aside", "review-list--standing"}
    DEFAULT_CSS = """
    ReviewList {
        height: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1;
        & > .review-list--cursor { background: $accent-muted; text-style: bold; }
        & > .review-list--aside { color: $foreground 60%; }
        & > .review-list--standing { color: $warning; }
    }
    """
    cursor: reactive[int] = reactive(0)

    class Moved(Message):
        """The cursor is on another row, or its row has changed."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows: Sequence[tuple[bool, str, str]] = ()

    def show(self, rows: Sequence[tuple[bool, str, str]], cursor: int) -> None:
        """Draw other rows.

        Args:
            rows: whether it is learned, its standing, its text.
            cursor: the row to be on; the nearest one where there are fewer.
        """
        self._rows = rows
        self.virtual_size = Size(self.scrollable_content_region.width, len(rows))
        self.cursor = self.validate_cursor(cursor)
        self.refresh()
        self.post_message(self.Moved())

    def validate_cursor(self, cursor: int) -> int:
        """Keep it on a row."""
        return max(0, min(cursor, len(self._rows) - 1))

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

    def render_line(self, y: int) -> Strip:
        """One example, or nothing below the last."""
        width, paper = self.scrollable_content_region.width, self.rich_style
        index = self.scroll_offset.y + y
        if index >= len(self._rows):
            return Strip.blank(width, paper)
        learned, standing, text = self._rows[index]
        style = paper if learned else paper + self.get_component_rich_style("review-list--aside", partial=True)
        signal = style if learned else style + self.get_component_rich_style("review-list--standing", partial=True)
        if index == self.cursor:
            chosen = self.get_component_rich_style("review-list--cursor", partial=True)
            style, signal, paper = style + chosen, signal + chosen, paper + chosen
        room = max(width - STANDING - 4, 0)
        line = one_line(text, 400)
        shown = line if cell_len(line) <= room else f"{set_cell_size(line, max(room - 1, 0))}…"
        segments = [
            Segment(" ✓ " if learned else " ✗ ", signal),
            Segment(set_cell_size(one_line(standing, STANDING), STANDING), signal),
            Segment(f" {shown}", style),
        ]
        return Strip(segments).adjust_cell_length(width, paper)
