"""What the model answered to the same few prompts after each evaluation: step by step, so that one sees it change."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tui_tuner.language import _
from tui_tuner.plain_text import one_line, printable
from tui_tuner.training.events import SampleAnswered
from tui_tuner.training.history import RunHistory


class Answers(Vertical):
    """Shows the answers after one evaluation, the newest until another one is chosen."""

    DEFAULT_CSS = """
    Answers {
        height: 1fr;
        .which { height: 1; padding: 0 1; }
        VerticalScroll { height: 1fr; padding: 0 1; }
        .texts { height: auto; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._history = RunHistory()
        self._chosen: int | None = None  # after which step; None follows the newest

    def compose(self) -> ComposeResult:
        """Which evaluation, and below it the prompts with their answers."""
        yield Static(classes="which", markup=False)
        with VerticalScroll(can_focus=False):
            yield Static(classes="texts", markup=False)

    def show(self, history: RunHistory) -> None:
        """Draw the answers of this run."""
        if history is not self._history:
            self._history, self._chosen = history, None
        steps = self._steps()
        if not steps:
            self.query_one(".which", Static).update("")
            text = _("No answers. The training setting 'samples' says how many questions are asked.")
            self.query_one(".texts", Static).update(Content.styled(text, "$foreground 70%"))
            return
        step = self._chosen if self._chosen in steps else steps[-1]
        place = steps.index(step)
        self.query_one(".which", Static).update(self._which(steps, place))
        before = self._answers(steps[place - 1]) if place else {}
        texts = [_answered(sample, before.get(sample.place)) for sample in self._answers(step).values()]
        self.query_one(".texts", Static).update(Content("\n\n").join(texts))

    def _which(self, steps: Sequence[int], place: int) -> Content:
        step = steps[place]
        about = _("before training") if step == 0 else _("after step {step:,}", step=step)
        loss = dict(self._history.valid).get(step)
        held_out = "" if loss is None else _(" · held-out loss {loss:.3f}", loss=loss)
        arrows = ("← " if place else "  ") + f"{place + 1}/{len(steps)}" + (" →" if place + 1 < len(steps) else "  ")
        return Content.assemble((f"{arrows}  ", "$foreground 70%"), (about, "bold"), (held_out, "$foreground 70%"))

    def _steps(self) -> list[int]:
        return sorted({sample.iteration for sample in self._history.samples})

    def _answers(self, step: int) -> dict[int, SampleAnswered]:
        return {sample.place: sample for sample in self._history.samples if sample.iteration == step}

    def move(self, by: int) -> None:
        """Show the evaluation so many further on, or back where below 0; the last one follows the newest again."""
        steps = self._steps()
        if steps:
            here = steps.index(self._chosen) if self._chosen in steps else len(steps) - 1
            place = min(max(here + by, 0), len(steps) - 1)
            self._chosen = None if place == len(steps) - 1 else steps[place]
            self.show(self._history)

    def scroll(self, by: int) -> None:
        """Move the text by so many lines."""
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)


def _answered(sample: SampleAnswered, before: SampleAnswered | None) -> Content:
    """A prompt and its answer; words the answer before did not have at this place are marked."""
    old = before.answer if before is not None and before.prompt == sample.prompt else None
    pieces = [(text, "$accent" if new else "") for text, new in changed_words(old, printable(sample.answer).strip())]
    end = [(" …", "$foreground 70%")] if sample.cut else []
    return Content.assemble((f"? {one_line(sample.prompt)}\n", "$foreground 70%"), *pieces, *end)


def changed_words(before: str | None, now: str) -> Iterator[tuple[str, bool]]:
    """`now` in pieces, each with whether it is new against `before`; without a `before` nothing is."""
    if before is None:
        yield now, False
        return
    old, new = re.findall(r"\S+", before), re.findall(r"\s*\S+", now)
    matcher = difflib.SequenceMatcher(None, old, [word.strip() for word in new], autojunk=False)
    for what, _old_begin, _old_end, begin, end in matcher.get_opcodes():
        if begin < end:
            yield "".join(new[begin:end]), what != "equal"
