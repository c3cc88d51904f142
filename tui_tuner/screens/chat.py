"""A conversation with the base, the tuned, the fused or an Ollama model; or the same one with two of them."""

from __future__ import annotations

import dataclasses

from textual import events, work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import ContentSwitcher, Static

from tui_tuner.actions import actions_of
from tui_tuner.chat.context import ContextFull, TurnsLeftOut
from tui_tuner.chat.conversation import Conversation, new_conversation, new_path
from tui_tuner.chat.library import latest_conversation
from tui_tuner.chat.session import LEAVE_OUT
from tui_tuner.chat.talk import ReplyEnded, ReplyText
from tui_tuner.errors import TunerError
from tui_tuner.jobs import JobEnded
from tui_tuner.language import _
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Event, Notice
from tui_tuner.project import Project
from tui_tuner.screens.chat_choosing import ConversationList
from tui_tuner.screens.chat_sides import Sides
from tui_tuner.screens.chat_who import WhoTalks
from tui_tuner.screens.progress_view import ProgressView
from tui_tuner.screens.question import Question
from tui_tuner.widgets.composer import Composer
from tui_tuner.widgets.settings_form import SettingsForm

OWN = tuple(action.name for action in actions_of("chat"))


class ChatScreen(WhoTalks):
    """Turns above, the composer below, the model and the context in the line between; or the settings."""

    step = "chat"
    about = _(
        "Talk with your model over several turns. Enter sends, shift+enter (or ctrl+j) begins a new line, "
        "esc stops an answer. ctrl+t chooses who answers: the fused, tuned or base model, or one in Ollama; f4 has "
        "a second one answer beside it. Another answer (ctrl+r) keeps the one before it, and a question asked in other "
        "words (f2) goes on in a copy: nothing is lost. Conversations are kept in chats/."
    )

    DEFAULT_CSS = """
    ChatScreen {
        #state { height: 1; padding: 0 1; color: $text-muted; border-top: none; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._editing: int | None = None  # which question is asked in other words, 0 the last one

    # -- what is on the screen -----------------------------------------------------------------------------------------

    def face(self) -> ComposeResult:
        """Turns, state, composer."""
        yield Sides()
        yield Static(id="state", markup=False)
        yield Composer()

    def settings(self) -> ComposeResult:
        """How the chat answers."""
        yield self.heading(_("How the models answer; ctrl+s goes back to the conversation"))
        yield SettingsForm(self.choices.chat, id="chat")

    def on_mount(self) -> None:
        """Open the last conversation."""
        if self.project is not None:
            last = latest_conversation(self.project) or new_conversation(self.project)
            self.query_one(Sides).add(last, None)
        self.query_one(Composer).focus()

    def _open(self, conversation: Conversation) -> None:
        """Go on with another conversation, alone."""
        self._editing = None
        self.query_one(Sides).leave_second()
        for side in self._sides:
            side.go_on_with(conversation)
        self._say_state()
        self.query_one(Composer).focus()

    def show(self) -> None:
        """Draw the line between turns and composer."""
        self._say_state()

    def _say_state(self) -> None:
        parts = []
        if self.board.running(self.step):
            parts.append(_("answering, esc stops"))  # first: two long names of models fill the line
        if self._editing is not None:
            number = len(self._sides[0].questions) - self._editing
            parts.append(_("asking question {number} in other words, esc leaves", number=number))
        answering = " │ ".join(side.state for side in self._sides)
        parts.append(answering or _("no model here yet: fetch the base model in Environment"))
        self.query_one("#state", Static).update(Content(one_line(" · ".join(parts))))

    # -- asking --------------------------------------------------------------------------------------------------------

    def works_now(self, action: str) -> bool:
        """Stopping needs an answer that is being written; everything else needs that none is."""
        if action not in OWN:
            return super().works_now(action)
        running = self.board.running(self.step)
        settings = bool(self.query(ContentSwitcher)) and self.shows_settings
        return running if action == "stop" else action == "edit" or not (running or settings)

    def _may_ask(self) -> bool:
        if self.board.running(self.step):
            self.say(_("Wait for the answer, or stop it with esc."))
        elif not self._sides or any(side.model is None for side in self._sides):
            self.say(_("There is no model to talk with yet."))
        else:
            return True
        return False

    def on_composer_sent(self, message: Composer.Sent) -> None:
        """Ask."""
        if self.project is None or not self._may_ask():
            return
        try:
            if any(side.model and side.model.path.name for side in self._sides):
                self.board.engine.require_free()
            for side in self._sides:
                side.ask(message.text, instead_of=self._editing, path=new_path(self.project))
        except TunerError as error:
            self.tuner.complain(error)
            return
        self._editing = None
        self.query_one(Composer).clear()
        self._answer()

    def _answer(self, *, leave_out: bool = False) -> None:
        """Have the last question of each side answered, or answered again."""
        project = self.project_if_settings_are_good()
        if project is None:
            return
        choice = project.choices.chat
        if leave_out:
            choice = dataclasses.replace(choice, when_full=LEAVE_OUT)
        asked = [(side.model, side.conversation) for side in self._sides if side.model is not None]
        on_engine = any(model.path.name for model, _conversation in asked)
        for side in self._sides:
            side.turns.expect(side.model.label if side.model else "")
        self.say("")
        work = self.tuner.talk.reply_work(asked, choice)
        if self.start_job(work, ProgressView(), on_engine=on_engine) is None:
            for side in self._sides:
                side.turns.give_up()

    def action_again(self) -> None:
        """Have the last question answered once more."""
        if self._may_ask() and all(side.conversation.asked for side in self._sides):
            self._answer()

    def action_other(self) -> None:
        """Show the answer made before this one, and so on in turn."""
        took = [side.conversation.take_other() for side in self._sides]
        for side in self._sides:
            side.turns.open(side.conversation)
        if not any(took):
            self.say(_("There is only one answer; ctrl+r makes another one."))

    def action_revise(self) -> None:
        """Put the last question into the composer; again, the one before it."""
        questions = self._sides[0].questions if self._sides else []
        earlier = 0 if self._editing is None else self._editing + 1
        if earlier >= len(questions):
            self.say(_("There is no question before this one.") if questions else _("Nothing was asked yet."))
            return
        self._editing = earlier
        composer = self.query_one(Composer)
        composer.load_text(self._sides[0].conversation.turns[questions[earlier]].content)
        composer.move_cursor(composer.document.end)
        composer.focus()
        self._say_state()

    def on_composer_left(self) -> None:
        """Stop the answer, or leave the question that was to be asked in other words, or the composer."""
        if self.board.running(self.step):
            self.action_stop()
        elif self._editing is not None:
            self._editing = None
            self.query_one(Composer).clear()
            self._say_state()
        else:
            self.set_focus(None)

    # -- conversations -------------------------------------------------------------------------------------------------

    def action_clear(self) -> None:
        """Begin a new conversation; the old one is kept."""
        if self.project is not None:
            self._open(new_conversation(self.project))
            self.say(_("A new conversation. The old one is kept: ctrl+f finds it."))

    def action_branch(self) -> None:
        """Go on in a copy of this conversation."""
        if self.project is not None and self._sides:
            conversation = self._sides[0].conversation
            self._open(conversation.branch(len(conversation.turns), new_path(self.project)))
            self.say(_("A copy of the conversation; what follows goes into it alone."))

    def action_conversations(self) -> None:
        """Choose among the conversations there are."""
        project = self.project

        def chosen(conversation: Conversation | None) -> None:
            if conversation is not None:
                self._open(conversation)
            elif project is not None and not all(path.exists() for path in kept):
                self._open(new_conversation(project))  # it was deleted there

        here = [side.conversation for side in self._sides]
        kept = [one.path for one in here if one.path.exists()]
        if project is not None:
            self.app.push_screen(ConversationList(project, here), chosen)

    def action_keep(self) -> None:
        """Add the conversation to the dataset."""
        if self.project is None or not self._sides:
            return
        try:
            self.tuner.bench.require_own_project()
        except TunerError as error:
            self.tuner.complain(error)
            return
        self._keep(self.project, self._sides[0].conversation)

    @work(thread=True, group="keeping", description="adding to the dataset")
    def _keep(self, project: Project, conversation: Conversation) -> None:
        from tui_tuner.chat.to_dataset import keep_as_example

        try:
            added = keep_as_example(project, conversation)
        except TunerError as error:
            self.app.call_from_thread(self.tuner.complain, error)
        else:
            self.app.call_from_thread(self._say_kept, added)

    def _say_kept(self, added: bool) -> None:
        done = _("Added to the dataset. g in Dataset makes the training files anew.")
        self.say(done if added else _("It is in the dataset already."), tone="text-success")
        self.tuner.show_frames()

    def on_key(self, event: events.Key) -> None:
        """Enter begins to type where nothing has the focus."""
        if event.key == "enter" and self.focused is None and not self.shows_settings:
            self.query_one(Composer).focus()
            event.stop()

    def focus_body(self) -> None:
        """Type on."""
        self.query_one(Composer).focus()

    # -- what the job says ---------------------------------------------------------------------------------------------

    def heard(self, events: list[Event]) -> None:
        """Write the answers as they come."""
        for event in events:
            if isinstance(event, ReplyText | ReplyEnded) and event.place < len(self._sides):
                self._sides[event.place].take(event)
            elif isinstance(event, TurnsLeftOut):
                text = _("The context is full: the model no longer sees the first {number} turns.", number=event.number)
                self.say(text, tone="text-warning")
            elif isinstance(event, Notice):
                self.say(event.text, tone="text-warning")
        ended = self.board.ended(self.step)
        if ended is not None:
            self._end(ended)

    def _end(self, ended: JobEnded) -> None:
        for side in self._sides:
            side.turns.give_up()
        self._say_state()
        if self.board.jobs[self.step].stop_token.requested:
            self.say("")  # no longer stopping
        if ended.outcome == "done":
            return
        for side in self._sides:
            side.turns.open(side.conversation)  # an answer that was to be replaced is there again
        if ended.outcome == "stopped":
            return
        self.say_how_it_ended(ended)
        error = self.board.jobs[self.step].error
        if isinstance(error, ContextFull) and error.leaving_out_helps:
            text = _("{what}. Leave the oldest turns out? They stay in the conversation.", what=ended.message)
            question = Question(text, yes=_("leave them out"), no=_("no"))
            self.app.push_screen(question, lambda yes: self._answer(leave_out=True) if yes else None)


SCREEN = ChatScreen
