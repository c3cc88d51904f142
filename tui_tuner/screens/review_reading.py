"""Reading the examples of the review while it is already there: the first rows at once, the others after them."""

from __future__ import annotations

import contextlib
import gc
import threading
import time
from collections.abc import Iterator, Sequence

from textual import work
from textual.message import Message
from textual.worker import get_current_worker

from tui_tuner.dataset.plan import REVIEW, way_of_answering
from tui_tuner.dataset.review import Review
from tui_tuner.dataset.review_rows import ReviewRow
from tui_tuner.dataset.reviewing import review_slices
from tui_tuner.errors import TunerError
from tui_tuner.language import _
from tui_tuner.project import Project
from tui_tuner.screens.review_face import ReviewFace
from tui_tuner.widgets.review_list import ReviewList

PATIENCE = 0.1  # seconds between two looks whether the screen is still there
BETWEEN_DRAWINGS = 0.25  # seconds, while more rows are read: drawing costs more than reading


class RowsRead(Message):
    """Some of the examples, posted from the thread that reads them; the first ones come with the decisions.

    Attributes:
        taken: is set when they have been taken in, and more may come.
    """

    def __init__(self, rows: Sequence[ReviewRow], review: Review) -> None:
        super().__init__()
        self.rows, self.review = rows, review
        self.taken = threading.Event()


class ReadingEnded(Message):
    """All have been read, or could not be."""

    def __init__(self, error: TunerError | None = None) -> None:
        super().__init__()
        self.error = error


class ReviewReading(ReviewFace):
    """Reads the rows of the review on a thread of its own.

    Args:
        project: whose examples.
    """

    def __init__(self, project: Project) -> None:
        super().__init__(project)
        self._drawn = 0.0

    def on_mount(self) -> None:
        """Read the files once the screen is there: while both are under way, keys wait for both."""
        self.call_after_refresh(self._read)

    def on_unmount(self) -> None:
        """What is not needed any more may be thrown away again."""
        gc.unfreeze()

    @work(thread=True, exclusive=True, group="reading", description="reading the examples")
    def _read(self) -> None:
        worker, data = get_current_worker(), self._project.data
        try:
            review = Review(data / REVIEW)
            # A copy: the screen's thread decides while this one still reads.
            decisions = dict(review.decisions)
            choice = self._project.choices.dataset
            with _nothing_thrown_away():
                for rows in review_slices(data, decisions, way_of_answering(choice), choice.turns_learned):
                    message = RowsRead(rows, review)
                    self.post_message(message)
                    # Both threads need the interpreter: one that reads on meanwhile only makes keys wait for it.
                    while not message.taken.wait(PATIENCE):
                        if worker.is_cancelled:
                            return
                gc.freeze()
        except TunerError as error:
            self.post_message(ReadingEnded(error))
        else:
            self.post_message(ReadingEnded())

    def on_rows_read(self, message: RowsRead) -> None:
        """Show what has been read."""
        first = self._review is None
        self._review = message.review
        self._table.add(message.rows)
        # What was undone since the reading began may be about one of these.
        decisions = message.review.decisions
        stale = [row.name for row in message.rows if row.decision is not decisions.get(row.name)]
        self._table.take_decisions(stale, decisions)
        now = time.perf_counter()
        if first or now > self._drawn + BETWEEN_DRAWINGS:
            self._drawn = now
            self._draw(self.query_one(ReviewList).cursor)
            self.call_after_refresh(message.taken.set)
        else:
            message.taken.set()

    def on_reading_ended(self, message: ReadingEnded) -> None:
        """Put in order what came last, or say why there is nothing to see."""
        self._reading = False
        if message.error is not None:
            self.complain(message.error)
        elif not self._table.rows:
            self.say(_("There are no examples yet: write some with g in the Dataset step."))
        row = self._current()
        self._select(self._wanted, row.name if row else 0)


@contextlib.contextmanager
def _nothing_thrown_away() -> Iterator[None]:
    """Without looking for garbage: all that is read stays, and looking through it takes a third longer.

    What has been read is frozen before this ends: the first look through it held everything up for a tenth of a second.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()
