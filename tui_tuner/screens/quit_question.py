"""Asked before quitting while work runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType

from tui_tuner.language import _
from tui_tuner.screens.question import Question


class QuitQuestion(Question):
    """Says what runs; returns True to stop it with everything kept and quit.

    Args:
        running: the jobs, as a person reads them.
    """

    BINDINGS: ClassVar[list[BindingType]] = [("q,ctrl+q", "answer(True)", _("stop and quit"))]

    def __init__(self, running: Sequence[str]) -> None:
        text = _(
            "Still running: {names}.\nQuitting stops it; everything done so far is kept and can be resumed.",
            names=", ".join(running),
        )
        super().__init__(text, yes=_("Stop and quit"), no=_("Go on"))
