"""Sorting the review: by what its texts are and, once somebody asks, by the base model's tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from textual import work
from textual.message import Message
from textual.timer import Timer

from tui_tuner.dataset.examples import Example
from tui_tuner.dataset.review_order import ORDERS
from tui_tuner.errors import Stopped, TunerError
from tui_tuner.journey import required_base_model
from tui_tuner.language import _
from tui_tuner.progress import StopToken
from tui_tuner.project import Project
from tui_tuner.screens.review_reading import ReadingEnded, ReviewReading
from tui_tuner.widgets.review_list import ReviewList

PATIENCE = 0.5  # seconds before it is counted: whoever goes on to the next order does not want to know


class TokensCounted(Message):
    """The tokens of some rows, by name; posted from the thread that counts them."""

    def __init__(self, tokens: dict[str, int]) -> None:
        super().__init__()
        self.tokens = tokens


class CountingEnded(Message):
    """All have been counted, or could not be."""

    def __init__(self, error: TunerError | None = None) -> None:
        super().__init__()
        self.error = error


class ReviewTokens(ReviewReading):
    """Sorts the review; tokens are counted while a person reads, and only once they are to be seen.

    Args:
        project: whose examples, and whose base model.
    """

    def __init__(self, project: Project) -> None:
        super().__init__(project)
        self._counting: StopToken | None = None
        self._to_count = 0
        self._waiting: Timer | None = None

    def on_unmount(self) -> None:
        """Nobody looks any more: stop counting."""
        if self._counting is not None:
            self._counting.request()

    def action_order(self) -> None:
        """Sort by the next thing."""
        order = ORDERS[(ORDERS.index(self._wanted.order) + 1) % len(ORDERS)]
        self._select(replace(self._wanted, order=order), 0)
        self._count_soon()

    def _count_soon(self) -> None:
        """Count what is not counted yet where it is sorted by that; in a moment, and where nothing is counted now."""
        if self._waiting is not None:
            self._waiting.stop()
        self._waiting = self.set_timer(PATIENCE, self._count) if self._wanted.order == "tokens" else None

    def _count(self) -> None:
        rows = self._table.without_tokens()
        if self._counting is None and not self._reading and rows:
            self._counting, self._to_count = StopToken(), len(rows)
            self._count_in_thread([(row.name, row.example) for row in rows], self._counting)
            self._show_counts()

    @work(thread=True, group="tokens", description="counting tokens")
    def _count_in_thread(self, conversations: Sequence[tuple[str, Example]], stop: StopToken) -> None:
        from tui_tuner.dataset.review_tokens import count_tokens

        def take(tokens: dict[str, int]) -> None:
            self.post_message(TokensCounted(tokens))

        try:
            count_tokens(self._project, required_base_model(self._project), conversations, take=take, stop=stop)
        except Stopped:
            pass
        except TunerError as error:
            self.post_message(CountingEnded(error))
        else:
            self.post_message(CountingEnded())

    def on_tokens_counted(self, message: TokensCounted) -> None:
        """Take them in; they are sorted when all are there."""
        self._table.take_tokens(message.tokens)
        self._to_count -= len(message.tokens)
        self._show_counts()

    def on_counting_ended(self, message: CountingEnded) -> None:
        """Sort by what has been counted, or say why it could not be."""
        self._counting = None
        if message.error is not None:
            self.complain(message.error)
            self._show_counts()
        elif self._wanted.order == "tokens":
            row, at_first = self._current(), self.query_one(ReviewList).cursor == 0
            self._select(self._wanted, 0 if at_first or row is None else row.name)
        else:
            self._draw(self.query_one(ReviewList).cursor)

    def on_reading_ended(self, message: ReadingEnded) -> None:
        """Count those that came last."""
        self._count_soon()

    def _take_decisions(self, names: Sequence[str], cursor: int | str) -> None:
        """Count those that were edited."""
        super()._take_decisions(names, cursor)
        self._count_soon()

    def _under_way(self) -> list[str]:
        counting = [_("counting tokens, {left:,} left…", left=self._to_count)] if self._counting is not None else []
        return [*super()._under_way(), *counting]
