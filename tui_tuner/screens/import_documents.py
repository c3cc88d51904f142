"""Bringing documents along: see what is in a file or a folder, and cut it into passages."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Static

from tui_tuner.jobs import JobEnded, Work
from tui_tuner.language import _, ngettext
from tui_tuner.plain_text import one_line, printable
from tui_tuner.progress import Emit, StageProgress, StopToken
from tui_tuner.widgets.job_line import JobLine
from tui_tuner.widgets.stage_list import StageList

if TYPE_CHECKING:
    from tui_tuner.documents.adding import DocumentsPlan
    from tui_tuner.documents.looking import DocumentsSeen

QUIET = "$foreground 65%"
LONGEST_SHOWN = 1200  # letters of a passage


class ImportDocumentsScreen(Screen[bool]):
    """How many documents there are, and the first passages. Returns whether documents were added.

    Args:
        plan: which documents.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "add", _("import")),
        Binding("s", "stop", _("stop")),
        Binding("escape", "leave", _("back")),
    ]
    DEFAULT_CSS = """
    ImportDocumentsScreen {
        .heading { padding: 0 1; color: $text-accent; text-style: bold; }
        #found { height: auto; max-height: 4; padding: 0 1; }
        #passages { height: 1fr; border-top: solid $panel; padding: 0 1; scrollbar-size-vertical: 1; }
        #passages:focus { border-top: solid $accent; }
        StageList { display: none; }
        StageList.shown { display: block; }
    }
    """

    def __init__(self, plan: DocumentsPlan) -> None:
        super().__init__()
        self._plan = plan
        self._seen: DocumentsSeen | None = None
        self._line = JobLine(id="said")
        self._added = False

    def compose(self) -> ComposeResult:
        """What was found, the first passages, a line for what happens."""
        name = one_line(str(self._plan.sources[0]), 300)
        yield Static(_("Documents in {name}", name=name), classes="heading", markup=False)
        yield Static(id="found", markup=False)
        with VerticalScroll(id="passages"):
            yield Static(id="shown", markup=False)
        yield StageList()
        yield self._line
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Look while the screen is already there."""
        self.query_one("#passages").focus()

        def look(emit: Emit, stop: StopToken) -> object:
            from tui_tuner.documents.looking import look_at_documents  # here, so that the screen does not wait for it

            return look_at_documents(self._plan, emit=emit, stop=stop)

        self._start(_("looking for documents"), look, _("s stops looking."))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Let only actions through that make sense now; the footer leaves out the others."""
        running = self._line.running
        return {"stop": running, "add": self._seen is not None and not running and not self._added}.get(action, True)

    def _start(self, name: str, work: Work, says: str) -> None:
        stages = self.query_one(StageList)
        stages.clear()
        stages.add_class("shown")
        self._line.start(name, work, says=says)
        self.refresh_bindings()

    def _show_seen(self, seen: DocumentsSeen) -> None:
        self._seen = seen
        self.query_one(StageList).remove_class("shown")
        self.query_one("#found", Static).update(found(seen))
        self.query_one("#shown", Static).update(first_passages(seen))
        self._line.say(_("Enter cuts them into passages; questions are then asked about each, and answered from it."))

    def action_add(self) -> None:
        """Cut the documents into passages."""
        from tui_tuner.documents.adding import add_documents

        def add(emit: Emit, stop: StopToken) -> object:
            return add_documents(self._plan, emit=emit, stop=stop)

        self._start(_("reading documents"), add, _("s stops it; then nothing is imported."))

    def action_stop(self) -> None:
        """Stop the work; the passages are as they were."""
        self._line.stop()

    def action_leave(self) -> None:
        """Go back; an import that runs is stopped first, a look with the screen."""
        if self._line.running and self._seen is not None:
            self._line.stop()
        else:
            self.dismiss(self._added)

    def on_job_line_news(self, message: JobLine.News) -> None:
        """Show how far it is, and what came of it."""
        if isinstance(message.event, StageProgress):
            self.query_one(StageList).apply(message.event)
        elif isinstance(message.event, JobEnded):
            self._ended()
            self.refresh_bindings()

    def _ended(self) -> None:
        from tui_tuner.documents.adding import DocumentsAdded
        from tui_tuner.documents.looking import DocumentsSeen
        from tui_tuner.documents.telling import documents_told

        result = self._line.job.result if self._line.job is not None else None
        if isinstance(result, DocumentsSeen):
            self._show_seen(result)
        elif isinstance(result, DocumentsAdded):
            self._added = True
            self.query_one("#found", Static).update("")
            self.query_one("#shown", Static).update(Content("\n").join(map(_told, documents_told(result))))
            self._line.say(_("Done. escape goes back: g has questions asked about each passage."), "$text-success")


def found(seen: DocumentsSeen) -> Content:
    """How many documents there are, of which kinds, and what is left out."""
    kinds = ", ".join(f"{ending} {number:,}" for ending, number in seen.endings.items())
    lines = [
        Content.styled(
            ngettext(
                "{number:,} document: {kinds}",
                "{number:,} documents: {kinds}",
                seen.documents,
                kinds=kinds,
            ),
            "bold",
        )
    ]
    if seen.unsupported:
        text = ngettext(
            "{number:,} file of another kind is left out",
            "{number:,} files of other kinds are left out",
            len(seen.unsupported),
        )
        lines.append(Content.styled(text, QUIET))
    if seen.closed:
        names = one_line(", ".join(seen.closed), 200)
        lines.append(Content.styled(_("! not open to you: {names}", names=names), "$text-warning"))
    return Content("\n").join(lines)


def first_passages(seen: DocumentsSeen) -> Content:
    """The first passages as a teacher gets them, each under the place where it stands."""
    parts: list[Content] = []
    for passage in seen.first:
        heading = f" · {one_line(passage.heading, 200)}" if passage.heading else ""
        words = ngettext(
            "{number:,} word",
            "{number:,} words",
            passage.words,
        )
        parts.append(Content.styled(f"{one_line(passage.place, 200)}{heading} · {words}", "$text-accent"))
        text = printable(passage.text)
        parts.append(Content(text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"))
        parts.append(Content(""))
    if not seen.first:
        parts.append(Content.styled(_("None of the first documents can be read; importing says why."), "$text-warning"))
    return Content("\n").join(parts)


def _told(line: str) -> Content:
    return Content.styled(printable(line), "$text-warning" if line.startswith("!") else "")
