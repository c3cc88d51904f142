"""One setting on one row: its name, what edits it, and what is wrong with what was typed."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Select, Static, Switch

from tui_tuner.configuration import expected, label_of, parse_value, type_of
from tui_tuner.errors import ConfigurationError
from tui_tuner.language import _
from tui_tuner.plain_text import one_line


class Choice(Select[str], inherit_bindings=False):
    """A list to choose from that leaves up and down to the form; left and right change it in place."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "show_overlay", "Show menu", show=False),
        Binding("left", "turn(-1)", "Previous", show=False),
        Binding("right", "turn(1)", "Next", show=False),
    ]

    def __init__(self, options: tuple[str, ...], value: str) -> None:
        super().__init__([(option, option) for option in options], value=value, allow_blank=False, compact=True)
        self._all = options

    def action_turn(self, steps: int) -> None:
        """Take the option `steps` further down; the ends do not wrap around."""
        place = self._all.index(str(self.value)) + steps
        self.value = self._all[min(max(place, 0), len(self._all) - 1)]


class Toggle(Switch):
    """A switch that says in a word how it stands."""

    def render(self) -> Content:
        """A mark and a word: told without colour."""
        return Content.assemble(("●", "$success"), " ", _("on")) if self.value else Content("○ " + _("off"))

    def get_content_width(self, container: Size, viewport: Size) -> int:
        """The same for both words, so that nothing moves when it is turned."""
        return 2 + max(cell_len(_("on")), cell_len(_("off")))


class SettingField(Horizontal):
    """Edits one field of a settings dataclass.

    What was typed stays as typed; `value` is the last good one. A mistake is shown once the field is left, not while
    "1e-" is on its way to "1e-5".

    Args:
        owner: the settings dataclass.
        field: which of its fields.
        value: what it is now.
        label_width: cells for the name, the same for all rows of a form.
    """

    DEFAULT_CSS = """
    SettingField {
        height: 1;
        & > .setting--label { height: 1; color: $foreground 80%; text-wrap: nowrap; text-overflow: ellipsis; }
        & > .setting--problem {
            width: 1fr; height: 1; margin: 0 0 0 1; display: none;
            color: $error; text-wrap: nowrap; text-overflow: ellipsis;
        }
        &.-wrong > .setting--problem { display: block; }
        &.-focused > .setting--label { color: $accent; text-style: bold; }
        & Input.-textual-compact { width: 1fr; padding: 0 1; background: $surface; }
        & Input.-number { width: 14; }
        & Toggle { height: 1; border: none; padding: 0 1; background: $surface; }
        & Choice { width: 1fr; max-width: 30; height: 1; }
        & Choice.-textual-compact > SelectCurrent { height: 1; padding: 0 1; background: $surface; }
        & Input.-textual-compact:focus, & Toggle:focus, & Choice.-textual-compact:focus > SelectCurrent {
            border: none; background: $accent 20%; background-tint: transparent;
        }
    }
    """

    class Edited(Message):
        """The person changed something; `changed` if it gave another good value."""

        def __init__(self, field: SettingField, *, changed: bool) -> None:
            super().__init__()
            self.field, self.changed = field, changed

    def __init__(self, owner: type, field: dataclasses.Field[Any], value: Any, label_width: int) -> None:
        super().__init__(id=f"setting-{field.name.replace('_', '-')}")
        self.setting, self.value, self.problem = field.name, value, ""
        self.group = str(field.metadata.get("group", ""))
        self.help_text = one_line(_(field.metadata["help"])) if field.metadata.get("help") else ""
        self._owner, self._field, self._label_width = owner, field, label_width

    @property
    def editor(self) -> Widget:
        """The widget that takes the keys."""
        return self.query_one("Input, Toggle, Choice")

    def compose(self) -> ComposeResult:
        """The name, what fits the type, and room for a mistake."""
        label = Static(Content(_(label_of(self._field))), classes="setting--label")
        label.styles.width = self._label_width
        yield label
        kind, choices = type_of(self._owner, self.setting), self._field.metadata.get("choices")
        if kind is bool:
            yield Toggle(self.value, animate=False)
        elif choices is not None:
            yield Choice(tuple(choices), self.value)
        else:
            yield Input(
                _as_text(self.value), compact=True, select_on_focus=False, classes="-number" * (kind in (int, float))
            )
        yield Static(classes="setting--problem")

    def show(self, value: Any) -> None:
        """Set the value from outside; nobody is told."""
        self.value = value
        editor = self.editor
        with self.prevent(Input.Changed, Switch.Changed, Select.Changed):
            if isinstance(editor, Input):
                editor.value = _as_text(value)
            elif isinstance(editor, Toggle | Choice):
                editor.value = value
        self.problem = ""
        self.show_problem()

    def show_problem(self) -> None:
        """Say beside the field what is wrong with it, if anything is."""
        text = Content.assemble("✗ ", expected(self._owner, self._field)) if self.problem else Content("")
        self.query_one(".setting--problem", Static).update(text)
        self.set_class(bool(self.problem), "-wrong")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Read what was typed so far."""
        event.stop()
        self.problem = ""
        value = self.value
        try:
            value = parse_value(self._owner, self.setting, event.value)
        except ConfigurationError as error:
            self.problem = one_line(error.what)
        if self.has_class("-wrong"):
            self.show_problem()
        self._take(value)

    def on_switch_changed(self, event: Switch.Changed) -> None:
        """Take the switch's new position."""
        event.stop()
        self._take(event.value)

    def on_select_changed(self, event: Select.Changed) -> None:
        """Take the chosen option."""
        event.stop()
        self._take(event.value)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The field was entered."""
        self.add_class("-focused")

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """The field was left: now a mistake is one."""
        self.remove_class("-focused")
        self.show_problem()

    def _take(self, value: Any) -> None:
        changed, self.value = value != self.value, value
        self.post_message(self.Edited(self, changed=changed))


def _as_text(value: Any) -> str:
    """What a person would have typed."""
    return "; ".join(value) if isinstance(value, tuple) else str(value)
