"""A conversation with the base, the tuned or the fused model."""

from __future__ import annotations

from typing import ClassVar

from textual import events, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Markdown, Static, TextArea

from tui_tuner import figures
from tui_tuner.chat.conversation import Conversation, Figures, list_conversations, new_conversation
from tui_tuner.chat.models import ChatModel, chat_models
from tui_tuner.chat.session import ReplyEnded
from tui_tuner.chat.talk import ReplyText
from tui_tuner.errors import TunerError
from tui_tuner.journey import base_model
from tui_tuner.language import _
from tui_tuner.plain_text import one_line, printable
from tui_tuner.progress import Event
from tui_tuner.project import Project
from tui_tuner.screens.progress_view import ProgressView
from tui_tuner.screens.step_screen import StepScreen


class ModelsFound(Message):
    """The models one can talk with; posted from the thread that looked."""

    def __init__(self, models: list[ChatModel]) -> None:
        super().__init__()
        self.models = models


class Composer(TextArea):
    """Where a question is typed: Enter sends it, Shift+Enter or Ctrl+J begins a new line."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", _("stop / leave"), show=False)]

    class Sent(Message):
        """A question."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    async def _on_key(self, event: events.Key) -> None:
        # Not a binding with priority: that would overtake letters still waiting in this widget's queue, and a question
        # typed fast on a busy machine would be sent without its end.
        if event.key not in ("enter", "shift+enter", "ctrl+j"):
            await super()._on_key(event)
            return
        event.stop()
        event.prevent_default()
        if event.key != "enter":
            self.insert("\n")
        elif text := self.text.strip():
            self.post_message(self.Sent(text))

    async def action_leave(self) -> None:
        """Stop the answer that is being written; otherwise give the keys back to the screen."""
        screen = self.screen
        if isinstance(screen, ChatScreen) and screen.board.running(screen.step):
            screen.action_stop()
        else:
            screen.set_focus(None)


class Spoken(Vertical):
    """One turn: who, what, and for a reply how fast."""

    DEFAULT_CSS = """
    Spoken { height: auto; padding: 0 1; margin-bottom: 1; }
    Spoken .who { color: $text-muted; }
    Spoken.user .who { color: $text-accent; text-style: bold; }
    Spoken Markdown { padding: 0; margin: 0; background: transparent; }
    Spoken Markdown > MarkdownBlock:last-child { margin-bottom: 0; }
    """

    def __init__(self, who: str, text: str = "", figures_: Figures | None = None, *, user: bool) -> None:
        super().__init__(classes="user" if user else "model")
        self._who, self._text, self._figures, self._user = who, text, figures_, user

    def compose(self) -> ComposeResult:
        """The name above what is said; a person's words as they are, a model's as Markdown."""
        yield Static(self._heading(), classes="who")
        if self._user:
            yield Static(Content(printable(self._text)))
        else:
            yield Markdown(printable(self._text), open_links=False)

    def _heading(self) -> Content:
        heading = Content(one_line(self._who))
        made = self._figures
        if made is None:
            return heading
        ends = {"length": _(" · cut at the longest answer"), "stopped": _(" · stopped")}
        text = _(
            " · {rate} tok/s · first after {first} s",
            rate=figures.count(round(made.tokens_per_second)),
            first=f"{made.seconds_to_first:.2f}",
        )
        return heading + Content.styled(text + ends.get(made.finish, ""), "$foreground 65%")

    def ended(self, made: Figures) -> None:
        """Say how fast it was."""
        self._figures = made
        self.query_one(".who", Static).update(self._heading())


