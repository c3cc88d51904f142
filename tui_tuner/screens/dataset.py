"""Writing the training set: what it is about, who writes it, and the examples as they arrive."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.message import Message
from textual.widgets import RichLog, Static

from tui_tuner.dataset.state import dataset_state
from tui_tuner.language import _
from tui_tuner.progress import Event
from tui_tuner.screens.dataset_doors import DatasetDoors
from tui_tuner.screens.dataset_text import lines_of, summary
from tui_tuner.screens.dataset_view import DatasetView
from tui_tuner.screens.settings_step import SettingsStep
from tui_tuner.step_work import dataset_needs_engine, dataset_work
from tui_tuner.widgets.settings_form import SettingsForm
from tui_tuner.widgets.stage_list import StageList
from tui_tuner.widgets.teacher_list import TeacherList

if TYPE_CHECKING:
    from tui_tuner.teachers.teacher_choice import TeacherChoice

FIELDS = (
    "topic",
    "audience",
    "instructions",
    "questions_per_passage",
    "turns",
    "opening_phrases",
    "unfinished_endings",
    "style",
    "answer_beginning",
    "max_tokens",
    "temperature",
    "valid_fraction",
    "test_fraction",
    "format",
    "seed",
    "url",
)


class TeachersFound(Message):
    """Who could write the data; posted from the thread that looked."""

    def __init__(self, teachers: Sequence[TeacherChoice]) -> None:
        super().__init__()
        self.teachers = list(teachers)


class DatasetScreen(SettingsStep, DatasetDoors):
    """Settings with the teachers that are there, or the work with the latest examples."""

    step = "dataset"
    about = _(
        "Lets a model on this computer write questions about your topic, or about documents you have imported (i), and "
        "answer them; these are the examples your model will learn from. Every finished example is on the disk before "
        "the next one is asked for, so you may stop at any time. The questions are in data/instructions.json, which "
        "you may edit."
    )

    DEFAULT_CSS = """
    DatasetScreen {
        #summary { height: auto; padding: 0 1; color: $text-muted; }
        #latest {
            height: 1fr; border-top: solid $panel; padding: 0 1; background: transparent; scrollbar-gutter: stable;
        }
        #teachers { height: auto; max-height: 6; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._shown = 0
        self._shown_view: DatasetView | None = None
        self._teachers: list[TeacherChoice] = []
        self._kept: DatasetView | None = None  # what an earlier session wrote

    # -- what is on the screen -----------------------------------------------------------------------------------------

    def face(self) -> ComposeResult:
        """Stages, a line of counts, the latest examples."""
        yield StageList()
        yield Static(id="summary", markup=False)
        yield RichLog(id="latest", markup=False, highlight=False, wrap=True, min_width=20, max_lines=400)

    def settings(self) -> ComposeResult:
        """What the examples are about, and who writes them."""
        yield self.heading(_("Teacher: enter takes one, space adds another to write in turn, u gets one"))
        yield TeacherList(id="teachers")
        yield self.heading(_("Examples"))
        yield SettingsForm(self.choices.dataset, only=FIELDS, id="dataset")
        yield self.heading(_("Checks: what does not pass is set aside with its reason"))
        yield SettingsForm(self.choices.quality, id="quality")

    def on_mount(self) -> None:
        """Show the settings where nothing has been written yet."""
        self._look_around()
        if self.project and not self.board.running(self.step):
            state = dataset_state(self.project)
            self.show_settings(state.answers == 0 and not state.train)
            self._kept = DatasetView.of(self.project)
            if not self.choices.dataset.topic and self.shows_settings:
                self.query_one("#settings Input").focus()

    def _look_around(self) -> None:
        self._look_for_teachers(self.choices.model.name, self.choices.dataset.urls)

    def after_getting_a_model(self, brought: bool | None) -> None:
        """Look again who is there, with the list in sight."""
        if brought:
            self._look_around()
            self.show_settings()
            self.query_one(TeacherList).focus()

    def after_importing(self, brought: bool | None) -> None:
        """Put in sight what there is now."""
        if brought:
            self.show_settings(False)
            self.focus_body()
            self.show()
            self.say(_("Imported: g writes what is missing, v shows every example."), tone="text-success")

    @work(thread=True, exclusive=True, group="teachers", description="looking for teachers")
    def _look_for_teachers(self, model: str, urls: tuple[str, ...]) -> None:
        from tui_tuner.teachers.choosing import available_teachers  # here, so that the screen does not wait for it

        self.post_message(TeachersFound(available_teachers(model, urls)))

    def on_teachers_found(self, message: TeachersFound) -> None:
        """List who is there."""
        self._teachers = message.teachers
        self._list_teachers()

    def _list_teachers(self) -> None:
        from tui_tuner.teachers.teacher_choice import chosen_teachers

        remark = ""
        if not self._teachers:
            remark = _("nobody: fetch the base model or start Ollama in Environment")
        elif all(teacher.kind == "mlx" for teacher in self._teachers):
            remark = _("No server answers, and none is needed: the model in this process can write.")
        chosen = chosen_teachers(self.choices.dataset, self._teachers)
        self.query_one(TeacherList).show(self._teachers, chosen, remark)

    def on_teacher_list_wanted(self, message: TeacherList.Wanted) -> None:
        """Choose a teacher, alone or beside others."""
        from tui_tuner.teachers.teacher_choice import toggled, with_teachers

        if self.project is None:
            return
        before = self.project.choices.dataset
        wanted = toggled(before, self._teachers, message.teacher) if message.also else (message.teacher,)
        choice = with_teachers(before, wanted)
        self.tuner.change_project(self.project.with_choice("dataset", choice))
        self.query_one("#dataset", SettingsForm).show(choice)
        self._list_teachers()
        number = len(choice.teacher_models)
        self.say(_("{number} models write in turn.", number=number) if number > 1 else "")

    def show(self) -> None:
        """Draw the stages, the counts and what is new of the examples."""
        view = self.board.views.get(self.step, self._kept)
        if isinstance(view, DatasetView):
            stages = self.query_one(StageList)
            if view is not self._shown_view:
                stages.clear()
            for stage in view.stages.values():
                stages.apply(stage)
            self._show_latest(view)
        self._show_summary()

    def _show_latest(self, view: DatasetView) -> None:
        log = self.query_one("#latest", RichLog)
        if view is not self._shown_view:
            log.clear()
            self._shown_view, self._shown = view, view.heard - len(view.latest)
        new = view.heard - self._shown
        events = list(view.latest)
        several = max(len(self.choices.dataset.teacher_models), len(self.choices.dataset.urls)) > 1
        for place in range(len(events) - min(new, len(events)), len(events)):
            for line in lines_of(events[place], events[place - 1] if place else None, several=several):
                nested = len(line) - len(line.lstrip())
                log.write(Padding(Text(line.lstrip()), (0, 0, 0, nested)))  # a long line stays nested when it wraps
        self._shown = view.heard

    def _show_summary(self) -> None:
        if self.project is not None:
            state = dataset_state(self.project)
            text = summary(state, self.choices.dataset, running=self.board.running(self.step))
            self.query_one("#summary", Static).update(text)

    # -- what a person does --------------------------------------------------------------------------------------------

    def action_start(self) -> None:
        """Write the dataset, or go on."""
        project = self.project_if_settings_are_good()
        if project is None:
            return
        job = self.start_job(dataset_work(project), DatasetView(), on_engine=dataset_needs_engine(project))
        if job is not None:
            self.show_settings(False)
            self.focus_body()
            self.say(_("space holds the work, s stops it; everything is kept."))

    # -- what the job says ---------------------------------------------------------------------------------------------

    def heard(self, events: list[Event]) -> None:
        """Say how it ended."""
        view, ended = self.board.views.get(self.step), self.board.ended(self.step)
        if isinstance(view, DatasetView) and view.notices and not ended:
            self.say(view.notices[-1].text, tone="text-warning" if view.notices[-1].level == "warning" else "")
        if ended is None:
            return
        if ended.outcome == "failed":
            self.say_how_it_ended(ended)
        elif ended.outcome == "stopped":
            self.say(_("Stopped, everything kept. g goes on from here."), tone="text-warning")
        else:
            self.say(
                _("Done. ctrl+n: go on to Train. c: what the data are, l: what will be learned."), tone="text-success"
            )


SCREEN = DatasetScreen
