"""What happened last: one line an event, with its time, newest at the bottom."""

from __future__ import annotations

from collections import deque
from datetime import datetime
from typing import ClassVar, Literal

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui_tuner.plain_text import one_line

Level = Literal["info", "warning", "error"]

# Seen without colour too.
_SIGNS: dict[Level, str] = {"info": " ", "warning": "!", "error": "✗"}


class EventLog(ScrollView):
    """Keeps the last `LIMIT` events; follows the newest unless one has scrolled up to read.

    Text is shown as it is: nothing in it is markup, and what a terminal would act on is taken out.
    """

    LIMIT = 500
    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"event-log--time", "event-log--warning", "event-log--error"}
    DEFAULT_CSS = """
    EventLog {
        height: 1fr;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        &:focus { background-tint: $foreground 4%; }
        & > .event-log--time { color: $foreground 70%; }
        & > .event-log--warning { color: $warning; }
        & > .event-log--error { color: $error; }
    }
    """

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._follows = True
        self._events: deque[tuple[str, str, Level]] = deque(maxlen=self.LIMIT)

    def add(self, text: str, *, level: Level = "info", at: datetime | None = None) -> None:
        """Write one event below the others.

        Args:
            text: what happened; line breaks become spaces.
            level: how much it matters.
            at: when, in local time; now where not given.
        """
        # Before the first layout everything fits into nothing: not a sign that somebody scrolled up.
        self._follows = not self.size or self.is_vertical_scroll_end
        self._events.append(((at or datetime.now()).strftime("%H:%M:%S"), one_line(text), level))
        self._measure()
        self.refresh()

    def clear(self) -> None:
        """Forget every event."""
        self._events.clear()
        self._measure()
        self.refresh()

    @property
    def lines(self) -> list[str]:
        """Every event kept, as text: time, sign and what happened."""
        return [f"{time} {_SIGNS[level]} {text}" for time, text, level in self._events]

    def _measure(self) -> None:
        self.virtual_size = Size(self.scrollable_content_region.width, len(self._events))
        if self._follows:
            self.scroll_end(animate=False, immediate=True, force=True, x_axis=False)

    def on_resize(self) -> None:
        """Lines are cut to the width there is now."""
        self._measure()

    def render_line(self, y: int) -> Strip:
        """One event, or nothing below the last."""
        width, paper = self.scrollable_content_region.width, self.rich_style
        index = self.scroll_offset.y + y
        if index >= len(self._events):
            return Strip.blank(width, paper)
        time, text, level = self._events[index]
        strong = paper if level == "info" else self.get_component_rich_style(f"event-log--{level}")
        room = max(width - cell_len(time) - 4, 0)
        shown = text if cell_len(text) <= room else f"{set_cell_size(text, max(room - 1, 0))}…"
        segments = [
            Segment(f" {time} ", self.get_component_rich_style("event-log--time")),
            Segment(f"{_SIGNS[level]} ", strong),
            Segment(shown, strong),
        ]
        return Strip(segments).adjust_cell_length(width, paper)
