"""The six steps in one line: where one is, how far each step is, and why one cannot be started."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

State = Literal["blocked", "ready", "running", "done", "failed"]

# A state is told by its shape; the colour only says it again.
MARKS: dict[State, tuple[str, str]] = {
    "done": ("✓", "$success"),
    "running": ("●", "$accent"),
    "ready": ("○", "$foreground"),
    "blocked": ("–", "$foreground 70%"),
    "failed": ("✗", "$error"),
}


_Form = Literal["names", "current name", "marks"]
_FORMS: tuple[_Form, ...] = ("names", "current name", "marks")


@dataclass(frozen=True)
class StepMark:
    """One step as the bar shows it.

    Attributes:
        key: what `StepBar.Chosen` says when it is clicked.
        number: the key that leads to it.
        name: as a person reads it.
        state: how far it is.
        why: what blocks it or what failed; its tooltip.
    """

    key: str
    number: int
    name: str
    state: State
    why: str = ""


class StepBar(Widget):
    """One line; on a narrow screen only the current step keeps its name."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    StepBar { height: 1; width: 1fr; pointer: pointer; }
    """

    class Chosen(Message):
        """A step was clicked."""

        def __init__(self, step: str) -> None:
            super().__init__()
            self.step = step

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._marks: tuple[StepMark, ...] = ()
        self._current = ""
        self._ends: list[int] = []

    def show(self, marks: Sequence[StepMark], current: str) -> None:
        """Show `marks`; `current` is the key of the step on the screen."""
        if (tuple(marks), current) != (self._marks, self._current):
            self._marks, self._current = tuple(marks), current
            self.refresh()

    def render(self) -> Content:
        """The longest form that fits."""
        cells: list[Content] = []
        for form in _FORMS:
            cells = [self._cell(mark, form) for mark in self._marks]
            if sum(cell.cell_length for cell in cells) <= self.size.width:
                break
        self._ends = list(accumulate(cell.cell_length for cell in cells))
        return Content("").join(cells)

    def _cell(self, mark: StepMark, form: _Form) -> Content:
        symbol, colour = MARKS[mark.state]
        current = mark.key == self._current
        named = form == "names" or (form == "current name" and current)
        space = "" if form == "marks" else " "
        number = (str(mark.number), "" if current else "$foreground 70%")
        name = (f"{mark.name} ", "$foreground 70%" if mark.state == "blocked" and not current else "")
        cell = Content.assemble(space, number, space, name if named else "", (symbol, colour), space)
        return cell.stylize_before("bold $foreground on $accent 28%") if current else cell

    def _step_at(self, x: int) -> StepMark | None:
        index = next((index for index, end in enumerate(self._ends) if x < end), None)
        return None if index is None else self._marks[index]

    def on_click(self, event: events.Click) -> None:
        """Say which step was clicked."""
        mark = self._step_at(event.x)
        if mark is not None:
            event.stop()
            self.post_message(self.Chosen(mark.key))

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Say of the step under the mouse what blocks it."""
        mark = self._step_at(event.x)
        why = Content(mark.why) if mark is not None and mark.why else None
        if why != self.tooltip:
            self.tooltip = why
