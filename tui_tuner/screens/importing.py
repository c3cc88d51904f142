"""Bringing examples along: choose a file, see what is in it, say which column is what, import."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer, Input, Select, Static

from tui_tuner.errors import TunerError
from tui_tuner.file_versions import count_lines
from tui_tuner.importing.events import RowRefused
from tui_tuner.jobs import Job, JobEnded
from tui_tuner.language import _
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Emit, Event, StageProgress, StopToken
from tui_tuner.widgets.column_choices import ColumnChoices
from tui_tuner.widgets.path_input import PathInput
from tui_tuner.widgets.stage_list import StageList

if TYPE_CHECKING:
    from tui_tuner.importing.looking import Sighting


class Seen(Message):
    """What a look at a file found; posted from the thread that looked."""

    def __init__(self, sighting: Sighting) -> None:
        super().__init__()
        self.sighting = sighting


class LookFailed(Message):
    """There is nothing in the file to import, and why."""

    def __init__(self, error: TunerError) -> None:
        super().__init__()
        self.error = error


class DocumentsNamed(Message):
    """It is no table but a document, or a folder: another screen is for these."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path


class ImportNews(Message):
    """What the import says, posted from its thread."""

    def __init__(self, event: Event) -> None:
        super().__init__()
        self.event = event


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
        #table-row { height: 1; display: none; }
        #table-row.shown { display: block; }
        #table-row Static { width: 10; padding: 0 1; color: $foreground 80%; }
        #table { width: 1fr; height: 1; }
        ColumnChoices { display: none; }
        ColumnChoices.shown { display: block; }
        #preview { height: 1fr; border-top: solid $panel; padding: 0 1; scrollbar-size-vertical: 1; }
        #preview:focus { border-top: solid $accent; }
        StageList { display: none; }
        StageList.shown { display: block; }
        #said { height: auto; max-height: 3; padding: 0 1; }
    }
    """

    def __init__(self, data: Path, passage_words: int) -> None:
        super().__init__()
        self._data, self._passage_words = data, passage_words
        self._sighting: Sighting | None = None
        self._mapping: dict[str, str] = {}
        self._table = ""
        self._replace = self._as_seeds = self._brought = self._shows_bad = False
        self._job: Job | None = None
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
        with Horizontal(id="table-row"):
            yield Static(_("table"), markup=False)
            yield Select[str]((), compact=True, id="table")
        yield ColumnChoices()
        with VerticalScroll(id="preview"):
            yield Static(id="shown", markup=False)
        yield StageList()
        yield Static(id="said", markup=False)
        yield Footer(show_command_palette=False, compact=True)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Let only actions through that make sense now; the footer leaves out the others."""
        running = self._job is not None and self._job.running
        seen = self._sighting is not None
        if action in ("bad", "replace", "seeds", "file"):
            return seen
        return {"stop": running, "bring": seen and not running}.get(action, True)

    def on_unmount(self) -> None:
        """Nothing is imported for a screen that is gone."""
        if self._job is not None:
            self._job.stop()

    # -- looking -------------------------------------------------------------------------------------------------------

    @on(Input.Submitted, "#path")
    def look_at_it(self) -> None:
        """Look at the file that was named."""
        self._mapping, self._table = {}, ""
        self._look()

    def _look(self) -> None:
        path = self.query_one(PathInput).path
        if path is None:
            self._say(_("Type the path of a file."), "$text-error")
            return
        self._say(_("looking…"))
        self._read(path, self._table, dict(self._mapping))

    @work(thread=True, exclusive=True, group="look", description="looking at a file")
    def _read(self, path: Path, table: str, mapping: Mapping[str, str]) -> None:
        from tui_tuner.importing.looking import look  # here, so that the screen does not wait for it
        from tui_tuner.importing.opening import kind_of

        try:
            if kind_of(path) in ("document", "folder"):
                self.post_message(DocumentsNamed(path))
                return
            self.post_message(Seen(look(path, table=table, mapping=mapping)))
        except TunerError as error:
            self.post_message(LookFailed(error))

    def on_documents_named(self, message: DocumentsNamed) -> None:
        """Go on to the screen for documents."""
        from tui_tuner.documents.adding import DocumentsPlan
        from tui_tuner.screens.import_documents import ImportDocumentsScreen

        plan = DocumentsPlan(self._data, (message.path,), self._passage_words)
        self._say("")
        self.app.push_screen(ImportDocumentsScreen(plan), self._documents_added)

    def _documents_added(self, added: bool | None) -> None:
        if added:
            self.dismiss(True)

    def on_look_failed(self, message: LookFailed) -> None:
        """Say why there is nothing to import."""
        if self._sighting is not None and self._mapping:  # the columns were chosen so that nothing is left
            self._say(f"{message.error.what}. {message.error.advice}", "$text-error")
            return
        self._sighting = None
        self._show()
        self.query_one("#found", Static).update("")
        self._say(f"{message.error.what}. {message.error.advice}", "$text-error")

    def on_seen(self, message: Seen) -> None:
        """Show what was found, and go on to it."""
        first = self._sighting is None or self._sighting.path != message.sighting.path
        self._sighting, self._shows_bad = message.sighting, False
        self._show()
        if first or self.query_one(PathInput).has_focus:
            complete = message.sighting.shape.complete
            self.query_one("#preview" if complete else "ColumnChoices #user").focus()

    # -- what is in sight ----------------------------------------------------------------------------------------------

    def _show(self) -> None:
        seen = self._sighting
        choices = self.query_one(ColumnChoices)
        choices.set_class(seen is not None, "shown")
        self.query_one("#table-row").set_class(seen is not None and len(seen.tables) > 1, "shown")
        self.query_one(StageList).remove_class("shown")
        self.refresh_bindings()
        if seen is None:
            self.query_one("#shown", Static).update("")
            return
        from tui_tuner.screens import importing_text

        self.query_one("#found", Static).update(importing_text.found(seen))
        choices.show(seen.columns, seen.shape.columns)
        tables = self.query_one("#table", Select)
        with self.prevent(Select.Changed):
            tables.set_options([(one_line(name, 60), name) for name in seen.tables])
            if seen.table in seen.tables:
                tables.value = seen.table
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
        self._say(*says(seen, there, replace=self._replace))

    def _say(self, text: str, style: str = "") -> None:
        self.query_one("#said", Static).update(Content.styled(one_line(text, 400), style))

    # -- what a person does --------------------------------------------------------------------------------------------

    def on_column_choices_chosen(self, message: ColumnChoices.Chosen) -> None:
        """Look again with another column for a role."""
        self._mapping[message.role] = message.column
        self._look()

    @on(Select.Changed, "#table")
    def choose_table(self, event: Select.Changed) -> None:
        """Look at another table."""
        if not event.select.is_blank():
            self._table, self._mapping = str(event.value), {}
            self._look()

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
        if self._job is not None and self._job.running:
            self.action_stop()
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
        self._job = Job(_("importing"), bring, self._hear, None)
        self._job.start()
        self._say(_("s stops it; then nothing is imported."))
        self.refresh_bindings()

    def _hear(self, event: Event) -> None:
        self.post_message(ImportNews(event))

    def action_stop(self) -> None:
        """Stop the import."""
        if self._job is not None:
            self._job.stop()

    def on_import_news(self, message: ImportNews) -> None:
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

        report = self._job.result if self._job is not None else None
        self.refresh_bindings()
        if report is None:
            text = ". ".join(part.rstrip(".") for part in (ended.message, ended.advice) if part)
            self._say(text, "$text-error" if ended.outcome == "failed" else "$text-warning")
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
        self._say(_("Done. escape goes back: {next}", next=next_), "$text-success")
