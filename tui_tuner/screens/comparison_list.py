"""The comparisons that are kept: open an earlier one again, or write it down for others."""

from __future__ import annotations

from pathlib import PurePath
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer, OptionList, Static
from textual.widgets.option_list import Option

from tui_tuner.errors import StorageError, TunerError
from tui_tuner.evaluation.comparisons import Comparison
from tui_tuner.evaluation.kept_comparisons import kept_comparisons
from tui_tuner.evaluation.report import export_comparison, title_of
from tui_tuner.language import _, ngettext
from tui_tuner.plain_text import one_line
from tui_tuner.project import Project


class ComparisonList(ModalScreen[Comparison | None]):
    """Returns the comparison to show.

    Args:
        project: whose comparisons they are.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", _("back"), key_display="esc"),
        Binding("x", "export('html')", _("export .html")),
        Binding("m", "export('md')", _("export .md")),
    ]
    DEFAULT_CSS = """
    ComparisonList { background: $background; }
    ComparisonList OptionList { height: 1fr; border: none; padding: 0; }
    ComparisonList Static { height: 1; padding: 0 1; color: $text-muted; }
    """

    def __init__(self, project: Project) -> None:
        super().__init__()
        self._project = project
        self._kept, self._problems = kept_comparisons(project)

    def compose(self) -> ComposeResult:
        """The comparisons, the newest first, and a line that says what was done."""
        with Vertical():
            yield Static(_("Comparisons: enter shows one"), markup=False)
            yield OptionList(*map(_line, self._kept), *map(_damaged, self._problems), compact=True)
            yield Static(id="said", markup=False)
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Begin at the newest."""
        listed = self.query_one(OptionList)
        listed.highlighted = 0 if self._kept else None
        listed.focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Show it."""
        self.dismiss(self._kept[event.option_index])

    def action_leave(self) -> None:
        """Leave it as it is."""
        self.dismiss(None)

    def action_export(self, ending: str) -> None:
        """Write it into the project's exports."""
        place = self.query_one(OptionList).highlighted
        if place is None:
            return
        path = self._project.folder / "exports" / f"comparison-{self._kept[place].path.stem}.{ending}"
        try:
            export_comparison(self._kept[place], path)
            said = _("Written to {path}.", path=path)
        except TunerError as error:
            said = str(error)
        self.query_one("#said", Static).update(Content(one_line(said)))


def _damaged(error: StorageError) -> Option:
    name = PurePath(error.where).name if error.where else ""
    return Option(Content.styled(f" {one_line(name, 40)}: {one_line(error.what)}", "$text-muted"), disabled=True)


def _line(kept: Comparison) -> Content:
    number = len(kept.prompts)
    about = ngettext("{number} question", "{number} questions", number)
    about += "" if kept.finished else _(" · broke off")
    about += _(" · {number} damaged lines", number=kept.damaged) if kept.damaged else ""
    return Content(f" {one_line(title_of(kept), 60):60}") + Content.styled(f"  {about}", "$foreground 60%")
