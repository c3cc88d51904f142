"""How far each stage of a job is, one row each: name, bar, count, pace and the time left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rich.cells import cell_len, set_cell_size
from textual.content import Content
from textual.widget import Widget

from tui_tuner import figures
from tui_tuner.language import _
from tui_tuner.plain_text import one_line
from tui_tuner.progress import StageProgress

LEAST_BAR = 10
Form = Literal["words", "short", "no pace"]
_FORMS: tuple[Form, ...] = ("words", "short", "no pace")


@dataclass(frozen=True)
class StageRow:
    """A stage in words, aligned with the others by `StageList`."""

    name: str
    count: str
    pace: str
    left: str
    fraction: float | None


def stage_row(event: StageProgress, form: Form = "words") -> StageRow:
    """Put `event` into words: with units spelled out, short, or without the pace."""
    words = form == "words"
    unit = one_line(event.unit)
    count, fraction = figures.count(event.done), None
    if event.total is not None:
        count = f"{count}/{figures.count(event.total)}"
        fraction = min(max(event.done / event.total, 0.0), 1.0) if event.total > 0 else 1.0
    if event.ended:
        left = _("done")
    elif event.eta_seconds is None:
        left = ""
    else:
        time = figures.time_left(event.eta_seconds, event.eta_error_seconds)
        left = _("{time} left", time=time) if words else time
    if event.rate is None or event.ended or form == "no pace":
        pace = ""
    else:
        # Where a count of all stands beside it, the unit need not be said twice.
        pace = figures.rate(event.rate, unit if event.total is None else "")
    return StageRow(one_line(event.stage), f"{count} {unit}".rstrip() if words else count, pace, left, fraction)


class StageList(Widget):
    """Rows in the order in which stages first spoke; below them the latest remark, where stages make any."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    StageList { height: auto; width: 1fr; }
    """

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._stages: dict[str, StageProgress] = {}
        self._detail: str | None = None

    def apply(self, event: StageProgress) -> None:
        """Take in where one stage stands."""
        lines = self._line_count()
        self._stages[event.stage] = event
        # The line stays once there was a remark: rows below must not jump with every file.
        if event.detail or self._detail is not None:
            self._detail = one_line(event.detail)
        self.refresh(layout=self._line_count() != lines)

    def show_only(self, event: StageProgress) -> None:
        """Take in where one stage stands, and forget the others: for work that is one thing after another."""
        lines = self._line_count()
        self._stages = {event.stage: event}
        self.refresh(layout=self._line_count() != lines)

    def clear(self) -> None:
        """Forget every stage."""
        self._stages.clear()
        self._detail = None
        self.refresh(layout=True)

    def _line_count(self) -> int:
        return len(self._stages) + (self._detail is not None)

    def render(self) -> Content:
        """All rows, in the longest form that leaves the bar its room."""
        width = self.size.width
        lines: list[Content] = []
        for form in _FORMS:
            rows = [stage_row(event, form) for event in self._stages.values()]
            lines, bar = _lines(rows, width)
            if bar >= LEAST_BAR:
                break
        if self._detail is not None:
            lines.append(
                Content.styled(set_cell_size(f" {one_line(self._detail, width - 2)}", width), "$foreground 70%")
            )
        return Content("\n").join(lines)


def _lines(rows: list[StageRow], width: int) -> tuple[list[Content], int]:
    """The rows aligned, and how wide the bar became; a bar below four cells gives its room to the rest."""
    columns = [max((cell_len(text) for text in column), default=0) for column in _columns(rows)]
    name, *figures_ = columns
    bar = width - 2 - name - 1 - sum(column + 2 for column in figures_ if column)
    if bar < 4:
        bar = 0
        name = max(min(name, width - 2 - sum(column + 2 for column in figures_ if column)), 0)
    return [_line(row, name, bar, figures_) for row in rows], bar


def _columns(rows: list[StageRow]) -> list[list[str]]:
    return [
        [row.name for row in rows],
        [row.count for row in rows],
        [row.pace for row in rows],
        [row.left for row in rows],
    ]


def _line(row: StageRow, name: int, bar: int, widths: list[int]) -> Content:
    shown = row.name if cell_len(row.name) <= name else f"{set_cell_size(row.name, max(name - 1, 0))}…"
    line = Content.assemble(" ", set_cell_size(shown, name), " ") if name else Content(" ")
    if bar:
        line += _bar(row.fraction, bar)
    styles = ("", "$foreground 70%", "bold" if row.left else "")
    for text, column, style in zip((row.count, row.pace, row.left), widths, styles, strict=True):
        if column:
            line += Content.assemble("  ", " " * (column - cell_len(text)), (text, style))
    return line


def _bar(fraction: float | None, width: int) -> Content:
    """A bar whose end is seen by its shape too; a dotted line where nobody knows the end."""
    if fraction is None:
        return Content.styled("·" * width, "$foreground 40%")
    filled = int(fraction * width)
    if filled == width:
        return Content.styled("━" * width, "$success")
    return Content.assemble(("━" * filled, "$accent"), ("╺" + "━" * (width - filled - 1), "$foreground 20%"))
