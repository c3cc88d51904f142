"""The runs of a project as the rows of a list, in columns as far as there is room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from textual.content import Content

from tui_tuner.language import _
from tui_tuner.plain_text import one_line
from tui_tuner.training.run_list import Column
from tui_tuner.training.runs import RunSummary

QUIET = "$foreground 65%"
LONGEST_NAME = 22
GAP = "  "
INDENT = 5  # cells, for the two marks in front
STATES = {"finished": "✓", "ended early": "✓", "stopped": "‖", "running or interrupted": "…"}


@dataclass(frozen=True)
class RunRows:
    """What is drawn.

    Attributes:
        runs: in their order.
        columns: of which the first ones are shown that have room.
        sorted_by: a column's key; empty where the runs are in the order in which they began.
        backwards: whether the highest come first.
        marks: those of the runs in the plot, each with its colour, by name.
        used: the run whose adapter the later steps use; empty where there is none.
    """

    runs: Sequence[RunSummary]
    columns: Sequence[Column]
    sorted_by: str = ""
    backwards: bool = False
    marks: Mapping[str, tuple[str, str]] | None = None
    used: str = ""

    def lines(self, width: int) -> tuple[Content, list[Content]]:
        """The heading, and one line per run, in `width` cells."""
        widths = [self._width(column) for column in self.columns]
        shown = _fitting(widths, width - INDENT)
        left = len(self.columns) - shown
        fits = zip(self.columns[:shown], widths, strict=False)
        heading = " " * INDENT + GAP.join(_put(self._title(column), room, column) for column, room in fits)
        more = _("  +{number}", number=left) if left else ""
        return Content(heading + more), [self._line(run, widths[:shown]) for run in self.runs]

    def _width(self, column: Column) -> int:
        longest = max((cell_len(self._words(column, run)) for run in self.runs), default=0)
        return max(longest, cell_len(self._title(column)))

    def _title(self, column: Column) -> str:
        arrow = (" ▾" if self.backwards else " ▴") if column.key == self.sorted_by else ""
        return f"{'≠ ' if column.setting else ''}{column.title}{arrow}"

    def _words(self, column: Column, run: RunSummary) -> str:
        if column.key != "run":
            return column.words(run)
        return one_line(run.name, LONGEST_NAME) + (" ●" if run.name == self.used else "")

    def _line(self, run: RunSummary, widths: Sequence[int]) -> Content:
        mark, colour = (self.marks or {}).get(run.name, (" ", ""))
        parts: list[tuple[str, str]] = [(f" {mark} ", colour), (f"{STATES[run.state]} ", QUIET)]
        for place, (column, room) in enumerate(zip(self.columns, widths, strict=False)):
            text = self._words(column, run)
            differs = column.setting and text != column.usual(self.runs)
            parts += [(GAP if place else "", ""), (_put(text, room, column), "bold" if differs else _tone(column))]
        return Content.assemble(*parts)


def _tone(column: Column) -> str:
    return QUIET if column.setting else ""


def _put(text: str, room: int, column: Column) -> str:
    if column.key == "run":
        return set_cell_size(text, room)
    return " " * (room - cell_len(text)) + text


def _fitting(widths: Sequence[int], room: int) -> int:
    """How many columns fit; a list without the run's name is none."""
    used = 0
    for place, width in enumerate(widths):
        used += width + (len(GAP) if place else 0)
        keep = 5 if place + 1 < len(widths) else 0  # for how many are left out
        if place and used + keep > room:
            return place
    return len(widths)
