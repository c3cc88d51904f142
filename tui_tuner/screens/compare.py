"""Base and tuned model side by side, on the same questions."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static, TextArea

from tui_tuner import figures
from tui_tuner.errors import TunerError
from tui_tuner.evaluation.comparisons import list_comparisons, read_comparison
from tui_tuner.evaluation.events import Column
from tui_tuner.journey import comparison_work
from tui_tuner.language import _
from tui_tuner.plain_text import one_line, printable
from tui_tuner.progress import Event
from tui_tuner.screens.comparison_view import ComparisonView, Pair, Side
from tui_tuner.screens.settings_step import SettingsStep
from tui_tuner.widgets.settings_form import SettingsForm
from tui_tuner.widgets.stage_list import StageList

COLUMNS: tuple[Column, ...] = ("base", "tuned")


class PairView(Vertical):
    """A question and, next to each other, both answers."""

    DEFAULT_CSS = """
    PairView {
        height: auto; margin-bottom: 1;
        .question { padding: 0 1; color: $text-accent; text-style: bold; }
        Horizontal { height: auto; }
        .answer { width: 1fr; padding: 0 1; height: auto; }
        .tuned { border-left: solid $accent 60%; }
    }
    """

    def compose(self) -> ComposeResult:
        """Question, base, tuned."""
        yield Static(classes="question", markup=False)
        with Horizontal():
            for column in COLUMNS:
                yield Static(classes=f"answer {column}", markup=False)

    def __init__(self, pair: Pair) -> None:
        super().__init__()
        self._pair = pair

    def on_mount(self) -> None:
        """Draw what is known by now."""
        self.show(self._pair)

    def show(self, pair: Pair) -> None:
        """Draw the pair as far as it is; before the parts are there, only keep it."""
        self._pair = pair
        for question in self.query(".question").results(Static):
            question.update(Content(f"? {one_line(pair.prompt)}"))
        for column in COLUMNS:
            for answer in self.query(f".{column}").results(Static):
                answer.update(_answer(column, pair.sides[column]))


def _answer(column: Column, side: Side) -> Content:
    names = {"base": _("base"), "tuned": _("tuned")}
    head = Content.styled(names[column], "$foreground 65%")
    if side.figures:
        ended = side.figures
        cut = _(" · cut at the longest answer") if ended.finish == "length" else ""
        rate = f" · {ended.tokens} tok · {figures.count(round(ended.tokens_per_second))} tok/s"
        head += Content.styled(rate + cut, "$foreground 65%")
    cursor = "" if side.figures or not side.text else " ▌"
    return head + Content("\n" + printable(side.text).strip() + cursor)


class Questions(TextArea):
    """The questions, one a line. Tab goes on to the next field, Escape gives the keys back to the screen."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", _("leave the questions"))]

    def action_leave(self) -> None:
        """Give the keys back to the screen."""
        self.screen.set_focus(None)


class CompareScreen(SettingsStep):
    """Answers next to each other as they are written, or the questions."""

    step = "compare"
    about = _(
        "Asks the base model and your tuned model the same questions, with the same template, seed and sampling, "
        "and shows their answers next to each other. Without questions of your own it takes held-out ones. "
        "Every comparison is kept in the project's comparisons folder."
    )

    DEFAULT_CSS = """
    CompareScreen {
        #answers { height: 1fr; }
        StageList { display: none; }
        StageList.working { display: block; }
        #questions { height: 9; border: round $panel; margin: 0 1; }
        #empty { padding: 1 2; color: $text-muted; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._view: ComparisonView | None = None

    def face(self) -> ComposeResult:
        """Progress and the pairs."""
        yield StageList()
        with VerticalScroll(id="answers"):
            yield Static(id="empty", markup=False)

    def settings(self) -> ComposeResult:
        """The questions, one a line, and how they are answered."""
        yield self.heading(_("Questions, one a line; none takes held-out ones"))
        yield Questions("\n".join(self.choices.compare.prompts), id="questions", tab_behavior="focus")
        yield self.heading(_("Answers"))
        yield SettingsForm(self.choices.compare, only=("max_tokens", "temperature", "seed"), id="compare")

    def on_mount(self) -> None:
        """Show the running comparison, or the last one that was kept."""
        running = self.board.views.get(self.step)
        if isinstance(running, ComparisonView):
            self._view = running
        elif self.project:
            try:
                kept = list_comparisons(self.project)
                self._view = ComparisonView.of(read_comparison(kept[0]).answers) if kept else None
            except TunerError as error:
                self.tuner.complain(error)

    @on(TextArea.Changed)
    def keep_questions(self, event: TextArea.Changed) -> None:
        """Keep the questions in the project."""
        prompts = tuple(line.strip() for line in event.text_area.text.splitlines() if line.strip())
        if self.project is not None and prompts != self.project.choices.compare.prompts:
            choice = dataclasses.replace(self.project.choices.compare, prompts=prompts)
            self.tuner.change_project(self.project.with_choice("compare", choice))

    def show(self) -> None:
        """Draw every pair."""
        stages = self.query_one(StageList)
        stages.set_class(self.board.running(self.step), "working")
        empty = self.query_one("#empty", Static)
        view = self._view
        empty.display = view is None or not view.pairs
        if view is None or not view.pairs:
            running = self.board.running(self.step)
            empty.update(_("Loading both models…") if running else _("g asks both models the questions; e edits them."))
        if view is None:
            return
        for stage in view.stages.values():
            stages.apply(stage)
        self._show_pairs(view)

    def _show_pairs(self, view: ComparisonView) -> None:
        answers = self.query_one("#answers", VerticalScroll)
        shown = list(self.query(PairView))
        for surplus in shown[len(view.pairs) :]:
            surplus.remove()
        pairs = list(view.pairs.values())
        for pair, widget in zip(pairs, shown, strict=False):
            widget.show(pair)
        if fresh := [PairView(pair) for pair in pairs[len(shown) :]]:
            answers.mount_all(fresh)

    def action_start(self) -> None:
        """Ask both models."""
        project = self.project_if_settings_are_good()
        if project is None:
            return
        view = ComparisonView()
        if self.start_job(comparison_work(project), view) is not None:
            self._view = view
            self.query_one(StageList).clear()
            self.show_settings(False)
            self.query_one("#answers").focus()
            self.say("")
            self.show()

    def heard(self, events: list[Event]) -> None:
        """Follow the answers; say how it ended."""
        answers = self.query_one("#answers", VerticalScroll)
        if answers.is_vertical_scroll_end or answers.max_scroll_y == 0:
            self.call_after_refresh(answers.scroll_end, animate=False)
        ended = self.board.ended(self.step)
        if ended is None:
            return
        if ended.outcome == "done":
            self.say(_("Done and kept. ctrl+n: make one model of it in Export."), tone="text-success")
        else:
            self.say_how_it_ended(ended)


SCREEN = CompareScreen
