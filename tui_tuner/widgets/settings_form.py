"""A form for one settings dataclass, drawn from its declarations: a row a field, its help in a line below.

Fields that name a group stand under its heading.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import Any, ClassVar

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from tui_tuner.configuration import label_of
from tui_tuner.language import _
from tui_tuner.widgets.settings_field import SettingField

# A terminal of 100 columns, less what frames around the form may take.
WIDE = 96
MOST_HELP_LINES = 2


class _Rows(VerticalScroll, can_focus=False, inherit_bindings=False):
    """Scrolls the rows; up and down belong to the form."""


class SettingsForm(Vertical):
    """Edits the fields of a frozen dataclass made with `configuration.setting`.

    Two columns from `WIDE` cells on. Up and down move between fields, Enter goes to the next, Escape leaves the form.

    Args:
        config: the values to start from.
        only: the fields to show, in this order; all of them where empty.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Previous field", show=False),
        Binding("down", "move(1)", "Next field", show=False),
        Binding("escape", "leave", _("leave the form")),
    ]
    DEFAULT_CSS = """
    SettingsForm {
        height: auto;
        max-height: 100%;
        padding: 0 1;
        & > _Rows { height: auto; max-height: 100%; layout: grid; grid-size: 1; grid-rows: auto; grid-gutter: 0 3; }
        &.-wide > _Rows { grid-size: 2; }
        & .settings--group { height: 2; padding-top: 1; color: $text-accent; text-style: bold; }
        & .settings--gap { display: none; }
        &.-wide .settings--gap { display: block; }
        &.-wide .settings--group { column-span: 2; }
        & > .settings--help { dock: bottom; height: 1; color: $foreground 70%; }
        & > .settings--help.-wrong { color: $error; }
    }
    """

    class Changed(Message):
        """A setting has another good value.

        Attributes:
            values: every field shown, by name; where what is typed now is no value, the last good one.
            form: the form.
        """

        def __init__(self, form: SettingsForm, values: dict[str, Any]) -> None:
            super().__init__()
            self.form, self.values = form, values

        @property
        def control(self) -> SettingsForm:
            """The form, so that `on` can select by it."""
            return self.form

    class Told(Message):
        """What the form has to say now has changed, for a screen that shows it elsewhere.

        Attributes:
            text: the help of the focused field, or what is wrong with it; empty without a focused field.
            wrong: whether something is.
        """

        def __init__(self, text: str, wrong: bool) -> None:
            super().__init__()
            self.text, self.wrong = text, wrong

    def __init__(
        self,
        config: Any,
        *,
        only: tuple[str, ...] = (),
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        fields = {field.name: field for field in dataclasses.fields(config)}
        shown = [fields[one] for one in only] if only else list(fields.values())
        width = max((cell_len(_(label_of(field))) for field in shown), default=0) + 2
        self._fields = [SettingField(type(config), field, getattr(config, field.name), width) for field in shown]

    @property
    def values(self) -> dict[str, Any]:
        """The last good value of every field shown."""
        return {field.setting: field.value for field in self._fields}

    @property
    def problems(self) -> dict[str, str]:
        """What is wrong with what is typed now, by field; empty where all is well."""
        return {field.setting: field.problem for field in self._fields if field.problem}

    def show(self, config: Any) -> None:
        """Set every field from `config`; no `Changed` is posted."""
        for field in self._fields:
            field.show(getattr(config, field.setting))

    def show_problems(self) -> None:
        """Mark every field whose text is no value, even the one being typed in, and go to the first."""
        for field in self._fields:
            field.show_problem()
        wrong = next((field for field in self._fields if field.problem), None)
        if wrong is not None:
            wrong.editor.focus()

    def compose(self) -> ComposeResult:
        """The rows, and the line of help."""
        groups = [(group, list(fields)) for group, fields in itertools.groupby(self._fields, lambda field: field.group)]
        with _Rows():
            for group, fields in groups:
                if group:
                    yield Static(Content(_(group)), classes="settings--group")
                yield from fields
                if len(fields) % 2:
                    yield Static(classes="settings--gap")  # so that the next heading has a row of its own
        yield Static(classes="settings--help")

    def on_resize(self, event: events.Resize) -> None:
        """One column or two; as many lines of help as the longest needs, so that nothing jumps between fields."""
        self.set_class(self.outer_size.width >= WIDE, "-wide")
        longest = max((cell_len(field.help_text) for field in self._fields), default=0)
        lines = math.ceil(longest / max(event.size.width, 1))
        self.query_one(".settings--help").styles.height = min(max(lines, 1), MOST_HELP_LINES)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Say what the focused field does."""
        self._say()

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """Nothing has the focus until the next field says so."""
        self._say()

    def on_setting_field_edited(self, event: SettingField.Edited) -> None:
        """Pass on all values."""
        event.stop()
        self._say()
        if event.changed:
            self.post_message(self.Changed(self, self.values))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter goes on to the next field, unless this one is wrong."""
        event.stop()
        field = self._focused()
        if field is not None and field.problem:
            field.show_problem()
            self._say()
        else:
            self._focus(1)

    def action_move(self, rows: int) -> None:
        """Go one row down, or up where `rows` is negative, in the same column where it has a field there."""
        here = self._focused()
        if here is None:
            self._focus(rows)
            return
        there = [field for field in self._fields if (field.virtual_region.y - here.virtual_region.y) * rows > 0]

        def distance(field: SettingField) -> tuple[int, int]:
            place, mine = field.virtual_region, here.virtual_region
            return abs(place.y - mine.y), abs(place.x - mine.x)

        if there:
            min(there, key=distance).editor.focus()

    def action_leave(self) -> None:
        """Give the keys back to the screen."""
        self.screen.set_focus(None)

    def _focused(self) -> SettingField | None:
        return next((field for field in self._fields if field.has_focus_within), None)

    def _focus(self, steps: int) -> None:
        field = self._focused()
        place = self._fields.index(field) + steps if field is not None else 0
        if 0 <= place < len(self._fields):
            self._fields[place].editor.focus()

    def _say(self) -> None:
        field = self._focused()
        wrong = field is not None and field.has_class("-wrong")
        text = "" if field is None else field.problem if wrong else field.help_text
        line = self.query_one(".settings--help", Static)
        line.set_class(wrong, "-wrong")
        line.update(Content(text))
        self.post_message(self.Told(text, wrong))
