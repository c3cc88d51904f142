"""The app through its keys. Jobs here wait on an `Event`; real training has its own tests."""

import dataclasses
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import tiny_project
from textual.content import Content
from textual.events import Key
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, Static, TextArea

from tui_tuner.app import TunerApp
from tui_tuner.chat.conversation import new_conversation
from tui_tuner.chat.models import chat_models
from tui_tuner.export.proof_rows import Proof, ProofRow, keep_proof
from tui_tuner.models.model_files import write_provenance
from tui_tuner.project import Project, open_project
from tui_tuner.project_lock import project_lock
from tui_tuner.screens.chat_who import ModelsFound
from tui_tuner.screens.compared_prompt import ComparedPrompt
from tui_tuner.screens.comparison_view import ComparisonView
from tui_tuner.screens.progress_view import ProgressView
from tui_tuner.screens.welcome import Welcome
from tui_tuner.settings import Settings, load_settings
from tui_tuner.step_marks import step_marks
from tui_tuner.widgets.step_bar import StepBar, StepMark


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return tiny_project.make(tmp_path)


@asynccontextmanager
async def running_app(
    project: Project | None, step: str = "environment", size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[TunerApp, Pilot]]:
    app = TunerApp(project, Settings(last_step=step))
    try:
        async with app.run_test(size=size, notifications=True) as pilot:
            await pilot.pause()
            yield app, pilot
    finally:
        app.close()


class WaitingWork:
    """A job that runs until it is let go or asked to stop."""

    def __init__(self):
        self.began, self.go_on, self.stopped = threading.Event(), threading.Event(), threading.Event()

    def __call__(self, emit, stop):
        self.began.set()
        while not self.go_on.wait(0.01):
            if stop.requested:
                self.stopped.set()
                stop.check()


def start(app: TunerApp, step: str = "train") -> WaitingWork:
    work = WaitingWork()
    app.board.start(step, work, ProgressView(), on_engine=False)
    assert work.began.wait(10)
    return work


def notices(app: TunerApp) -> str:
    return "\n".join(notice.message for notice in app._notifications)


def marks_now(app: TunerApp) -> list[StepMark]:
    return step_marks(app.project, app.board, machine_is_ready=app.machine_is_ready)


async def test_it_opens_where_it_was_left_and_remembers(project):
    async with running_app(project, "dataset") as (app, pilot):
        assert app.current_step == "dataset"
        await pilot.press("5")
        assert app.current_step == "export"
    kept = load_settings()
    assert (kept.last_step, kept.last_project) == ("export", str(project.folder))


async def test_every_step_opens_and_moves_by_number_and_by_next_and_back(project):
    async with running_app(project) as (app, pilot):
        for number, step in enumerate(("environment", "dataset", "train", "compare", "export"), 1):
            await pilot.press(str(number))
            assert app.current_step == step
        await pilot.press("ctrl+n")
        assert app.current_step == "chat"
        await pilot.press("ctrl+n")
        assert app.current_step == "chat"
        # The composer has the focus: numbers are typed, moving still works.
        await pilot.press("3")
        assert (app.current_step, app.focused.text) == ("chat", "3")
        await pilot.press("ctrl+b")
        assert app.current_step == "export"


async def test_a_step_is_chosen_with_the_mouse(project):
    async with running_app(project) as (app, pilot):
        bar = app.screen.query_one(StepBar)
        await pilot.click(bar, offset=(36, 0))
        assert app.current_step == "train"
        await pilot.pause()  # closed while it is being put together, its fields miss their parts


async def test_the_step_bar_says_what_blocks(tmp_path):
    bare = tiny_project.make(tmp_path, data=False)
    async with running_app(bare) as (app, _pilot):
        marks = {mark.key: mark for mark in marks_now(app)}
        assert (marks["train"].state, marks["compare"].state) == ("blocked", "blocked")
        assert "dataset" in marks["train"].why
        start(app, "dataset")
        assert {mark.key: mark.state for mark in marks_now(app)}["dataset"] == "running"


async def test_leaving_a_step_never_stops_its_work(project):
    async with running_app(project, "train") as (app, pilot):
        work = start(app)
        await pilot.press("1", "5")
        assert app.board.running("train") and not work.stopped.is_set()
        work.go_on.set()
        app.board.jobs["train"].wait(10)


async def test_quitting_while_work_runs_asks_first(project):
    async with running_app(project, "train") as (app, pilot):
        work = start(app)
        await pilot.press("q")
        assert app.current_step is None
        await pilot.press("n")
        assert app.current_step == "train" and not work.stopped.is_set()
        await pilot.press("q", "y")
        await app.workers.wait_for_complete()
        assert work.stopped.is_set()
        assert app.return_code == 0


