"""Bringing examples along: choose a file, see what is in it, say which column is what, import."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer, Input, Static

from tui_tuner.errors import TunerError
from tui_tuner.file_versions import count_lines
from tui_tuner.importing.events import RowRefused
from tui_tuner.jobs import JobEnded
from tui_tuner.language import _
from tui_tuner.progress import Emit, StageProgress, StopToken
from tui_tuner.widgets.job_line import JobLine
from tui_tuner.widgets.path_input import PathInput
from tui_tuner.widgets.stage_list import StageList
from tui_tuner.widgets.table_choices import TableChoices

if TYPE_CHECKING:
    from tui_tuner.importing.looking import Sighting


class Looked(Message):
    """What a look has found, posted from its thread: rows, a document or a folder, or why there is nothing."""

    def __init__(self, found: Sighting | Path | TunerError) -> None:
        super().__init__()
        self.found = found


class ImportScreen(Screen[bool]):
    """A path, what was found there, its columns, its first conversations. Returns whether something was imported.

    Args:
        data: the dataset's folder.
        passage_words: the longest passage that documents are cut into.
    """

    AUTO_FOCUS = "#path"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "bring", _("import")),
        Binding("b", "bad", _("bad rows")),
        Binding("r", "replace", _("replace")),
        Binding("a", "seeds", _("as seeds")),
        Binding("f", "file", _("other file")),
        Binding("s", "stop", _("stop")),
        Binding("escape", "leave", _("back")),
    ]
    DEFAULT_CSS = """
    ImportScreen {
        .heading { padding: 0 1; color: $text-accent; text-style: bold; }
        #path { height: 1; padding: 0 1; background: $surface; }
        #path:focus { background: $accent 20%; }
        #found { height: auto; max-height: 5; padding: 0 1; }
        #preview { height: 1fr; border-top: solid $panel; padding: 0 1; scrollbar-size-vertical: 1; }
        #preview:focus { border-top: solid $accent; }
        StageList { display: none; }
        StageList.shown { display: block; }
    }
    """

    def __init__(self, data: Path, passage_words: int) -> None:
        super().__init__()
        self._data, self._passage_words = data, passage_words
        self._sighting: Sighting | None = None
        self._replace = self._as_seeds = self._brought = self._shows_bad = False
        self._line = JobLine(id="said")
        self._refused: list[RowRefused] = []

    def compose(self) -> ComposeResult:
        """From top to bottom in the order in which it is used."""
        yield Static(_("Import from which file or folder? tab completes, enter looks"), classes="heading", markup=False)
        yield PathInput(placeholder="~/…", id="path")
        yield Static(
            _(
                "Examples: JSON, JSON Lines, CSV, TSV, SQLite, Parquet, XLSX. Documents: Markdown, text, HTML, PDF, "
                "or a folder of them. Nothing is imported before you have seen it."
            ),
            id="found",
            markup=False,
        )
        yield TableChoices()
        with VerticalScroll(id="preview"):
            yield Static(id="shown", markup=False)
        yield StageList()
        yield self._line
        yield Footer(show_command_palette=False, compact=True)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Let only actions through that make sense now; the footer leaves out the others."""
        running = self._line.running
        seen = self._sighting is not None
        if action in ("bad", "replace", "seeds", "file"):
            return seen
        return {"stop": running, "bring": seen and not running}.get(action, True)

    # -- looking -------------------------------------------------------------------------------------------------------

    @on(Input.Submitted, "#path")
    def look_at_it(self) -> None:
        """Look at the file that was named."""
        self.query_one(TableChoices).forget()
        self.look_again()

    @on(TableChoices.Chosen)
    def look_again(self) -> None:
        """Look at it with what was chosen."""
        path = self.query_one(PathInput).path
        if path is None:
            self._line.say(_("Type the path of a file."), "$text-error")
            return
        self._line.say(_("looking…"))
        choices = self.query_one(TableChoices)
        self._read(path, choices.table, dict(choices.mapping))

    @work(thread=True, exclusive=True, group="look", description="looking at a file")
    def _read(self, path: Path, table: str, mapping: Mapping[str, str]) -> None:
        from tui_tuner.importing.looking import look  # here, so that the screen does not wait for it
        from tui_tuner.importing.opening import kind_of

        found: Sighting | Path | TunerError
        try:
            documents = kind_of(path) in ("document", "folder")
            found = path if documents else look(path, table=table, mapping=mapping)
        except TunerError as error:
            found = error
        self.post_message(Looked(found))

    def on_looked(self, message: Looked) -> None:
        """Show what was found, or go on to the screen that does."""
        if isinstance(message.found, TunerError):
            self._show_why_nothing(message.found)
        elif isinstance(message.found, Path):
            self._go_on_to_documents(message.found)
        else:
            self._show_seen(message.found)

    def _go_on_to_documents(self, path: Path) -> None:
        from tui_tuner.documents.adding import DocumentsPlan
        from tui_tuner.screens.import_documents import ImportDocumentsScreen

        def added(brought: bool | None) -> None:
            if brought:
                self.dismiss(True)

        self._line.say("")
        plan = DocumentsPlan(self._data, (path,), self._passage_words)
        self.app.push_screen(ImportDocumentsScreen(plan), added)

    def _show_why_nothing(self, error: TunerError) -> None:
        columns_were_chosen = bool(self._sighting is not None and self.query_one(TableChoices).mapping)
        if not columns_were_chosen:  # otherwise they were chosen so that nothing is left, and can be chosen again
            self._sighting = None
            self._show()
            self.query_one("#found", Static).update("")
        self._line.say(f"{error.what}. {error.advice}", "$text-error")

    def _show_seen(self, seen: Sighting) -> None:
        first = self._sighting is None or self._sighting.path != seen.path
        self._sighting, self._shows_bad = seen, False
        self._show()
        if first or self.query_one(PathInput).has_focus:
            self.query_one("#preview" if seen.shape.complete else "ColumnChoices #user").focus()

    # -- what is in sight ----------------------------------------------------------------------------------------------

    def _show(self) -> None:
        seen = self._sighting
        self.query_one(StageList).remove_class("shown")
        self.refresh_bindings()
        if seen is None:
            self.query_one(TableChoices).hide()
            self.query_one("#shown", Static).update("")
            return
        from tui_tuner.screens import importing_text

        self.query_one("#found", Static).update(importing_text.found(seen))
        self.query_one(TableChoices).show(seen.tables, seen.table, seen.columns, seen.shape.columns)
        self._show_rows()
        self.query_one("#preview").scroll_home(animate=False)
        self._say_what_enter_does(seen)

    @property
    def _target(self) -> str:
        from tui_tuner.dataset.plan import IMPORTED, SEEDS

        return SEEDS if self._as_seeds else IMPORTED

    def _show_rows(self) -> None:
        from tui_tuner.screens import importing_text

        if self._sighting is not None:
            width = self.query_one("#preview").content_size.width - 1  # a scrollbar may be needed
            seen = self._sighting
            rows = importing_text.bad_rows(seen) if self._shows_bad else importing_text.conversations(seen, width)
            self.query_one("#shown", Static).update(rows)

    def on_resize(self) -> None:
        """Break the lines anew."""
        self.call_after_refresh(self._show_rows)

    def _say_what_enter_does(self, seen: Sighting) -> None:
        from tui_tuner.screens import importing_text

        there = count_lines(self._data / self._target)
        says = importing_text.what_seeds_are if self._as_seeds else importing_text.what_enter_does
        self._line.say(*says(seen, there, replace=self._replace))

    # -- what a person does --------------------------------------------------------------------------------------------

    def action_bad(self) -> None:
        """Show the rows that cannot be used, or the conversations again."""
        self._shows_bad = not self._shows_bad
        self._show()

    def action_replace(self) -> None:
        """Add to what is there, or start over."""
        self._replace = not self._replace
        self._show()

    def action_seeds(self) -> None:
        """Learn from the rows, or have the teacher write like them too."""
        self._as_seeds = not self._as_seeds
        self._show()

    def action_file(self) -> None:
        """Go back to the path."""
        self.query_one(PathInput).focus()

    def action_leave(self) -> None:
        """Go back to the Dataset step; an import that runs is stopped first."""
        if self._line.running:
            self._line.stop()
        else:
            self.dismiss(self._brought)

    # -- the import ----------------------------------------------------------------------------------------------------

    def action_bring(self) -> None:
        """Import what is seen."""
        seen = self._sighting
        if seen is None:
            return
        from tui_tuner.importing.bring import ImportPlan, import_rows

        plan = ImportPlan(self._data, (seen,), replace=self._replace, target=self._target)

        def bring(emit: Emit, stop: StopToken) -> object:
            return import_rows(plan, emit=emit, stop=stop)

        self._refused = []
        stages = self.query_one(StageList)
        stages.clear()
        stages.add_class("shown")
        self._line.start(_("importing"), bring, says=_("s stops it; then nothing is imported."))
        self.refresh_bindings()

    def action_stop(self) -> None:
        """Stop the import."""
        self._line.stop()

    def on_job_line_news(self, message: JobLine.News) -> None:
        """Show how far it is, and what came of it."""
        event = message.event
        if isinstance(event, StageProgress):
            self.query_one(StageList).apply(event)
        elif isinstance(event, RowRefused):
            self._refused.append(event)
        elif isinstance(event, JobEnded):
            self._ended(event)

    def _ended(self, ended: JobEnded) -> None:
        from tui_tuner.screens import importing_text

        report = self._line.job.result if self._line.job is not None else None
        self.refresh_bindings()
        if report is None:
            return
        self._brought = True
        self._sighting = None
        self._show()
        self.query_one(StageList).add_class("shown")
        self.query_one("#found", Static).update("")
        self.query_one("#shown", Static).update(importing_text.outcome(report, self._refused))
        self.query_one("#preview").focus()
        next_ = _("g makes the training files, v shows every example.")
        if self._as_seeds:
            next_ = _("g has examples written like these, p shows what the teacher is told.")
        self._line.say(_("Done. escape goes back: {next}", next=next_), "$text-success")
