"""Choosing which examples the review shows: by how they stand, or by where they are from; each with its number."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui_tuner import figures
from tui_tuner.dataset.review_table import ReviewTable, View
from tui_tuner.language import _
from tui_tuner.plain_text import one_line

MOST_ORIGINS = 50  # a spreadsheet may name another source in every line


class FilterScreen(ModalScreen[View | None]):
    """Returns the view with what was chosen, None where nothing was.

    Args:
        table: whose rows are counted.
        view: what is shown now.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,f,q", "dismiss", _("close")),
        ("0", "choose(0)", _("all")),
        *((str(number), f"choose({number})", "") for number in range(1, 10)),
    ]
    DEFAULT_CSS = """
    FilterScreen { align: center middle; }
    FilterScreen > Vertical {
        width: 60; max-width: 95%; height: auto; max-height: 90%;
        border: round $accent; background: $surface; padding: 0 1;
        border-title-color: $accent; border-subtitle-color: $text-muted;
    }
    FilterScreen OptionList { height: auto; max-height: 100%; }
    """

    def __init__(self, table: ReviewTable, view: View) -> None:
        super().__init__()
        self._view = view
        origins = table.origins()
        # Each line: its words, its number, and the view it stands for; None between standings and origins.
        self._lines: list[tuple[str, int, View] | None] = [
            (_("all"), len(table.rows), View(words=view.words, order=view.order))
        ]
        self._lines += [
            (standing, number, replace(view, standing=standing)) for standing, number in table.standings().most_common()
        ]
        if len(origins) > 1:
            self._lines.append(None)
            self._lines += [
                (origin or _("no source"), number, replace(view, origin=origin))
                for origin, number in origins.most_common(MOST_ORIGINS)
                if origin
            ]

    def compose(self) -> ComposeResult:
        """All, the standings, the sources."""
        with Vertical() as box:
            box.border_title = _("Show")
            box.border_subtitle = _("enter or the number takes it · esc closes")
            choices = OptionList()
            number = 0
            for place, line in enumerate(self._lines):
                if line is None:
                    choices.add_option(None)
                    continue
                choices.add_option(Option(self._text(number, *line), id=str(place)))
                number += 1
            yield choices

    def _text(self, number: int, name: str, rows: int, view: View) -> Content:
        chosen = (view.standing, view.origin) == (self._view.standing, self._view.origin)
        key = f"{number:>2} " if number < 10 else "   "
        return Content.assemble(
            ("● " if chosen else "  ", "$accent"),
            (key, "$foreground 65%"),
            f"{one_line(name, 36):<37}",
            (f"{figures.count(rows):>9}", "$foreground 65%"),
        )

    def on_mount(self) -> None:
        """Begin on what is shown now."""
        choices = self.query_one(OptionList)
        choices.focus()
        options = [line for line in self._lines if line is not None]
        choices.highlighted = next((place for place, line in enumerate(options) if line[2] == self._view), 0)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Show what was chosen."""
        line = self._lines[int(event.option.id or 0)]
        self.dismiss(line[2] if line else None)

    def action_choose(self, number: int) -> None:
        """Show what has this number."""
        options = [line for line in self._lines if line is not None]
        if number < len(options):
            self.dismiss(options[number][2])