async def test_quitting_with_nothing_running_just_quits(project):
    async with running_app(project, "train") as (app, pilot):
        await pilot.press("q")
        await pilot.pause()
        assert not app.is_running


async def test_a_project_of_another_process_can_be_looked_at_only(project):
    with project_lock(project):
        async with running_app(project, "export") as (app, pilot):
            await pilot.press("4", "g")
            assert not app.board.all_running()
            assert "another tuner works on this project" in notices(app)
            assert not app.change_project(app.project)


async def test_two_heavy_jobs_do_not_run_at_once(project):
    async with running_app(project, "compare") as (app, pilot):
        work = WaitingWork()
        app.board.start("train", work, ProgressView())
        assert work.began.wait(10)
        assert app.screen.start_job(WaitingWork(), ProgressView()) is None
        await pilot.pause()
        assert "busy: training" in notices(app)
        work.go_on.set()


async def test_what_blocked_a_step_is_taken_back_when_another_step_has_mended_it(tmp_path):
    bare = tiny_project.make(tmp_path, data=False)
    async with running_app(bare, "train") as (app, pilot):
        verdict = app.screen.query_one("#verdict", Static)
        assert "dataset" in str(verdict.content)
        work = start(app, "dataset")
        tiny_project.write_data(bare)
        work.go_on.set()
        app.board.jobs["dataset"].wait()
        await pilot.pause(0.2)
        assert app.current_step == "train"
        assert str(verdict.content) == ""


async def test_the_questions_of_a_comparison_are_typed_where_the_key_leads(project):
    async with running_app(project, "compare") as (app, pilot):
        await pilot.press("e", *"Six?", "enter")
        await pilot.pause()
        assert app.project.choices.compare.prompts == ("Six?", "One?", "Two?")
        await pilot.press("escape", "5")
        assert app.current_step == "export"
        assert app.project.choices.compare.prompts == ("Six?", "One?", "Two?")


async def test_a_failed_job_is_shown_with_its_advice(project):
    async with running_app(project, "compare") as (app, pilot):
        await pilot.press("g")  # there is no tuned run
        await app.workers.wait_for_complete()
        app.board.jobs["compare"].wait(20)
        await pilot.pause(0.2)
        verdict = str(app.screen.query_one("#verdict", Static).content)
        assert "tuner train" in verdict or "Train" in verdict
        assert {mark.key: mark.state for mark in marks_now(app)}["compare"] == "failed"


async def test_a_setting_is_kept_at_once_and_a_mistake_is_not(project):
    async with running_app(project, "train") as (app, pilot):
        assert app.screen.shows_settings  # there is no run yet
        field = next(field for field in app.screen.query("#training Input").results(Input) if field.value == "6")
        field.focus()
        await pilot.press("end", "0")
        await pilot.pause()
        assert open_project(project.folder).choices.training.iters == 60
        await pilot.press("x")
        await pilot.press("escape", "g")
        await pilot.pause()
        assert open_project(project.folder).choices.training.iters == 60
        assert not app.board.all_running()


async def test_text_of_a_model_is_neither_markup_nor_a_command(project):
    async with running_app(project, "compare", size=(100, 30)) as (app, pilot):
        from tui_tuner.evaluation.events import AnswerEnded, AnswerStarted, ComparisonBegun

        view = ComparisonView()
        nasty = "[bold red]x[/] \x1b]52;c;aGk=\x07 [link=file:///etc/passwd]y[/link]"
        view.apply(ComparisonBegun(("base", "tuned"), (nasty, nasty), (nasty,), (nasty,)))
        for column in ("base", "tuned"):
            view.apply(AnswerStarted(0, 1, nasty, column))
            view.apply(AnswerEnded(0, column, nasty, 1, 1.0, 1.0, "stop"))
        app.screen._view = view
        app.screen.show()
        await pilot.pause()
        await pilot.pause()
        for part in app.screen.query_one(ComparedPrompt).query(Static):
            shown = part.content
            assert isinstance(shown, Content)
            assert "[bold red]x[/]" in shown.plain and "\x1b" not in shown.plain and "52;c" not in shown.plain


async def test_the_last_conversation_comes_back(project):
    conversation = new_conversation(project)
    conversation.ask("Where [b]were[/b] we?")
    async with running_app(project, "chat") as (app, _pilot):
        texts = [str(widget.content) for widget in app.screen.query("Spoken Static").results(Static)]
        assert "Where [b]were[/b] we?" in texts
        assert isinstance(app.focused, TextArea)


