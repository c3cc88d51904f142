"""All training runs of a project: drawn over each other, compared, named, noted, shared, deleted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from textual import work
from textual.message import Message
from textual.widgets import Input, OptionList

from tui_tuner.errors import TunerError, UsageError
from tui_tuner.language import _
from tui_tuner.run_uses import comparisons_with, delete_run, uses_of
from tui_tuner.screens.plot_board import PlotBoard
from tui_tuner.screens.run_lines import MOST_RUNS
from tui_tuner.screens.runs_face import NAME, RunsFace
from tui_tuner.training.run_names import read_note, rename_run, require_adapter, write_note
from tui_tuner.training.run_report import REPORT, write_report
from tui_tuner.training.runs import RunSummary
from tui_tuner.used_run import use_run

Writing = Literal["name", "note"]


class ReportDone(Message):
    """The page about a run is written, or why not; posted from the thread that wrote it."""

    def __init__(self, path: Path, problem: TunerError | None) -> None:
        super().__init__()
        self.path, self.problem = path, problem


class RunsScreen(RunsFace):
    """What a person does with the runs. Whatever changes a run's folder needs the project for itself."""

    _writing: tuple[Writing, RunSummary] | None = None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Most of it needs a run."""
        return bool(self._runs) or action in ("help", "leave")

    # -- choosing ------------------------------------------------------------------------------------------------------

    def action_draw(self) -> None:
        """Draw the run under the cursor with the others, or not; then go on to the next."""
        run = self.current
        if run is None:
            return
        if run.name in self._chosen:
            self._chosen.remove(run.name)
        elif len(self._chosen) >= MOST_RUNS:
            self.say(_("{number} runs are drawn, which is as many as can be told apart.", number=MOST_RUNS))
            return
        else:
            self._chosen.append(run.name)
        self.say("")
        place = self.query_one("#runs", OptionList).highlighted or 0
        names = [summary.name for summary in self._sorted]
        self._here = names[min(place + 1, len(names) - 1)]
        self.show_list()

    def on_option_list_option_selected(self) -> None:
        """Open it."""
        if self.current is not None:
            self.dismiss(self.current.name)

    def action_sort(self, backwards: bool = False) -> None:
        """Sort by the next column, or turn the order round."""
        if backwards:
            self._backwards = not self._backwards
        else:
            keys = ["", *(column.key for column in self._columns)]
            self._sorted_by = keys[(keys.index(self._sorted_by) + 1) % len(keys)] if self._sorted_by in keys else ""
        column = next((column.title for column in self._columns if column.key == self._sorted_by), _("when they began"))
        self.say(_("sorted by {column}", column=column))
        self.show_list()

    def action_look(self, how: str) -> None:
        """Change which part of which plot is seen, and how: see `PlotBoard.look`."""
        if how == "full":
            self.toggle_class("-full")
        else:
            self.query_one(PlotBoard).look(how)

    # -- comparing and sharing -----------------------------------------------------------------------------------------

    def action_compare(self) -> None:
        """Put the drawn runs, or all, side by side."""
        from tui_tuner.screens.run_compare import RunCompareScreen

        names = self._chosen if len(self._chosen) > 1 else [run.name for run in self._sorted]
        self.app.push_screen(RunCompareScreen([self._project.runs / name for name in names]))

    def action_report(self) -> None:
        """Write a page about the run, to share."""
        if self.current is not None:
            self.say(_("Writing the page about {run}…", run=self.current.name))
            self._write_report(self.folder(self.current))

    @work(thread=True, group="report", description="writing a page about a run")
    def _write_report(self, run: Path) -> None:
        problem = None
        try:
            write_report(run, run / REPORT)
        except TunerError as error:
            problem = error
        self.post_message(ReportDone(run / REPORT, problem))

    def on_report_done(self, message: ReportDone) -> None:
        """Say where it is."""
        if message.problem is not None:
            self._complain(message.problem)
            return
        self.app.copy_to_clipboard(str(message.path))
        self.say(_("Written, and its path copied: {path}", path=message.path), "text-success")

    # -- changing ------------------------------------------------------------------------------------------------------

    def action_write(self, what: Writing) -> None:
        """Ask for another name, or for a note."""
        run = self.current
        if run is None:
            return
        self._writing = (what, run)
        field = self.query_one("#written", Input)
        field.value = run.name if what == "name" else run.note
        field.placeholder = _("what it is called from now on") if what == "name" else _("a note; nothing takes it away")
        field.add_class("shown")
        field.focus()
        words = {"run": run.name}
        asked = _("New name of {run}:", **words) if what == "name" else _("Note about {run}:", **words)
        self.say(_("{what} enter keeps it, escape leaves it as it is.", what=asked))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep what was written."""
        event.stop()
        writing, text = self._writing, event.value
        self._put_away()
        if writing is None:
            return
        what, run = writing
        if what == "name":
            self._change(run, lambda: self._rename(run, text.strip()))
        else:
            self._change(run, lambda: self._note(run, text))

    def _put_away(self) -> None:
        self._writing = None
        self.query_one("#written", Input).remove_class("shown")
        self.query_one("#runs", OptionList).focus()
        self.say("")

    def _rename(self, run: RunSummary, name: str) -> None:
        self._leave_alone_what_is_used(run)
        rename_run(self._project, self.folder(run), name)
        self._chosen[:] = [name if other == run.name else other for other in self._chosen]
        self._here = name
        text = _("{name} is called {new} now.", name=run.name, new=name)
        if count := comparisons_with(self._project, run.name):
            text += " " + _("Comparisons that still say {name}: {count}.", count=count, name=run.name)
        self.say(text, "text-success")

    def _note(self, run: RunSummary, text: str) -> None:
        write_note(self.folder(run), text)
        kept = read_note(self.folder(run))
        self.say(_("The note is kept.") if kept else _("The note is gone."), "text-success")

    def action_use(self) -> None:
        """Have the later steps use this run; the latest one is what they use anyway."""
        if self.current is not None:
            run = self.current
            self._change(run, lambda: self._use(run))

    def _use(self, run: RunSummary) -> None:
        require_adapter(self.folder(run))
        use_run(self._project.runs, run.name)
        self.say(_("Compare, Export and Chat use {name}.", name=run.name), "text-success")

    def action_delete(self) -> None:
        """Take the run away, after a question that says who uses it."""
        run = self.current
        if run is None:
            return
        try:
            self._leave_alone_what_is_used(run)
        except TunerError as error:
            self._complain(error)
            return
        from tui_tuner.screens.question import Question

        def answered(yes: bool | None) -> None:
            if yes:
                self._change(run, lambda: self._delete(run))

        asked = _("Delete {run}, with its adapter and checkpoints, for good?", run=run.name)
        text = "\n".join([asked, *uses_of(self._project, self.folder(run))])
        self.app.push_screen(Question(text, yes=_("Delete it"), no=_("Keep it")), answered)

    def _delete(self, run: RunSummary) -> None:
        self._leave_alone_what_is_used(run)
        delete_run(self.folder(run))
        self.say(_("{run} is deleted.", run=run.name))

    def _leave_alone_what_is_used(self, run: RunSummary) -> None:
        """Refuse where work goes on that writes into the run's folder or reads from it."""
        self._tuner.bench.require_own_project()
        board = self._tuner.board
        trained = getattr(getattr(board.views.get("train"), "history", None), "run", "")
        uses = [key for key in ("compare", "export", "chat") if board.running(key)]
        if board.running("train") and trained in ("", run.name):
            uses.append("train")
        if uses:
            names = ", ".join(board.jobs[key].name for key in uses)
            raise UsageError(_("{run} may be in use", run=run.name), advice=_("Stop this first: {names}", names=names))

    def _change(self, run: RunSummary, do: Callable[[], None]) -> None:
        """Do it if the project is this process's; then look again what there is."""
        try:
            self._tuner.bench.require_own_project()
            do()
        except TunerError as error:
            self._complain(error)
        self._stories.pop(run.name, None)
        self.look_again()

    def _complain(self, error: TunerError) -> None:
        self.say(". ".join(part.rstrip(".") for part in (error.what, error.advice) if part) + ".", "text-error")

    # -- leaving -------------------------------------------------------------------------------------------------------

    def action_help(self) -> None:
        """Show every key."""
        from tui_tuner.screens.help import HelpScreen

        about = _(
            "Every run of this project, with the settings in which they differ (≠; bold where a run is unlike most). "
            "Those you draw with space are over each other in the plots, here and on the dashboard: training losses "
            "smoothed, held-out ones as marks. ● is the run whose adapter Compare, Export and Chat use."
        )
        self.app.push_screen(HelpScreen(NAME, about, _("Runs")))

    def action_leave(self) -> None:
        """Leave what was being written; then the screen."""
        if self._writing is not None:
            self._put_away()
        else:
            self.dismiss(None)
