"""The questions of a comparison below each other; of many a part at a time, so that ten thousand cost no more."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tui_tuner import figures
from tui_tuner.language import _
from tui_tuner.screens.compared_prompt import ComparedPrompt
from tui_tuner.screens.comparison_view import ComparisonView

MOST = 50  # questions on the screen at the same time


class ComparedPrompts(VerticalScroll):
    """Shows a part of a comparison; while answers come, the part they are in.

    Attributes:
        part: which part is shown, from 0.
    """

    DEFAULT_CSS = """
    ComparedPrompts { height: 1fr; }
    ComparedPrompts #part { height: auto; padding: 0 1; margin-bottom: 1; color: $text-muted; display: none; }
    ComparedPrompts #part.-needed { display: block; }
    """

    def __init__(self, *above: Static, id: str | None = None) -> None:
        super().__init__(id=id)
        self._above = above
        self.part = 0

    def compose(self) -> ComposeResult:
        """What stands above the questions, and which part of them it is."""
        yield from self._above
        yield Static(id="part", markup=False)

    def show(self, view: ComparisonView, *, running: bool) -> None:
        """Draw the questions that somebody has begun to answer, as far as they are in the part shown."""
        begun = view.begun
        last = max(len(begun) - 1, 0) // MOST
        self.part = last if running else min(self.part, last)
        first = self.part * MOST
        rows = begun[first : first + MOST]
        words = {"first": first + 1, "last": first + len(rows), "all": figures.count(len(begun))}
        line = self.query_one("#part", Static)
        line.set_class(last > 0, "-needed")
        line.update(Content(_("questions {first} to {last} of {all}; ← → shows others", **words) if last else ""))
        shown = list(self.query(ComparedPrompt))
        same = [widget for widget in shown if widget.labels == view.labels][: len(rows)]
        for surplus in shown:
            if surplus not in same:
                surplus.remove()
        for row, widget in zip(rows, same, strict=False):
            widget.show(row)
        if fresh := [ComparedPrompt(row, view.labels) for row in rows[len(same) :]]:
            self.mount_all(fresh)
