"""What the Export screen knows of a job."""

from __future__ import annotations

from tui_tuner.export.proof_rows import Proof
from tui_tuner.jobs import Work
from tui_tuner.progress import Emit, Event, StopToken
from tui_tuner.screens.progress_view import ProgressView


class ExportView(ProgressView):
    """What is known of an export.

    Attributes:
        place: where it goes.
        proof: what was proved, once that is known.
        taken: that a model of that name is there already, in words.
    """

    def __init__(self, place: str) -> None:
        super().__init__()
        self.place = place
        self.proof: Proof | None = None
        self.taken = ""

    def apply(self, event: Event) -> None:
        """Take in one event."""
        super().apply(event)
        if isinstance(event, Proof):
            self.proof = event

    def noticing(self, work: Work) -> Work:
        """`work`, that notes where it fails for a name that is taken: then the person is asked."""

        def noted(emit: Emit, stop: StopToken) -> object:
            from tui_tuner.export.ollama_export import NameTaken

            try:
                return work(emit, stop)
            except NameTaken as taken:
                self.taken = f"{taken.where}: {taken.what}"
                raise

        return noted