async def test_what_was_typed_before_enter_is_sent_whole(project):
    async with running_app(project, "chat") as (app, pilot):
        app.screen.on_models_found(ModelsFound(chat_models(project, Path(project.choices.model.name))))
        app.board.start("train", work := WaitingWork(), ProgressView(), on_engine=False)
        # A busy machine: all keys are there at once, Enter among them.
        for character in "one? two":
            app.post_message(Key({"?": "question_mark", " ": "space"}.get(character, character), character))
        app.post_message(Key("enter", "\r"))
        await pilot.pause()
        await pilot.pause()
        assert app.screen._sides[0].conversation.turns[0].content == "one? two"
        assert app.focused.text == ""
        work.go_on.set()


async def test_help_and_palette_are_drawn_from_the_same_table(project):
    async with running_app(project, "export") as (app, pilot):
        await pilot.press("question_mark")
        text = " ".join(str(widget.content) for widget in app.screen.query(Static).results(Static))
        assert "Make one model of base and adapter" in text
        await pilot.press("escape")
        assert app.current_step == "export"
        titles = [command.title for command in app.get_system_commands(app.screen)]
        assert {"Fuse", "Train", "Quit"} <= set(titles)


async def test_the_welcome_makes_a_project(tmp_path):
    async with running_app(None) as (app, pilot):
        await pilot.press("enter")
        field = app.screen.query_one(Input)
        field.value = str(tmp_path / "mine")
        await pilot.press("enter")
        await pilot.pause()
        assert app.project == open_project(tmp_path / "mine")
        assert app.current_step == "environment"


async def test_the_welcome_says_what_is_wrong_with_a_project(tmp_path):
    (tmp_path / "tuner.toml").write_text("[training]\niters = 0\n")
    async with running_app(None) as (app, pilot):
        await pilot.press("o")
        app.screen.query_one(Input).value = str(tmp_path)
        await pilot.press("enter")
        await pilot.pause()
        assert "tuner.toml:2" in str(app.screen.query_one("#hint", Static).content)
        assert app.project is None


async def test_without_a_project_only_the_environment_opens():
    async with running_app(None) as (app, pilot):
        await pilot.press("3")
        assert app.current_step != "train"
        await pilot.press("1")
        await pilot.pause()
        assert app.current_step == "environment"
        assert app.screen.query_one("#checks", OptionList).option_count > 5


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (40, 10), (20, 5)])
async def test_every_step_fits(project, size):
    async with running_app(project, size=size) as (app, pilot):
        for number in "123456":
            app.action_go_to(
                {"1": "environment", "2": "dataset", "3": "train", "4": "compare", "5": "export"}.get(number, "chat")
            )
            await pilot.pause()
            assert app.screen.size == size


async def test_another_project_takes_over_every_screen(project, tmp_path):
    other = tiny_project.make(tmp_path / "other", data=False)
    async with running_app(project, "train") as (app, pilot):
        await pilot.press("2", "3")
        before = [app.made_screen(key) for key in ("dataset", "train")]
        app.open(dataclasses.replace(other, name="other"), "train")
        await pilot.pause()
        assert app.project.folder == other.folder
        assert "other" in str(app.screen.query_one("#title", Static).content)
        assert {mark.key: mark.state for mark in marks_now(app)}["train"] == "blocked"
        await pilot.pause()
        assert not any(screen.is_running for screen in before)


async def test_moving_and_asking_leave_one_screen_under_everything(project):
    async with running_app(project) as (app, pilot):
        for key in ("2", "1", "2"):
            await pilot.press(key)
            assert len(app.screen_stack) == 1
        await pilot.press("ctrl+o")
        await pilot.pause()
        assert app.current_step is None
        await pilot.press("escape")
        await pilot.pause()
        assert (app.current_step, len(app.screen_stack)) == ("dataset", 1)


async def test_the_welcome_stays_until_something_is_chosen():
    async with running_app(None) as (app, pilot):
        await pilot.press("escape", "ctrl+n", "question_mark")
        assert isinstance(app.screen, Welcome)
        app.screen.action_choose("check")
        await pilot.pause()
        assert app.current_step == "environment"
        await pilot.press("ctrl+o")
        await pilot.pause()
        app.screen.action_choose("check")
        await pilot.pause()
        assert app.current_step == "environment"


async def test_the_proof_is_shown_after_a_restart(project):
    project.fused_model.mkdir(parents=True)
    (project.fused_model / "config.json").write_text("{}")
    write_provenance(project.fused_model, {"run": "run-7"})
    keep_proof(project.fused_model, Proof.of("fused model", [ProofRow("next tokens", "passed", "24 of 24 [b]same")]))
    async with running_app(project, "export") as (app, _pilot):
        name, row = str(app.screen.query_one("#proof", Static).content).splitlines()
        assert name.startswith("fused model")
        assert row.split() == ["✓", "next", "tokens", "24", "of", "24", "[b]same"]
        assert "run-7" in str(app.screen.query_one("#plan", Static).content)
