"""Reading, accepting, rejecting and editing the examples."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from textual.app import SuspendNotSupported

from tui_tuner import figures
from tui_tuner.dataset.examples import Example
from tui_tuner.dataset.review import Review
from tui_tuner.dataset.review_rows import FollowUpRow, ReviewRow
from tui_tuner.errors import TunerError
from tui_tuner.language import _, ngettext
from tui_tuner.models.prompts import Message as Turn
from tui_tuner.plain_text import one_line, printable
from tui_tuner.project import Project
from tui_tuner.screens.review_tokens import ReviewTokens
from tui_tuner.step_work import dataset_needs_engine
from tui_tuner.widgets.review_list import ReviewList

if TYPE_CHECKING:
    from tui_tuner.app import TunerApp


class ReviewScreen(ReviewTokens):
    """What a person does with the examples: each decision is on the disk at once and can be undone.

    Args:
        project: whose examples.
        tuner: the app, whose jobs and MLX thread another answer needs.
    """

    def __init__(self, project: Project, tuner: TunerApp) -> None:
        super().__init__(project)
        self._tuner = tuner
        self._came_from = ""  # the near duplicate from which one went to what it repeats

    # -- one -----------------------------------------------------------------------------------------------------------

    def action_decide(self, verdict: Literal["accept", "reject"]) -> None:
        """Accept or reject the example under the cursor, and go on to the next one."""
        row = self._current()
        if row is None or self._review is None:
            return
        try:
            self._review.decide(row.name, verdict)
        except TunerError as error:
            self.complain(error)
            return
        # With a filter the next one comes up by itself.
        self._take_decisions([row.name], self.query_one(ReviewList).cursor + (not self._wanted.standing))
        self.say(_what_follows(self._table.rows[row.name], verdict))

    def action_undo(self) -> None:
        """Take back what was decided last, one or many."""
        if self._review is None:
            return
        try:
            names = self._review.undo()
        except TunerError as error:
            self.complain(error)
            return
        if not names:
            self.say(_("There is nothing to undo."))
            return
        self._take_decisions(names, names[0])
        self.say(ngettext("Undone.", "Undone for {number:,} examples.", len(names)))

    # -- many ----------------------------------------------------------------------------------------------------------

    def action_mark(self) -> None:
        """Mark the example under the cursor, or take its mark away, and go on to the next one."""
        row = self._current()
        if row is not None:
            self._table.marked ^= {row.name}
            rows = self.query_one(ReviewList)
            self._draw(rows.cursor + 1)

    def action_decide_many(self, verdict: Literal["accept", "reject"]) -> None:
        """Accept or reject the marked examples, or all in sight, after one question."""
        if self._selection_going is not None or self._reading:
            self.say(_("Wait a moment: not all of them have been read yet."))
            return
        names = self._table.to_decide()
        if not names:
            return
        parts = [self._question_about(verdict, len(names)), self._seen(), _("One undo (u) takes all of them back.")]
        from tui_tuner.screens.question import Question

        def answered(yes: bool | None) -> None:
            if yes:
                self._decide_many(names, verdict)

        text = "\n".join(part for part in parts if part)
        yes = _("Accept") if verdict == "accept" else _("Reject")
        self.app.push_screen(Question(text, yes=yes, no=_("Leave them")), answered)

    def _question_about(self, verdict: Literal["accept", "reject"], number: int) -> str:
        count = figures.count(number)
        if self._table.marked and verdict == "accept":
            return ngettext("Accept the marked example?", "Accept the {number} marked examples?", number, number=count)
        if self._table.marked:
            return ngettext("Reject the marked example?", "Reject the {number} marked examples?", number, number=count)
        if verdict == "accept":
            return ngettext(
                "Accept the one example in sight?", "Accept all {number} examples in sight?", number, number=count
            )
        return ngettext(
            "Reject the one example in sight?", "Reject all {number} examples in sight?", number, number=count
        )

    def _seen(self) -> str:
        """What those in sight have in common; nothing where all are, or where marks say which are meant."""
        if self._table.marked:
            return ""
        parts = (self._wanted.standing, self._wanted.origin, self._wanted.words.strip())
        return ", ".join(one_line(part, 40) for part in parts if part)

    def _decide_many(self, names: Sequence[str], verdict: Literal["accept", "reject"]) -> None:
        if self._review is None:
            return
        try:
            self._review.decide_together(names, verdict)
        except TunerError as error:
            self.complain(error)
            return
        self._table.marked.clear()
        self._take_decisions(names, self.query_one(ReviewList).cursor)
        done = _("Accepted") if verdict == "accept" else _("Rejected")
        self.say(
            ngettext(
                "{done}: {number:,} example; u undoes it.",
                "{done}: {number:,} examples; u undoes it for all of them.",
                len(names),
                done=done,
            )
        )

    # -- its text ------------------------------------------------------------------------------------------------------

    def action_edit(self) -> None:
        """Change its words here."""
        row, review = self._current(), self._review
        if row is None or review is None:
            return
        from tui_tuner.screens.review_editing import EditScreen

        def keep(messages: Sequence[Turn]) -> None:
            self._keep_edit(review, row, messages, row.example.source)

        self.app.push_screen(EditScreen(row.to_edit.messages, keep))

    def action_edit_outside(self) -> None:
        """Open the example in the person's own editor."""
        row = self._current()
        if row is None or self._review is None:
            return
        from tui_tuner.screens.review_editing import edited_in_editor

        try:
            with self.app.suspend():
                messages = edited_in_editor(row)
            if messages is None:
                self.say(_("Nothing was changed."))
                return
            self._keep_edit(self._review, row, messages, row.example.source)
        except SuspendNotSupported:
            self.say(_("This terminal cannot be lent to an editor."), "$text-error")
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            self.say(_("Not kept: {error}", error=error), "$text-error")
        except TunerError as error:
            self.complain(error)

    def _keep_edit(self, review: Review, row: ReviewRow, messages: Sequence[Turn], source: str) -> None:
        review.decide(row.edited_as, "edit", messages, source)
        self._take_decisions([row.edited_as], row.edited_as)
        self.say(_("Edited; u undoes it."))

    def action_another_answer(self) -> None:
        """Ask the chosen teacher once more for its last answer."""
        row, review = self._current(), self._review
        if row is None or review is None:
            return
        tuner = self._tuner
        if tuner.board.running("dataset"):
            self.say(_("The dataset is being written: wait until it is done, or stop it first (s in its step)."))
            return
        if dataset_needs_engine(self._project):
            try:
                tuner.engine.require_free()
                tuner.engine.submit(tuner.talk.let_go)  # a model that was talked with gives its memory
            except TunerError as error:
                self.complain(error)
                return
        from tui_tuner.screens.another_answer import AnotherAnswerScreen

        def answered(example: Example | None) -> None:
            if example is not None:
                self._take_edit(review, row, example)

        self.app.push_screen(AnotherAnswerScreen(self._project, tuner.board, row.to_edit), answered)

    def _take_edit(self, review: Review, row: ReviewRow, example: Example) -> None:
        try:
            self._keep_edit(review, row, example.messages, example.source)
        except ValueError as error:
            self.say(_("Not kept: {error}", error=error), "$text-error")
        except TunerError as error:
            self.complain(error)

    def action_tokens(self) -> None:
        """Show the example under the cursor as the model gets it."""
        row = self._current()
        if row is not None:
            from tui_tuner.screens.learning import LearningScreen

            self.app.push_screen(LearningScreen(self._project, row.example))

    def action_copy(self) -> None:
        """Copy the example to the clipboard, as it reads."""
        row = self._current()
        if row is not None:
            turns = (f"{message['role']}: {printable(message['content'])}" for message in row.example.messages)
            self.app.copy_to_clipboard("\n\n".join(turns))
            self.say(_("Copied."))

    def action_likeness(self) -> None:
        """Go from a near duplicate to the example it repeats, and back."""
        row = self._current()
        if row is None:
            return
        if isinstance(row, FollowUpRow):
            self._came_from = row.name
            self._go_to(row.of)
            self.say(_("This is its conversation; d goes back."))
        elif row.like in self._table.rows:
            self._came_from = row.name
            self._go_to(row.like)
            self.say(_("This is the one it repeats; d goes back."))
        elif self._came_from:
            self._go_to(self._came_from)
            self._came_from = ""
        elif row.reason == "near_duplicate":
            self.say(_("It repeats a seed example, or its training files are older: g in the Dataset step says anew."))
        else:
            self.say(_("It was not set aside as a near duplicate."))

    def _go_to(self, name: str) -> None:
        """Put the cursor on a row, also where search or filter leave it out."""
        place = self._table.place_of(name)
        if place is None:
            self.action_show_all(name)
        else:
            self.query_one(ReviewList).cursor = place


def _what_follows(row: ReviewRow, verdict: Literal["accept", "reject"]) -> str:
    """What was decided about one, and what will come of it."""
    if verdict == "reject":
        done = _("Rejected")
    elif not row.learned:
        return _("Accepted, but its conversation was rejected or edited, and that goes before: d goes there.")
    elif isinstance(row, FollowUpRow) and not row.refused.answer:
        return _("Accepted; u undoes it. Its answer is asked for at the next start (g) of the Dataset step.")
    else:
        done = _("Accepted")
    return _("{done}; u undoes it. The training files follow at the next start (g) of this step.", done=done)
