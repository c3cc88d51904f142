"""The welcome: a new project, an existing one, or the demo."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Input, OptionList, Static
from textual.widgets.option_list import Option

from tui_tuner.errors import TunerError
from tui_tuner.language import _
from tui_tuner.project import MANIFEST, Project, create_project, open_project

CHOICES = ("new", "open", "demo", "check")


class Welcome(Screen[None]):
    """What to begin with; one list, one field that appears for what needs a name."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("n", "choose('new')", _("new")),
        ("o", "choose('open')", _("open")),
        ("d", "choose('demo')", _("demo")),
        ("escape", "back", _("back")),
    ]

    DEFAULT_CSS = """
    Welcome { align: center middle; }
    Welcome > VerticalScroll { width: 72; max-width: 100%; height: auto; max-height: 100%; padding: 0 2; }
    Welcome #name { color: $accent; text-style: bold; }
    Welcome OptionList { height: auto; margin: 1 0; border: round $panel; background: $surface; }
    Welcome Input { display: none; }
    Welcome #hint { color: $text-muted; height: auto; min-height: 2; }
    Welcome #hint.bad { color: $text-error; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._choice = ""

    def compose(self) -> ComposeResult:
        """The name, the list, the field, a hint."""
        with VerticalScroll():
            yield Static("tuner", id="name")
            yield Static(_("From nothing to a language model of your own,\non this computer, private and free."))
            yield OptionList(*self._options(), id="choices")
            yield Input(id="folder", compact=True)
            yield Static(id="hint", markup=False)
        yield Footer(show_command_palette=False, compact=True)

    def _options(self) -> list[Option]:
        rows = {
            "new": (_("New project"), _("teach a model something of your own")),
            "open": (_("Open project"), _("go on where you stopped")),
            "demo": (_("Demo"), _("the whole journey on a small model, about five minutes")),
            "check": (_("Check this machine"), _("what is ready and what is missing")),
        }
        return [
            Option(Content.assemble((f"{name:<20}", "bold"), (text, "dim")), id=key)
            for key, (name, text) in rows.items()
        ]

    def on_mount(self) -> None:
        """Begin in the list."""
        self.query_one(OptionList).focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take the chosen row."""
        self.action_choose(event.option.id or "new")

    def action_choose(self, choice: str) -> None:
        """Ask for what the choice needs."""
        self._choice = choice
        if choice == "check":
            if len(self.app.screen_stack) > 1:
                self.dismiss()
            self.app.run_worker(self.app.run_action("go_to('environment')"))
            return
        suggestions = {
            "new": ("my-model", _("A new folder for the project. Enter makes it.")),
            "open": (self._last_project(), _("The folder that holds {name}. Enter opens it.", name=MANIFEST)),
            "demo": (
                "tuner-demo",
                _("A folder for the demo. Enter makes its project; then start its steps one by one."),
            ),
        }
        value, hint = suggestions[choice]
        field = self.query_one(Input)
        field.value = str(Path.cwd() / value) if value else ""
        field.display = True
        field.focus()
        self._hint(hint)

    def _last_project(self) -> str:
        from tui_tuner.app import TunerApp

        return self.app.bench.settings.last_project if isinstance(self.app, TunerApp) else ""

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Make or open the project."""
        text = event.value.strip()
        if not text:
            self._hint(_("Type a folder's name."), bad=True)
            return
        folder = Path(text).expanduser()
        try:
            project = self._project(folder)
        except TunerError as error:
            self._hint(str(error), bad=True)
            return
        from tui_tuner.app import TunerApp

        app = self.app
        assert isinstance(app, TunerApp)
        app.open(project, "dataset" if self._choice == "demo" else "environment")

    def _project(self, folder: Path) -> Project:
        if self._choice == "new":
            return create_project(folder)
        if self._choice == "demo":
            from tui_tuner.demo.journey import prepare_demo

            return prepare_demo(folder, fresh=False)
        return open_project(folder)

    def action_back(self) -> None:
        """Leave the field, then the welcome if there is something behind it."""
        field = self.query_one(Input)
        if field.display:
            field.display = False
            self.query_one(OptionList).focus()
            self._hint("")
        elif len(self.app.screen_stack) > 1:
            self.dismiss()

    def _hint(self, text: str, *, bad: bool = False) -> None:
        hint = self.query_one("#hint", Static)
        hint.set_class(bad, "bad")
        hint.update(Content(text))
