"""A conversation as it is read: one widget for each turn, the replies in Markdown, thoughts folded away."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Collapsible, Markdown, Static

from tui_tuner import figures
from tui_tuner.language import _, ngettext
from tui_tuner.models.thinking import without_thoughts
from tui_tuner.plain_text import one_line, printable
from tui_tuner.widgets.short_tables import with_short_tables

if TYPE_CHECKING:
    from tui_tuner.chat.conversation import Conversation, Figures, Turn

DRAWN_PART = 3  # times as long as a draw took, everything else has before the next one


class Spoken(Vertical):
    """One turn: who, what, and for a reply how fast.

    Args:
        who: whose turn it is.
        turn: what is said; None for a reply that is about to come.
        user: whether a person speaks.
    """

    DEFAULT_CSS = """
    Spoken { height: auto; padding: 0 1; margin-bottom: 1; }
    Spoken .who { color: $text-muted; }
    Spoken.user .who { color: $text-accent; text-style: bold; }
    Spoken.left-out { opacity: 60%; }
    Spoken Markdown { padding: 0; margin: 0; background: transparent; }
    Spoken Markdown > MarkdownBlock:last-child { margin-bottom: 0; }
    Spoken Collapsible {
        display: none; padding: 0; border: none; background: transparent;
        &.-some { display: block; }
        & > Contents { padding: 0 0 0 2; color: $foreground 70%; }
    }
    """

    def __init__(self, who: str, turn: Turn | None, *, user: bool) -> None:
        super().__init__(classes="user" if user else "model")
        self._who, self._user = who, user
        self._figures = turn.figures if turn else None
        self._broken_off = turn is not None and not user and turn.figures is None  # the program ended meanwhile
        self._others = len(turn.others) if turn else 0
        self._text = turn.content if turn else ""
        self._thoughts, self._said = "", self._text
        self._drawn = self._drawn_text = ""  # what the Markdown has, and what of the text that is
        self._can_draw = self._draws = False

    def compose(self) -> ComposeResult:
        """The name above what is said; a person's words as they are, a model's as Markdown."""
        yield Static(self._heading(), classes="who")
        if self._user:
            yield Static(Content(printable(self._text)))
            return
        self._take_apart()
        with Collapsible(title=self._thoughts_title(), collapsed=True, classes="-some" if self._thoughts else ""):
            yield Static(Content(printable(self._thoughts)), classes="thoughts")
        self._drawn = with_short_tables(self._said)
        yield Markdown(printable(self._drawn), open_links=False)

    def on_mount(self) -> None:
        """Draw what has come since it was put together."""
        self._can_draw = True
        self._draw_heading()
        self._draw_soon()

    @property
    def is_empty(self) -> bool:
        """Whether nothing has come of it yet."""
        return not self._text

    def _heading(self) -> Content:
        parts = []
        if self._figures:
            made = self._figures
            parts.append(_("{rate} tok/s", rate=figures.count(round(made.tokens_per_second))))
            parts.append(_("first after {first} s", first=f"{made.seconds_to_first:.2f}"))
            parts += [made.cut_short] if made.cut_short else []
        elif self._broken_off:
            parts.append(_("broken off"))
        if self._others:
            parts.append(_("answer {number}", number=self._others + 1))
        return Content(one_line(self._who)) + Content.styled("".join(f" · {part}" for part in parts), "$foreground 65%")

    def _thoughts_title(self) -> str:
        return ngettext("thought for {number:,} word", "thought for {number:,} words", len(self._thoughts.split()))

    def write(self, piece: str) -> None:
        """Add a piece of the reply; one that comes before there is anything to draw on is drawn with the first."""
        self._text += piece
        self._draw_soon()

    def _draw_soon(self) -> None:
        if self._can_draw and self.is_attached and not self._draws and not self._user:
            self._draws = True
            self._draw()

    @work(group="writing", description="writing the answer")
    async def _draw(self) -> None:
        try:
            while self._drawn_text != self._text:
                began = time.monotonic()
                await self._draw_now()
                # A long table or block of code takes a while to draw, and another token comes meanwhile: keys go first.
                await asyncio.sleep(DRAWN_PART * (time.monotonic() - began))
        finally:
            self._draws = False

    def _take_apart(self) -> None:
        """What there is of the text by now, as it is about to be drawn."""
        self._drawn_text = self._text
        self._thoughts, self._said = without_thoughts(self._text)

    async def _draw_now(self) -> None:
        self._take_apart()
        if self._thoughts:
            self.query_one(".thoughts", Static).update(Content(printable(self._thoughts)))
            folded = self.query_one(Collapsible)
            folded.title = self._thoughts_title()
            folded.add_class("-some")
        before, self._drawn = self._drawn, with_short_tables(self._said)
        if not self._drawn.startswith(before):
            await self.query_one(Markdown).update(printable(self._drawn))
        elif len(self._drawn) > len(before):
            await self.query_one(Markdown).append(printable(self._drawn[len(before) :]))

    def end(self, made: Figures, others: int) -> None:
        """Say how fast it was, and how many replies the question had before."""
        self._figures, self._others = made, others
        if self._can_draw and self.is_attached:
            self._draw_heading()

    def _draw_heading(self) -> None:
        self.query_one(".who", Static).update(self._heading())


class Turns(VerticalScroll):
    """A conversation, the last turn in sight."""

    DEFAULT_CSS = """
    Turns { width: 1fr; height: 1fr; }
    Turns .seen-from-here { color: $text-warning; padding: 0 1; margin-bottom: 1; }
    """

    def __init__(self) -> None:
        super().__init__(can_focus=False)
        self._reply: Spoken | None = None

    def on_mount(self) -> None:
        """Stay at the end as it grows."""
        self.anchor()

    def open(self, conversation: Conversation) -> None:
        """Show another conversation, or the same one anew."""
        self._reply = None
        self.remove_children()
        for place, turn in enumerate(conversation.turns):
            if place == conversation.left_out and place:
                self.mount(Static(_("The model sees the conversation from here on."), classes="seen-from-here"))
            user = turn.role == "user"
            spoken = Spoken(_("you") if user else turn.model, turn, user=user)
            spoken.set_class(place < conversation.left_out, "left-out")
            self.mount(spoken)
        self.anchor()

    def add(self, question: Turn) -> None:
        """Add a question."""
        self.mount(Spoken(_("you"), question, user=True))

    def expect(self, who: str) -> None:
        """Make room for the reply that is about to come; one that stands at the end goes."""
        last = self.children[-1] if self.children else None
        if isinstance(last, Spoken) and last.has_class("model"):
            last.remove()
        self._reply = Spoken(who, None, user=False)
        self.mount(self._reply)
        self.anchor()

    def end(self, made: Figures, others: int) -> None:
        """The reply is whole."""
        if self._reply is not None:
            self._reply.end(made, others)
        self._reply = None

    def give_up(self) -> None:
        """Nothing more will come; an empty reply goes."""
        if self._reply is not None and self._reply.is_empty:
            self._reply.remove()
        self._reply = None

    def write(self, piece: str) -> None:
        """Add a piece to the reply that is coming."""
        if self._reply is not None:
            self._reply.write(piece)
