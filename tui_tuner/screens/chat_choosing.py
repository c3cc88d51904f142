"""Choosing for the chat: who answers, and which conversation goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer, Input, OptionList, Static

from tui_tuner import figures
from tui_tuner.chat.conversation import Conversation
from tui_tuner.chat.library import delete_conversation, export_conversations, having, list_conversations
from tui_tuner.chat.models import ChatModel
from tui_tuner.errors import TunerError
from tui_tuner.language import _, ngettext
from tui_tuner.plain_text import one_line
from tui_tuner.project import Project
from tui_tuner.screens.question import Question


class ModelList(ModalScreen[ChatModel | None]):
    """Returns the chosen model.

    Args:
        title: what for.
        models: which there are.
        now: who answers now; the cursor begins on the next one.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "leave", _("back"), key_display="esc")]
    DEFAULT_CSS = """
    ModelList { align: center middle; }
    ModelList > Vertical {
        width: 64; max-width: 95%; height: auto; max-height: 80%; border: round $accent; background: $surface;
        padding: 0 1;
    }
    ModelList OptionList { border: none; height: auto; max-height: 14; background: $surface; padding: 0; }
    """

    def __init__(self, title: str, models: Sequence[ChatModel], now: ChatModel | None) -> None:
        super().__init__()
        self._title, self._models, self._now = title, list(models), now

    def compose(self) -> ComposeResult:
        """The models, one a line."""
        with Vertical() as box:
            box.border_title = self._title
            yield OptionList(*(self._line(model) for model in self._models), compact=True)

    def on_mount(self) -> None:
        """Begin on the next one: the key and enter go on to it."""
        here = self._models.index(self._now) if self._now in self._models else -1
        self.query_one(OptionList).highlighted = (here + 1) % len(self._models)

    def _line(self, model: ChatModel) -> Content:
        mark = "● " if model == self._now else "  "
        context = _("{tokens} tokens of context", tokens=figures.count(model.context)) if model.context else ""
        return Content(mark + one_line(model.label, 44)) + Content.styled(f"  {context}", "$foreground 60%")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take it."""
        self.dismiss(self._models[event.option_index])

    def action_leave(self) -> None:
        """Leave it as it is."""
        self.dismiss(None)


class ConversationList(ModalScreen[Conversation | None]):
    """Returns the conversation to go on with.

    Args:
        project: whose conversations are shown.
        here: those that are open: what is done with them here is done with these, not with what the disk has.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", _("back"), key_display="esc"),
        Binding("slash", "search", _("search")),
        Binding("t", "rename", _("title")),
        Binding("d", "delete", _("delete")),
        Binding("x", "export('md')", _("export .md")),
        Binding("X", "export('jsonl')", _("export .jsonl")),
    ]
    DEFAULT_CSS = """
    ConversationList { background: $background; }
    ConversationList Input { height: 1; border: none; padding: 0 1; }
    ConversationList OptionList { height: 1fr; border: none; padding: 0; }
    ConversationList #said { height: 1; padding: 0 1; color: $text-muted; }
    ConversationList #title { display: none; }
    ConversationList.-titling #title { display: block; }
    """

    def __init__(self, project: Project, here: Sequence[Conversation] = ()) -> None:
        super().__init__()
        self._project = project
        opened = {one.path: one for one in here}
        self._all = [opened.get(one.path, one) for one in list_conversations(project)]
        self._shown = self._all

    def compose(self) -> ComposeResult:
        """Search, list, and a line that says what was done."""
        yield Input(placeholder=_("words to search for; enter goes to the list"), compact=True, id="words")
        yield OptionList(compact=True)
        yield Input(placeholder=_("a title; enter keeps it, esc leaves it as it was"), compact=True, id="title")
        yield Static(id="said", markup=False)
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Begin in the list."""
        self._show()
        self.query_one(OptionList).focus()

    def _show(self) -> None:
        listed = self.query_one(OptionList)
        place = listed.highlighted or 0
        self._shown = having(self._all, self.query_one("#words", Input).value)
        listed.clear_options()
        listed.add_options([_line(one) for one in self._shown])
        listed.highlighted = min(place, len(self._shown) - 1) if self._shown else None
        number, there = len(self._shown), len(self._all)
        self._say(
            ngettext(
                "{number} of {there} conversation",
                "{number} of {there} conversations",
                there,
                number=number,
                there=there,
            )
            if there
            else _("None yet.")
        )

    def _say(self, text: str) -> None:
        self.query_one("#said", Static).update(Content(one_line(text)))

    @property
    def _here(self) -> Conversation | None:
        place = self.query_one(OptionList).highlighted
        return self._shown[place] if place is not None and place < len(self._shown) else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Letters are for typing where something is typed."""
        return action == "leave" or not isinstance(self.focused, Input)

    # -- what a person does --------------------------------------------------------------------------------------------

    def on_input_changed(self, event: Input.Changed) -> None:
        """Search while one types."""
        if event.input.id == "words":
            self._show()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the title; go to the list."""
        if event.input.id == "title" and (here := self._here) is not None:
            self._try(lambda: here.rename(event.value))
            self._show()
        self._go_to_list()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Go on with it."""
        self.dismiss(self._shown[event.option_index])

    def action_leave(self) -> None:
        """Leave what is typed in, or the screen."""
        if isinstance(self.focused, Input):
            self._go_to_list()
        else:
            self.dismiss(None)

    def _go_to_list(self) -> None:
        self.remove_class("-titling")
        self.query_one(OptionList).focus()

    def action_search(self) -> None:
        """Type words to search for."""
        self.query_one("#words", Input).focus()

    def action_rename(self) -> None:
        """Type another title."""
        if (here := self._here) is not None:
            title = self.query_one("#title", Input)
            title.value = here.title
            self.add_class("-titling")
            title.focus()

    def action_delete(self) -> None:
        """Delete it, after asking."""
        here = self._here

        def answered(yes: bool | None) -> None:
            if yes and here is not None and self._try(lambda: delete_conversation(here)):
                self._all.remove(here)
                self._show()

        if here is not None:
            text = _("Delete “{title}”? Nothing brings it back.", title=one_line(here.title, 50))
            self.app.push_screen(Question(text, yes=_("delete it"), no=_("keep it")), answered)

    def action_export(self, ending: str) -> None:
        """Write it down for others."""
        if (here := self._here) is None:
            return
        path = self._project.folder / "exports" / f"{here.id}.{ending}"
        system_prompt = self._project.choices.chat.system_prompt
        if self._try(lambda: export_conversations([here], path, system_prompt)):
            self._say(_("Written to {path}.", path=path))

    def _try(self, what: Callable[[], object]) -> bool:
        try:
            what()
        except TunerError as error:
            self._say(" ".join(str(error).splitlines()))
            return False
        return True


def _line(conversation: Conversation) -> Content:
    number = sum(turn.role == "user" for turn in conversation.turns)
    model = one_line(conversation.model, 24)
    about = f"  {conversation.id[:10]}  {number} ? · {model}"
    return Content(f" {one_line(conversation.title, 44):44}") + Content.styled(about, "$foreground 60%")
