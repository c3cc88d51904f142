"""How much of a conversation a model in Ollama can hold, and whether it really read all of it.

Nobody but the model's own tokenizer knows how many tokens a text has, but there are bounds. A token is at least a
byte, and hardly any tokenizer lets one reach over a space between two words. An older Ollama knows no `truncate: false`
and drops the oldest turns of an overlong conversation without a word. Where the tokens it says it has read leave room
for a turn more, none was dropped; where they are fewer than the conversation can have at least, some was. Still older
ones do not count what was in memory from the request before: then a small count is no proof until that was emptied.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui_tuner.errors import TeacherRefused
from tui_tuner.language import _
from tui_tuner.teachers.server_errors import TooLong
from tui_tuner.teachers.teacher import Request

if TYPE_CHECKING:
    from tui_tuner.models.prompts import Message
    from tui_tuner.teachers.ollama import ChatReply

USUAL = 4096  # tokens of prompt and answer together
STEP = 2048
ROOM_FOR_TEMPLATE, ROOM_FOR_TURN = 256, 16  # tokens
USUAL_BYTES_OF_TOKEN = 3  # at least, of most texts
LONGEST_TOKEN = 20  # letters of one word


@dataclass
class Context:
    """The context of one model on one server, in tokens.

    Attributes:
        limit: the most the model can hold; None where nobody says.
        size: what is asked for. Only ever grows: each change makes the server load the model again.
        held: the longest conversation, by the most tokens it can have, that was read whole.
        cut: the shortest one that was cut for certain.
        counts: whether the server says what it has read; one that does not even with an empty memory says nothing.
    """

    limit: int | None = None
    size: int = USUAL
    held: int = 0
    cut: int | None = None
    counts: bool = True

    def __post_init__(self) -> None:
        self.size = self._within_limit(self.size)

    def make_room(self, request: Request) -> None:
        """Grow so that `request` and its answer fit, as most texts are.

        Raises:
            TooLong: it cannot fit into the model, whatever its tokenizer.
        """
        if self.limit is not None and least_tokens(request) >= self.limit:
            raise TooLong(
                _("the conversation has at least {tokens} tokens", tokens=least_tokens(request)),
                advice=_advice(self.limit),
            )
        prompt = _bytes(request) // USUAL_BYTES_OF_TOKEN + ROOM_FOR_TEMPLATE
        self.size = max(self.size, self._within_limit(_rounded(prompt + request.max_tokens)))

    def grow(self, request: Request) -> bool:
        """Double the room, up to what `request` and its answer can have at most; False where it is there already."""
        before = self.size
        most = _rounded(most_tokens(request) + request.max_tokens)
        self.size = max(before, self._within_limit(min(2 * before, most)))
        return self.size > before

    def took_all(self, request: Request, reply: ChatReply, size: int) -> bool:
        """Whether the model has read all of `request`, asked with a context of `size`, beyond reasonable doubt."""
        if self.cut_short(request, reply, size):
            return False
        most = most_tokens(request)
        # Where nobody says what the model can hold, the server may have taken a smaller context than it was asked for.
        fits = most <= size and (self.limit is not None or reply.prompt_tokens == 0)
        # A turn is dropped only where it had no room; the last one, and the system's, never are.
        droppable = [_bytes_of(turn) for turn in request.messages[:-1] if turn["role"] != "system"]
        had_room = reply.prompt_tokens + max(droppable, default=0) + ROOM_FOR_TURN <= size
        if fits or most <= self.held or had_room:
            self.held = max(self.held, most)
            return True
        return False

    def cut_short(self, request: Request, reply: ChatReply, size: int) -> bool:
        """Whether what the server counted says that it cut `request`, or that it had the rest in memory already."""
        read = reply.prompt_tokens
        if read >= size or read + reply.tokens > size:
            return True  # full: what was first is gone
        most = most_tokens(request)
        if most <= self.held or (most <= size and (self.limit is not None or read == 0)):
            return False
        return read < least_tokens(request) and (read > 0 or self.counts)

    def refusal(self, request: Request, read: int) -> TeacherRefused:
        """What to say of a `request` that was cut for certain; later ones as long need no second look."""
        most = most_tokens(request)
        self.cut = most if self.cut is None else min(self.cut, most)
        what = _(
            "the server cut off the conversation without a word: it has read {read} tokens of at least {least}",
            read=read,
            least=least_tokens(request),
        )
        return TooLong(what, advice=_advice(self.size))

    def surely_cuts(self, request: Request) -> bool:
        """Whether a conversation no longer than `request` was cut before."""
        return self.cut is not None and most_tokens(request) >= self.cut

    def _within_limit(self, tokens: int) -> int:
        return tokens if self.limit is None else min(tokens, self.limit)


def least_tokens(request: Request) -> int:
    """Tokens the conversation has at least. System turns do not count: some models' templates leave them out."""
    turns = (message["content"] for message in request.messages if message["role"] != "system")
    return sum(-(-len(word) // LONGEST_TOKEN) for turn in turns for word in turn.split())


def most_tokens(request: Request) -> int:
    """Tokens the conversation has at most, with its template."""
    return _bytes(request) + ROOM_FOR_TEMPLATE + ROOM_FOR_TURN * len(request.messages)


def _bytes(request: Request) -> int:
    return sum(_bytes_of(message) for message in request.messages)


def _bytes_of(message: Message) -> int:
    return len(message["content"].encode(errors="replace"))


def _rounded(tokens: int) -> int:
    return -(-tokens // STEP) * STEP


def _advice(tokens: int) -> str:
    return _(
        "The model holds {tokens} tokens. Show it less (a shorter style, fewer or shorter examples or passages), "
        "or take a model with a longer context.",
        tokens=tokens,
    )
