"""Getting a model into Ollama without leaving the program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer, Input, OptionList, Static
from textual.widgets.option_list import Option

from tui_tuner.errors import TeacherError, UsageError
from tui_tuner.jobs import Job, JobEnded
from tui_tuner.language import _, ngettext
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Event, Notice, StageProgress
from tui_tuner.screens.progress_view import ProgressView
from tui_tuner.teachers.pulling import LIBRARY, SUGGESTIONS, pull_work
from tui_tuner.widgets.stage_list import StageList

QUIET = "$foreground 65%"
PATIENCE = 2.0  # seconds a server has to say which models it has


class PullNews(Message):
    """What the download says, posted from its thread."""

    def __init__(self, event: Event) -> None:
        super().__init__()
        self.event = event


class ServerKnown(Message):
    """How a server is, posted from the thread that asked."""

    def __init__(self, place: int, finding: str) -> None:
        super().__init__()
        self.place, self.finding = place, finding


class PullScreen(Screen[bool]):
    """Which server, which model, how far. Returns whether a model was brought.

    Args:
        places: where the servers listen, as the setting `url` names them; an empty one follows `OLLAMA_HOST`.
    """

    AUTO_FOCUS = "#model"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s,escape", "stop", _("stop, keeping what arrived"), key_display="s esc"),
        Binding("escape", "leave", _("back")),
    ]
    DEFAULT_CSS = """
    PullScreen {
        .heading { padding: 0 1; color: $text-accent; text-style: bold; margin-top: 1; }
        #servers, #suggestions { height: auto; max-height: 5; }
        #model { height: 1; border: none; padding: 0 1; }
        StageList { margin-top: 1; }
        #said { height: auto; max-height: 3; padding: 0 1; margin-top: 1; }
        #rest { height: 1fr; }
    }
    """

    def __init__(self, places: Sequence[str]) -> None:
        super().__init__()
        self._places = list(places)
        self._findings = [_("asking…") for _place in places]
        self._server = 0
        self._job: Job | None = None
        self._view = ProgressView()
        self._brought = False

    def compose(self) -> ComposeResult:
        """Servers, name, suggestions, how far."""
        yield Static(_("Get a model for Ollama: into which server"), classes="heading", markup=False)
        yield OptionList(id="servers")
        yield Static(_("Which model: enter gets it"), classes="heading", markup=False)
        yield Input(placeholder=_("a name from {library}, such as mistral:7b", library=LIBRARY), id="model")
        yield OptionList(
            *(
                Option(
                    Content.assemble(
                        f" {one.name:<13}",
                        (_("about {size} GB", size=f"{one.gigabytes:>3.1f}"), QUIET),
                        (f"  {one.why}", QUIET),
                    )
                )
                for one in SUGGESTIONS
            ),
            id="suggestions",
        )
        yield StageList()
        yield Static(id="said", markup=False)
        yield Static(id="rest")
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """List the servers, and ask each how it is."""
        self._list_servers()
        for place in range(len(self._places)):
            self._ask_server(place)

    def on_unmount(self) -> None:
        """Nothing is downloaded for a screen that is gone."""
        if self._job is not None:
            self._job.stop()

    # -- the servers ---------------------------------------------------------------------------------------------------

    @work(thread=True, group="servers", description="asking an Ollama server for its models")
    def _ask_server(self, place: int) -> None:
        from tui_tuner.teachers.ollama import OllamaServer
        from tui_tuner.teachers.ollama_address import address_for

        server = OllamaServer(address_for(self._places[place]), patience=PATIENCE)
        try:
            number = len(server.models())
            finding = ngettext("{number} model", "{number} models", number)
        except TeacherError as error:
            finding = ". ".join(part for part in (error.what, error.advice) if part)
        finally:
            server.close()
        self.post_message(ServerKnown(place, finding))

    def on_server_known(self, message: ServerKnown) -> None:
        """Show how a server is."""
        self._findings[message.place] = message.finding
        self._list_servers()

    def _list_servers(self) -> None:
        from tui_tuner.teachers.ollama_address import address_for

        rows = self.query_one("#servers", OptionList)
        rows.clear_options()
        addresses = [one_line(str(address_for(place)), 40) for place in self._places]
        width = max(len(address) for address in addresses)
        for place, address in enumerate(addresses):
            mark = ("● ", "$accent") if place == self._server else ("○ ", QUIET)
            finding = (f"  {one_line(self._findings[place])}", QUIET)
            rows.add_option(Option(Content.assemble(" ", mark, f"{address:<{width}}", finding)))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Choose a server, or put a suggestion into the field."""
        if self._pulling:
            return
        if event.option_list.id == "servers":
            self._server = event.option_index
            self._list_servers()
            return
        suggestion = SUGGESTIONS[event.option_index]
        field = self.query_one("#model", Input)
        field.value = suggestion.name
        field.cursor_position = len(suggestion.name)
        field.focus()
        self._say(_("enter gets {model}, about {size} GB.", model=suggestion.name, size=suggestion.gigabytes))

    # -- the download --------------------------------------------------------------------------------------------------

    @property
    def _pulling(self) -> bool:
        return self._job is not None and self._job.ended is None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Stopping makes sense while something runs, leaving while nothing does."""
        return {"stop": self._pulling, "leave": not self._pulling}.get(action, True)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Start the download."""
        if self._pulling:
            return
        try:
            pull = pull_work(self._places[self._server], event.value)
        except UsageError as error:
            self._say(f"{error.what}. {error.advice}", "$text-error")
            return
        self._view = ProgressView()
        self.query_one(StageList).clear()
        # The field would swallow the key that stops.
        self.query_one("#model", Input).disabled = True
        self.set_focus(None)
        self._say(
            _("Ollama looks the model up… esc or s stops; what has arrived is kept, and getting it again goes on.")
        )

        def hear(event: Event) -> None:
            self.post_message(PullNews(event))

        self._job = Job(_("getting a model"), pull, hear, None)
        self._job.start()
        self.refresh_bindings()

    def on_pull_news(self, message: PullNews) -> None:
        """Show how far it is, or how it ended."""
        event = message.event
        self._view.apply(event)
        if isinstance(event, StageProgress):
            # The model's name stands above already; its room is better used for the bar and the units.
            self.query_one(StageList).apply(replace(event, stage=event.stage.rpartition(": ")[2]))
            if all(stage.ended for stage in self._view.stages.values()):
                self._say(_("Ollama checks what has arrived…"))
            else:
                self._say(_("esc or s stops; what has arrived is kept, and getting it again goes on."))
        elif isinstance(event, Notice):
            self._say(event.text)
        elif isinstance(event, JobEnded):
            self._ended(event)

    def _ended(self, ended: JobEnded) -> None:
        field = self.query_one("#model", Input)
        field.disabled = False
        field.focus()
        self.refresh_bindings()
        if ended.outcome == "done":
            self._brought = True
            field.value = ""
            text = self._view.notices[-1].text if self._view.notices else ""
            self._say(_("{what} esc goes back to the teachers, where it can be chosen.", what=text), "$text-success")
        elif ended.outcome == "stopped":
            self._say(_("Stopped. What has arrived is kept: enter goes on."), "$text-warning")
        else:
            self._say(". ".join(part.rstrip(".") for part in (ended.message, ended.advice) if part), "$text-error")
        self._ask_server(self._server)

    def action_stop(self) -> None:
        """Stop the download."""
        if self._job is not None:
            self._job.stop()

    def action_leave(self) -> None:
        """Go back."""
        self.dismiss(self._brought)

    def _say(self, text: str, style: str = "") -> None:
        self.query_one("#said", Static).update(Content.styled(one_line(text), style))
