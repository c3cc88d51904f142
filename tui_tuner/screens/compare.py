"""Base, tuned and other models side by side, on the same questions."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static, TextArea

from tui_tuner.errors import TunerError
from tui_tuner.evaluation.comparisons import Comparison
from tui_tuner.evaluation.kept_comparisons import newest_comparison, read_comparison
from tui_tuner.language import _
from tui_tuner.plain_text import one_line, printable
from tui_tuner.progress import Event
from tui_tuner.screens.compared_prompts import ComparedPrompts
from tui_tuner.screens.comparison_list import ComparisonList
from tui_tuner.screens.comparison_view import ComparisonView
from tui_tuner.screens.settings_step import SettingsStep
from tui_tuner.screens.voting import Voting
from tui_tuner.screens.who_answers import WhoAnswers
from tui_tuner.screens.who_judges import WhoJudges
from tui_tuner.step_work import comparison_work
from tui_tuner.widgets.chosen_line import ChosenLine
from tui_tuner.widgets.settings_form import SettingsForm
from tui_tuner.widgets.stage_list import StageList


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
        "Asks the base model, your tuned model and whom else you choose the same questions, with the same template, "
        "seed and sampling, and shows their answers next to each other. Without questions of your own it takes "
        "held-out ones. Every comparison is kept in the project's comparisons folder."
    )

    DEFAULT_CSS = """
    CompareScreen {
        StageList { display: none; }
        StageList.working { display: block; }
        #questions { height: 6; border: round $panel; margin: 0 1; }
        #verdicts { height: auto; max-height: 4; padding: 0 1; text-style: bold; display: none; }
        #figures { height: auto; padding: 0 1; margin-bottom: 1; color: $foreground 80%; display: none; }
        #verdicts.-there, #figures.-there { display: block; }
        #empty { padding: 1 2; color: $text-muted; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._view: ComparisonView | None = None

    def face(self) -> ComposeResult:
        """Progress and the answers."""
        yield StageList()
        yield Static(id="verdicts", markup=False)
        yield ComparedPrompts(Static(id="figures", markup=False), Static(id="empty", markup=False), id="answers")

    def settings(self) -> ComposeResult:
        """The questions, one a line, and how they are answered."""
        yield self.heading(_("Questions, one a line; none takes held-out ones"))
        yield Questions("\n".join(self.choices.compare.prompts), id="questions", tab_behavior="focus")
        yield self.heading(_("Answers"))
        yield ChosenLine(_("who answers"), self.choices.compare.columns, id="who")
        yield ChosenLine(_("judge"), [self.choices.compare.judge or _("nobody")], id="judge")
        shown = ("prompts_file", "held_out", "losses", "max_tokens", "temperature", "seed", "thinking")
        yield SettingsForm(self.choices.compare, only=shown, id="compare")

    def on_mount(self) -> None:
        """Show the running comparison, or the last one that was kept."""
        running = self.board.views.get(self.step)
        if isinstance(running, ComparisonView):
            self._view = running
        elif self.project:
            try:
                kept = newest_comparison(self.project)
                self._view = ComparisonView.of(kept) if kept else None
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
        """Draw every question."""
        stages = self.query_one(StageList)
        stages.set_class(self.board.running(self.step), "working")
        empty = self.query_one("#empty", Static)
        view = self._view
        empty.display = view is None or not view.begun
        if empty.display:
            running = self.board.running(self.step)
            names = ", ".join(one_line(name, 40) for name in self.choices.compare.columns)
            waiting = _("g asks {names} the questions; w chooses others, e edits the questions.", names=names)
            empty.update(Content(_("Loading the models…") if running else waiting))
        if view is None:
            return
        for stage in view.stages.values():
            stages.apply(stage)
        self.query_one(ComparedPrompts).show(view, running=self.board.running(self.step))
        for name, lines in (("verdicts", view.summed.verdicts), ("figures", view.summed.table)) if view.summed else ():
            self.query_one(f"#{name}", Static).update(Content(printable("\n".join(lines))))
        for part in self.query("#verdicts, #figures"):
            part.set_class(view.summed is not None, "-there")

    def action_part(self, by: int) -> None:
        """Show the questions before, or those after."""
        answers = self.query_one(ComparedPrompts)
        answers.part = max(answers.part + by, 0)
        answers.scroll_home(animate=False)
        self.show()

    def action_start(self) -> None:
        """Ask everybody."""
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

    @on(ChosenLine.Wanted, "#who")
    def action_who(self) -> None:
        """Choose who answers, from a list."""
        if self.project is None:
            return
        from tui_tuner.chat.models import ollama_url

        def chosen(columns: tuple[str, ...] | None) -> None:
            if columns and self.project is not None and columns != self.project.choices.compare.columns:
                choice = dataclasses.replace(self.project.choices.compare, columns=columns)
                self.tuner.change_project(self.project.with_choice("compare", choice))
                self.query_one("#who", ChosenLine).show_names(columns)
                self.show()

        columns = self.project.choices.compare.columns
        self.app.push_screen(WhoAnswers(self.project, columns, ollama_url(self.project)), chosen)

    @on(ChosenLine.Wanted, "#judge")
    def action_judge(self) -> None:
        """Choose who says which answer is better, from a list."""
        if self.project is None:
            return

        def chosen(judge: str | None) -> None:
            if judge is not None and self.project is not None and judge != self.project.choices.compare.judge:
                choice = dataclasses.replace(self.project.choices.compare, judge=judge)
                self.tuner.change_project(self.project.with_choice("compare", choice))
                self.query_one("#judge", ChosenLine).show_names([judge or _("nobody")])
                self.say(_("g has it judged; answers that are there are not asked for again.") if judge else "")
                self.show()

        self.app.push_screen(WhoJudges(self.project), chosen)

    def action_earlier(self) -> None:
        """Show a comparison that was kept, chosen from all."""
        if self.project is None:
            return

        def chosen(kept: Comparison | None) -> None:
            if kept is not None:
                self._view = ComparisonView.of(kept)
                self.show_settings(False)
                self.query_one(ComparedPrompts).part = 0
                self.action_part(0)

        self.app.push_screen(ComparisonList(self.project), chosen)

    def action_vote(self) -> None:
        """Vote blindly on what is shown, or on the newest comparison."""
        try:
            kept = self._shown_comparison()
            if kept is None:
                self.say(_("There is nothing to vote on yet; g asks the questions."))
                return
            self.tuner.bench.require_own_project()  # a vote is written into the comparison
        except TunerError as error:
            self.tuner.complain(error)
            return

        def ended(_nothing: None) -> None:
            self._view = ComparisonView.of(kept)
            self.show()

        self.app.push_screen(Voting(kept), ended)

    def _shown_comparison(self) -> Comparison | None:
        if self._view is not None and self._view.kept is not None:
            return read_comparison(self._view.kept)
        return newest_comparison(self.project) if self.project else None

    def works_now(self, action: str) -> bool:
        """While answers come, they are what is shown."""
        if action in ("earlier", "vote", "who", "judge"):
            return not self.board.running(self.step)
        return super().works_now(action)

    def heard(self, events: list[Event]) -> None:
        """Follow the answers; say how it ended."""
        answers = self.query_one(ComparedPrompts)
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
