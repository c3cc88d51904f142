"""Bringing documents along: see what is in a file or a folder, and cut it into passages."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer, Static

from tui_tuner.errors import TunerError
from tui_tuner.jobs import Job, JobEnded
from tui_tuner.language import _
from tui_tuner.plain_text import one_line, printable
from tui_tuner.progress import Emit, Event, StageProgress, StopToken
from tui_tuner.widgets.stage_list import StageList

if TYPE_CHECKING:
    from tui_tuner.documents.adding import DocumentsPlan
    from tui_tuner.documents.looking import DocumentsSeen

QUIET = "$foreground 65%"
LONGEST_SHOWN = 1200  # letters of a passage


class DocumentsFound(Message):
    """What a look found; posted from the thread that looked."""

    def __init__(self, seen: DocumentsSeen) -> None:
        super().__init__()
        self.seen = seen


class NothingFound(Message):
    """There are no documents, and why."""

    def __init__(self, error: TunerError) -> None:
        super().__init__()
        self.error = error


class AddingNews(Message):
    """What the work says, posted from its thread."""

    def __init__(self, event: Event) -> None:
        super().__init__()
        self.event = event


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
        #said { height: auto; max-height: 3; padding: 0 1; }
    }
    """

    def __init__(self, plan: DocumentsPlan) -> None:
        super().__init__()
        self._plan = plan
        self._seen: DocumentsSeen | None = None
        self._job: Job | None = None
        self._added = False

    def compose(self) -> ComposeResult:
        """What was found, the first passages, a line for what happens."""
        name = one_line(str(self._plan.sources[0]), 300)
        yield Static(_("Documents in {name}", name=name), classes="heading", markup=False)
        yield Static(_("looking…"), id="found", markup=False)
        with VerticalScroll(id="passages"):
            yield Static(id="shown", markup=False)
        yield StageList()
        yield Static(id="said", markup=False)
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Look while the screen is already there."""
        self.query_one("#passages").focus()
        self._look()

    def on_unmount(self) -> None:
        """Nothing is added for a screen that is gone."""
        if self._job is not None:
            self._job.stop()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Let only actions through that make sense now; the footer leaves out the others."""
        running = self._job is not None and self._job.running
        return {"stop": running, "add": self._seen is not None and self._job is None}.get(action, True)

    @work(thread=True, exclusive=True, group="look", description="looking for documents")
    def _look(self) -> None:
        from tui_tuner.documents.looking import look_at_documents  # here, so that the screen does not wait for it

        try:
            self.post_message(DocumentsFound(look_at_documents(self._plan)))
        except TunerError as error:
            self.post_message(NothingFound(error))

    def on_nothing_found(self, message: NothingFound) -> None:
        """Say why there is nothing to import."""
        self.query_one("#found", Static).update("")
        self._say(f"{message.error.what}. {message.error.advice}", "$text-error")

    def on_documents_found(self, message: DocumentsFound) -> None:
        """Show what there is."""
        self._seen = message.seen
        self.query_one("#found", Static).update(found(message.seen))
        self.query_one("#shown", Static).update(first_passages(message.seen))
        self._say(_("Enter cuts them into passages; questions are then asked about each, and answered from it."))
        self.refresh_bindings()

    def action_add(self) -> None:
        """Cut the documents into passages."""
        from tui_tuner.documents.adding import add_documents

        def add(emit: Emit, stop: StopToken) -> object:
            return add_documents(self._plan, emit=emit, stop=stop)

        self.query_one(StageList).add_class("shown")
        self._job = Job(_("reading documents"), add, self._hear, None)
        self._job.start()
        self._say(_("s stops it; then nothing is imported."))
        self.refresh_bindings()

    def _hear(self, event: Event) -> None:
        self.post_message(AddingNews(event))

    def action_stop(self) -> None:
        """Stop the work; the passages are as they were."""
        if self._job is not None:
            self._job.stop()

    def action_leave(self) -> None:
        """Go back; work that runs is stopped first."""
        if self._job is not None and self._job.running:
            self.action_stop()
        else:
            self.dismiss(self._added)

    def on_adding_news(self, message: AddingNews) -> None:
        """Show how far it is, and what came of it."""
        if isinstance(message.event, StageProgress):
            self.query_one(StageList).apply(message.event)
        elif isinstance(message.event, JobEnded):
            self._ended(message.event)

    def _ended(self, ended: JobEnded) -> None:
        from tui_tuner.documents.adding import DocumentsAdded
        from tui_tuner.documents.telling import documents_told

        added = self._job.result if self._job is not None else None
        if isinstance(added, DocumentsAdded):
            self._added = True
            self.query_one("#found", Static).update("")
            self.query_one("#shown", Static).update(Content("\n").join(map(_told, documents_told(added))))
            self._say(_("Done. escape goes back: g has questions asked about each passage."), "$text-success")
        else:
            self._job = None
            text = ". ".join(part.rstrip(".") for part in (ended.message, ended.advice) if part)
            self._say(text, "$text-error" if ended.outcome == "failed" else "$text-warning")
        self.refresh_bindings()

    def _say(self, text: str, style: str = "") -> None:
        self.query_one("#said", Static).update(Content.styled(one_line(text, 400), style))


def found(seen: DocumentsSeen) -> Content:
    """How many documents there are, of which kinds, and what is left out."""
    kinds = ", ".join(f"{ending} {number:,}" for ending, number in seen.endings.items())
    lines = [Content.styled(_("{number:,} documents: {kinds}", number=seen.documents, kinds=kinds), "bold")]
    if seen.unsupported:
        text = _("{number:,} files of other kinds are left out", number=len(seen.unsupported))
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
        words = _("{number:,} words", number=passage.words)
        parts.append(Content.styled(f"{one_line(passage.place, 200)}{heading} · {words}", "$text-accent"))
        text = printable(passage.text)
        parts.append(Content(text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"))
        parts.append(Content(""))
    if not seen.first:
        parts.append(Content.styled(_("None of the first documents can be read; importing says why."), "$text-warning"))
    return Content("\n").join(parts)


def _told(line: str) -> Content:
    return Content.styled(printable(line), "$text-warning" if line.startswith("!") else "")
