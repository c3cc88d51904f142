"""Is this machine ready? Every check with its finding, why it matters and its fix."""

from __future__ import annotations

from collections.abc import Sequence

from textual import work
from textual.app import ComposeResult
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui_tuner.choices import ModelChoice
from tui_tuner.environment.check import CHECKS, CheckDone, CheckResult, next_advice, ready
from tui_tuner.language import _
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Event, StopToken
from tui_tuner.screens.progress_view import ProgressView
from tui_tuner.screens.step_screen import StepScreen
from tui_tuner.widgets.stage_list import StageList

MARKS = {
    "ok": ("✓", "$text-success"),
    "warning": ("!", "$text-warning"),
    "missing": ("✗", "$text-error"),
    "not_applicable": ("–", "$foreground 65%"),
}


class ChecksNews(Message):
    """A check is done; posted from the checking thread."""

    def __init__(self, result: CheckResult) -> None:
        super().__init__()
        self.result = result


class ChecksEnded(Message):
    """All checks are done; posted from the checking thread."""

    def __init__(self, results: Sequence[CheckResult]) -> None:
        super().__init__()
        self.results = list(results)


class EnvironmentScreen(StepScreen):
    """A list of checks; below it what the selected one means and how to mend it."""

    step = "environment"
    about = _(
        "Looks at this machine: chip, memory, disk, MLX, the servers that can write data, the base model. "
        "Each check says why it matters; where something is missing, its fix is a command to copy, "
        "or to run with a key where that is safe."
    )

    DEFAULT_CSS = """
    EnvironmentScreen {
        OptionList { height: 1fr; min-height: 4; }
        #meaning { height: 5; border-top: solid $panel; padding: 0 1; }
        StageList { display: none; padding: 0 1; }
        StageList.working { display: block; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._results: dict[str, CheckResult] = {}
        self._checking = StopToken()

    def body(self) -> ComposeResult:
        """The list, the selected check's meaning, the running fix."""
        yield OptionList(id="checks")
        yield Static(id="meaning", markup=False)
        yield StageList()

    def on_mount(self) -> None:
        """List the checks and start them."""
        checks = self.query_one("#checks", OptionList)
        checks.add_options([Option(_row(key, name, None), id=key) for key, name in CHECKS])
        checks.highlighted = 0
        checks.focus()
        # What the checks import would otherwise hold up the first paint.
        self.set_timer(0.1, self.action_check)

    def action_check(self) -> None:
        """Run every check again."""
        self._checking.request()
        self._checking = StopToken()
        self.say(_("Checking…"))
        self._check(self._checking)

    @property
    def _model(self) -> ModelChoice:
        return self.project.choices.model if self.project else ModelChoice()

    @work(thread=True, group="checks", description="environment checks")
    def _check(self, stop: StopToken) -> None:
        from tui_tuner.environment.checks import run_checks

        project = self.project

        def hear(event: Event) -> None:
            if isinstance(event, CheckDone) and not stop.requested:
                self.post_message(ChecksNews(event.result))

        results = run_checks(
            self._model,
            engine=self.board.engine,
            emit=hear,
            stop=stop,
            folder=project.folder if project else None,
            ollama_url=project.choices.dataset.ollama_url if project else "",
        )
        if not stop.requested:
            self.post_message(ChecksEnded(results))

    def on_checks_news(self, message: ChecksNews) -> None:
        """Show one result as soon as it is known."""
        result = message.result
        self._results[result.key] = result
        checks = self.query_one("#checks", OptionList)
        checks.replace_option_prompt(result.key, _row(result.key, result.name, result))
        self._show_meaning()

    def on_checks_ended(self, message: ChecksEnded) -> None:
        """Say what all of it means."""
        passed = ready(message.results)
        self.tuner.machine_is_ready = passed
        advice = next_advice(message.results)
        self.say(advice, tone="text-success" if passed else "text-warning")
        self.show_frame()

    def on_option_list_option_highlighted(self) -> None:
        """Explain the selected check."""
        self._show_meaning()

    def on_option_list_option_selected(self) -> None:
        """Enter goes on to the next step."""
        self.tuner.action_next_step()

    def _selected(self) -> CheckResult | None:
        checks = self.query_one("#checks", OptionList)
        index = checks.highlighted
        key = checks.get_option_at_index(index).id if index is not None else None
        return self._results.get(key or "")

    def _show_meaning(self) -> None:
        result = self._selected()
        meaning = self.query_one("#meaning", Static)
        if result is None:
            meaning.update(Content(""))
            return
        lines = [Content(result.why)]
        if result.fix is not None and result.state in ("warning", "missing"):
            lines.append(Content.assemble((one_line(result.fix.command), "bold $text-accent")))
            keys = _("c copies it") + (" · " + _("x: {label}", label=result.fix.label) if result.fix.run else "")
            lines.append(Content.styled(keys, "$foreground 65%"))
        meaning.update(Content("\n").join(lines))

    def action_copy_fix(self) -> None:
        """Copy the selected check's fix."""
        result = self._selected()
        if result is None or result.fix is None:
            self.say(_("This check needs no fix."))
            return
        self.app.copy_to_clipboard(result.fix.command)
        self.say(_("Copied: {command}", command=result.fix.command), tone="text-success")

    def action_run_fix(self) -> None:
        """Run the selected check's fix."""
        from tui_tuner.environment.fixes import fix_work
        from tui_tuner.models.base_model import needs_engine

        result = self._selected()
        if result is None or result.fix is None or not result.fix.run:
            self.say(_("There is no fix that is safe to run from here."))
            return
        if self.project is not None:
            self.query_one(StageList).clear()
            dataset = self.project.choices.dataset
            fix = fix_work(
                result.fix.run,
                self._model,
                ollama_url=dataset.ollama_url,
                ollama_model=dataset.ollama_model,
            )
            # Most of it is downloads, which go on while something trains.
            on_engine = result.fix.run == "base_model" and needs_engine(self._model)
            self.start_job(fix, ProgressView(), on_engine=on_engine)
        else:
            self.say(_("Open or make a project first."), tone="text-warning")

    def action_choose_model(self) -> None:
        """Choose the base model; check again when that is done."""
        self.choose_base_model(self.action_check)

    def show(self) -> None:
        """Draw the fix that runs."""
        view = self.board.views.get(self.step)
        stages = self.query_one(StageList)
        stages.set_class(self.board.running(self.step), "working")
        if isinstance(view, ProgressView):
            for event in view.stages.values():
                stages.apply(event)

    def heard(self, events: list[Event]) -> None:
        """Check again when a fix has ended."""
        ended = self.board.ended(self.step)
        if ended is None:
            return
        if ended.message:
            self.say_how_it_ended(ended)
        if ended.outcome == "done":
            self.action_check()


def _row(key: str, name: str, result: CheckResult | None) -> Content:
    mark, colour = MARKS[result.state] if result else ("·", "$foreground 65%")
    finding = one_line(result.finding) if result else _("checking…")
    quiet = result is None or result.state == "not_applicable"
    return Content.assemble(
        (f" {mark} ", f"bold {colour}"), (f"{name:<17}", ""), (finding, "$foreground 65%" if quiet else "")
    )


SCREEN = EnvironmentScreen
