"""The names of what can be looked at in one line, the chosen one marked."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget


class PlotTabs(Widget):
    """One line of names; where they do not all fit those from some place on to the chosen one are in sight.

    Args:
        names: as a person reads them.
        key: which leads to the next one, said in front.
    """

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    PlotTabs { height: 1; width: 1fr; pointer: pointer; }
    """

    class Chosen(Message):
        """A name was clicked; `index` is its place."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self, names: Sequence[str], key: str) -> None:
        super().__init__()
        self._names, self._key = tuple(names), key
        self._chosen, self._first = 0, 0

    def show(self, chosen: int) -> None:
        """Mark the name at place `chosen`."""
        if chosen != self._chosen:
            self._chosen = chosen
            self.refresh()

    def render(self) -> Content:
        """The names from the first that leaves room for the chosen one."""
        self._first = 0
        while self._first < self._chosen and self._ends()[self._chosen - self._first] > self.size.width:
            self._first += 1
        key = Content.styled(f" {self._key}", "bold $accent")
        return key + Content("").join(
            Content.styled(
                self._cell(place), "bold $foreground on $accent 28%" if place == self._chosen else "$foreground 70%"
            )
            for place in range(self._first, len(self._names))
        )

    def _ends(self) -> list[int]:
        widths = (cell_len(self._cell(place)) for place in range(self._first, len(self._names)))
        return list(accumulate(widths, initial=1 + cell_len(self._key)))[1:]

    def _cell(self, place: int) -> str:
        return f" {self._names[place]} "

    def on_click(self, event: events.Click) -> None:
        """Say which name was clicked."""
        for index, end in enumerate(self._ends(), start=self._first):
            if event.x < end:
                event.stop()
                self.post_message(self.Chosen(index))
                return
