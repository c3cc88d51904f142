"""Who could write the data, one row each: mark, model, size, family, where. Several of one kind can be chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len, set_cell_size
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui_tuner import figures
from tui_tuner.language import _
from tui_tuner.plain_text import one_line

if TYPE_CHECKING:
    from tui_tuner.teachers.teacher_choice import TeacherChoice

LEAST_NAME = 16
QUIET = "$foreground 65%"


class TeacherList(OptionList):
    """Enter takes a teacher alone, space adds one or takes it away."""

    BINDINGS: ClassVar[list[BindingType]] = [
        # Said in the heading above the list: the footer has no room for them beside the step's own keys.
        Binding("space", "take_too", _("this one too"), show=False),
    ]

    class Wanted(Message):
        """A person wants `teacher`: alone, or `also` beside those that are chosen."""

        def __init__(self, teacher: TeacherChoice, also: bool) -> None:
            super().__init__()
            self.teacher, self.also = teacher, also

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(Option(_("looking who is there…"), disabled=True), id=id)
        self._teachers: list[TeacherChoice] = []
        self._chosen: list[TeacherChoice] = []
        self._remark = ""

    def show(self, teachers: Sequence[TeacherChoice], chosen: Sequence[TeacherChoice], remark: str = "") -> None:
        """List `teachers`, those that are `chosen` marked, and a remark below them."""
        self._teachers, self._chosen, self._remark = list(teachers), list(chosen), remark
        cursor = self.highlighted
        self.clear_options()
        lines = teacher_lines(self._teachers, self._chosen, self.content_size.width)
        self.add_options([Option(line, id=str(index)) for index, line in enumerate(lines)])
        if remark:
            self.add_option(Option(Content.styled(f" {remark}", QUIET), disabled=True))
        if cursor is not None and cursor < len(lines):
            self.highlighted = cursor

    def on_resize(self) -> None:
        """Align the columns anew."""
        if self._teachers:
            self.show(self._teachers, self._chosen, self._remark)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Want the teacher of the row alone."""
        event.stop()
        self.post_message(self.Wanted(self._teachers[event.option_index], also=False))

    def action_take_too(self) -> None:
        """Want the teacher under the cursor beside the others, or no longer."""
        if self.highlighted is not None and self.highlighted < len(self._teachers):
            self.post_message(self.Wanted(self._teachers[self.highlighted], also=True))


def teacher_lines(teachers: Sequence[TeacherChoice], chosen: Sequence[TeacherChoice], width: int) -> list[Content]:
    """A line for each of `teachers` in columns; where they do not fit the name is cut, and the end after that."""
    rows = [_cells(teacher) for teacher in teachers]
    name, *others = [max((cell_len(row[column]) for row in rows), default=0) for column in range(4)]
    rest = sum(column + 2 for column in others if column)
    name = min(name, max(width - 3 - rest, LEAST_NAME))
    return [_line(row, teacher in chosen, name, others) for row, teacher in zip(rows, teachers, strict=True)]


def _cells(teacher: TeacherChoice) -> tuple[str, str, str, str]:
    size = figures.size(teacher.size) if teacher.size else ""
    kind = f"{one_line(teacher.family, 12)} {one_line(teacher.parameter_size, 8)}".strip()
    return one_line(teacher.name), size, kind, one_line(teacher.where)


def _line(row: tuple[str, str, str, str], is_chosen: bool, name: int, widths: Sequence[int]) -> Content:
    shown = row[0] if cell_len(row[0]) <= name else f"{set_cell_size(row[0], name - 1)}…"
    mark = ("● ", "$accent") if is_chosen else ("○ ", QUIET)
    line = Content.assemble(" ", mark, (set_cell_size(shown, name), "bold" if is_chosen else ""))
    size, kind, where = widths
    if size:
        line += Content.styled(f"  {row[1]:>{size}}", QUIET)
    if kind:
        line += Content.styled(f"  {set_cell_size(row[2], kind)}", QUIET)
    return line + (f"  {row[3]}" if where else "")