class ChatScreen(StepScreen):
    """Turns above, the composer below, the model and the context in the line between."""

    step = "chat"
    about = _(
        "Talk with your model over several turns. Enter sends, shift+enter (or ctrl+j) begins a new line, "
        "esc stops an answer, ctrl+t takes the next model: fused, tuned or base. Conversations are kept in chats/."
    )

    DEFAULT_CSS = """
    ChatScreen {
        #turns { height: 1fr; }
        #state { height: 1; padding: 0 1; color: $text-muted; border-top: none; }
        Composer { height: auto; min-height: 3; max-height: 8; border: round $panel; margin: 0; }
        Composer:focus { border: round $accent; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._conversation: Conversation | None = None
        self._models: list[ChatModel] = []
        self._chosen = 0
        self._reply: Spoken | None = None
        self._tokens_so_far = 0

    # -- what is on the screen -----------------------------------------------------------------------------------------

    def body(self) -> ComposeResult:
        """Turns, state, composer."""
        yield VerticalScroll(id="turns", can_focus=False)
        yield Static(id="state", markup=False)
        composer = Composer(tab_behavior="focus", show_line_numbers=False)
        composer.cursor_blink = False
        yield composer

    def on_mount(self) -> None:
        """Open the last conversation."""
        self.query_one("#turns", VerticalScroll).anchor()
        if self.project is not None:
            kept = list_conversations(self.project)
            self._open(kept[0] if kept else new_conversation(self.project))
        self.query_one(Composer).focus()

    def on_screen_resume(self) -> None:
        """Look again which models are there: one may have been trained or fused meanwhile."""
        super().on_screen_resume()
        if self.project is not None:
            self._look_for_models(self.project)

    @work(thread=True, exclusive=True, group="models", description="looking for models")
    def _look_for_models(self, project: Project) -> None:
        self.post_message(ModelsFound(chat_models(project, base_model(project))))

    def on_models_found(self, message: ModelsFound) -> None:
        """Keep the chosen model if it is still there, otherwise take the best."""
        before = self._model.key if self._model else ""
        known = {model.key for model in self._models}
        self._models = message.models
        keys = [model.key for model in self._models]
        # A model that has just come to be is what one came back for.
        self._chosen = keys.index(before) if before in keys and set(keys) == known else 0
        self._say_state()

    @property
    def _model(self) -> ChatModel | None:
        return self._models[self._chosen] if self._models else None

    def _open(self, conversation: Conversation) -> None:
        self._conversation = conversation
        turns = self.query_one("#turns", VerticalScroll)
        turns.remove_children()
        for turn in conversation.turns:
            user = turn.role == "user"
            turns.mount(Spoken(_("you") if user else turn.model, turn.content, turn.figures, user=user))

    def show(self) -> None:
        """Draw the line between turns and composer."""
        self._say_state()

    def _say_state(self) -> None:
        model = self._model
        name = model.label if model else _("no model here yet: fetch the base model in Environment")
        tokens = (
            _(" · {tokens} tokens so far", tokens=figures.count(self._tokens_so_far)) if self._tokens_so_far else ""
        )
        running = _(" · answering, esc stops") if self.board.running(self.step) else ""
        self.query_one("#state", Static).update(Content(one_line(f"{name}{tokens}{running}")))

    # -- what a person does --------------------------------------------------------------------------------------------

    def works_now(self, action: str) -> bool:
        """Stopping needs an answer that is being written."""
        running = self.board.running(self.step)
        return {"stop": running, "clear": not running, "choose_model": not running}.get(action, True)

    def on_composer_sent(self, message: Composer.Sent) -> None:
        """Ask the model."""
        model, conversation, project = self._model, self._conversation, self.project
        if model is None or conversation is None or project is None or self.board.running(self.step):
            self.say(
                _("Wait for the answer, or stop it with esc.") if model else _("There is no model to talk with yet.")
            )
            return
        try:
            self.board.engine.require_free()
            conversation.ask(message.text)
        except TunerError as error:
            self.tuner.complain(error)
            return
        turns = self.query_one("#turns", VerticalScroll)
        turns.mount(Spoken(_("you"), message.text, user=True))
        self._reply = Spoken(model.label, user=False)
        turns.mount(self._reply)
        turns.anchor()
        self.query_one(Composer).clear()
        self.say("")
        self.start_job(self.tuner.talk.reply_work(model, conversation, project.choices.chat), ProgressView())

    def action_clear(self) -> None:
        """Begin a new conversation; the old one is kept."""
        if self.project is not None:
            self._tokens_so_far = 0
            self._open(new_conversation(self.project))
            self.say(_("A new conversation. The old one is kept in chats/."))
            self._say_state()
        self.query_one(Composer).focus()

    def action_choose_model(self) -> None:
        """Talk with the next model."""
        if self._models:
            self._chosen = (self._chosen + 1) % len(self._models)
            self._say_state()

    def on_key(self, event: events.Key) -> None:
        """Enter begins to type where nothing has the focus."""
        if event.key == "enter" and self.focused is None:
            self.query_one(Composer).focus()
            event.stop()

    # -- what the job says ---------------------------------------------------------------------------------------------

    def heard(self, events: list[Event]) -> None:
        """Write the answer as it comes."""
        text = "".join(event.text for event in events if isinstance(event, ReplyText))
        if text and self._reply is not None:
            self._write(self._reply, printable(text))
        for event in events:
            if isinstance(event, ReplyEnded) and self._reply is not None:
                self._reply.ended(event.figures)
                self._tokens_so_far = event.figures.prompt_tokens + event.figures.tokens
        ended = self.board.ended(self.step)
        if ended is not None:
            self._reply = None
            if ended.outcome == "failed":
                self.say_how_it_ended(ended)

    @work(group="writing", description="writing the answer")
    async def _write(self, reply: Spoken, text: str) -> None:
        if reply.is_mounted:
            await reply.query_one(Markdown).append(text)


SCREEN = ChatScreen
