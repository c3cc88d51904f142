"""The tuned model out in the world: fused, proved, handed on, and how to use it there."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui_tuner import figures
from tui_tuner.errors import ExportError, TunerError
from tui_tuner.export.proof_rows import kept_proofs
from tui_tuner.export.size import fused_size
from tui_tuner.jobs import Work
from tui_tuner.journey import base_model, is_fused
from tui_tuner.language import _
from tui_tuner.models.model_files import read_provenance
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Event
from tui_tuner.project import Project
from tui_tuner.screens.export_places import PLACES, Place, commands_of, place_of, place_row, proof_of
from tui_tuner.screens.export_view import ExportView
from tui_tuner.screens.proof_text import proof_text
from tui_tuner.screens.question import Question
from tui_tuner.screens.settings_step import SettingsStep
from tui_tuner.screens.upload_question import UploadQuestion
from tui_tuner.step_work import fuse_work, gguf_work, hub_work, lm_studio_work, ollama_work
from tui_tuner.widgets.settings_form import SettingsForm
from tui_tuner.widgets.stage_list import StageList

if TYPE_CHECKING:
    from tui_tuner.export.hub_files import HubPlan


class ExportScreen(SettingsStep):
    """Where the model can go, what proves that it is there, and the commands that use it."""

    step = "export"
    about = _(
        "Makes one model of base and adapter, and hands it on: to Ollama, LM Studio, a GGUF file, Hugging Face. "
        "Each is compared with the model that was trained, a row for each thing, before it counts as done; "
        "the arrows go through the places, enter does the one that is marked."
    )

    DEFAULT_CSS = """
    ExportScreen {
        #plan { padding: 0 1; height: auto; }
        #places { height: auto; margin-top: 1; border: none; padding: 0; }
        #told { height: 1fr; }
        #proof { padding: 1 1 0 1; height: auto; }
        #usage { height: auto; max-height: 4; border: none; padding: 0; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._place = PLACES[0].key

    def face(self) -> ComposeResult:
        """The model, the places, the progress, the proof of the marked one and its commands."""
        yield Static(id="plan", markup=False)
        yield OptionList(*(Option(place_row(place, None), id=place.key) for place in PLACES), id="places")
        yield StageList()
        with VerticalScroll(id="told", can_focus=False):
            yield Static(id="proof", markup=False)
        yield OptionList(id="usage")

    def settings(self) -> ComposeResult:
        """Where it goes."""
        yield self.heading(_("Export"))
        yield SettingsForm(self.choices.export, id="export")

    def focus_body(self) -> None:
        """The list of places has the focus, so that arrows and enter work at once."""
        self.query_one("#places", OptionList).focus()

    def on_mount(self) -> None:
        """Begin in the list."""
        self.query_one("#places", OptionList).highlighted = 0
        self.focus_body()

    def works_now(self, action: str) -> bool:
        """Nothing is handed on while something is."""
        if action == "hand_on":
            return not self.board.running(self.step)
        return super().works_now(action)

    # -- drawing -------------------------------------------------------------------------------------------------------

    def show(self) -> None:
        """Draw what is there."""
        project = self.project
        if project is None:
            return
        self._show_model(project)
        proofs = kept_proofs(project.fused_model)
        view = self.board.views.get(self.step)
        if isinstance(view, ExportView):
            self._show_stages(view)
            if view.proof is not None and not view.proof.passed:
                # One that failed is kept nowhere where there is no model.
                proofs = [*(proof for proof in proofs if proof.what != view.proof.what), view.proof]
        places = self.query_one("#places", OptionList)
        for place in PLACES:
            row = place_row(place, proof_of(place, proofs))
            if places.get_option(place.key).prompt != row:
                places.replace_option_prompt(place.key, row)
        place = place_of(self._place)
        proof = proof_of(place, proofs)
        self.query_one("#proof", Static).update(proof_text(proof))
        self._show_usage(commands_of(place, project, proof) if is_fused(project) else [])

    def _show_stages(self, view: ExportView) -> None:
        ended = self.board.ended(self.step)
        if ended is not None and ended.outcome == "done":
            self.query_one(StageList).clear()  # what they have made is shown instead
            return
        for stage in view.stages.values():
            self.query_one(StageList).apply(stage)

    def _show_model(self, project: Project) -> None:
        run, fused = project.tuned_run(), is_fused(project)
        story = read_provenance(project.fused_model) if fused else {}
        # Reading headers is too much for every piece of news of a running job.
        planned = "" if fused or self.board.running(self.step) else _planned_size(project)
        size = _folder_size(project) if fused else ""
        made = _("{size}, made of {run}", size=size, run=story.get("run", "?")) if fused else ""
        adapter = run.name if run else _("none yet: train first")
        rows = [
            (_("base"), _("{base} · adapter {run}", base=project.choices.model.name, run=adapter)),
            (_("model"), str(project.fused_model)),
            ("", made or _("not made yet: g makes it{size}", size=planned)),
        ]
        lines = [Content.assemble((f"{name:<7}", "$foreground 65%"), one_line(text)) for name, text in rows]
        self.query_one("#plan", Static).update(Content("\n").join(lines))

    def _show_usage(self, commands: list[str]) -> None:
        usage = self.query_one("#usage", OptionList)
        if [str(option.id) for option in usage.options] != commands:
            usage.clear_options()
            usage.add_options([Option(Content.assemble(" $ ", command), id=command) for command in commands])

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Show what is known of the marked place."""
        if event.option_list.id == "places" and event.option.id and event.option.id != self._place:
            self._place = event.option.id
            self.show()

    # -- doing ---------------------------------------------------------------------------------------------------------

    def action_start(self) -> None:
        """Fuse."""
        self._start("fuse")

    def action_hand_on(self, place: str) -> None:
        """Bring the fused model somewhere."""
        self._start(place)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter does the marked place, or copies the marked command."""
        if event.option_list.id == "usage":
            self.action_copy_command()
        elif event.option.id and not self.board.running(self.step):
            self._start(event.option.id)

    def _start(self, place: str, *, replace: bool = False) -> None:
        project = self.project_if_settings_are_good()
        if project is None:
            return
        try:
            if place != "fuse":
                self._require_fused(project)
            if place == "hub":
                self._ask_to_upload(project)
                return
        except TunerError as error:
            self.tuner.complain(error)
            return
        works = {
            "fuse": lambda: fuse_work(project),
            "ollama": lambda: ollama_work(project, replace=replace),
            "lm-studio": lambda: lm_studio_work(project, replace=replace),
            "gguf": lambda: gguf_work(project),
        }
        self._run(place_of(place), works[place](), on_engine=place != "lm-studio")

    @staticmethod
    def _require_fused(project: Project) -> None:
        if not is_fused(project):
            raise ExportError(_("there is no fused model yet"), advice=_("g makes it."))

    def _ask_to_upload(self, project: Project) -> None:
        from tui_tuner.export.hub_files import plan_upload

        plan = plan_upload(project, project.choices.export.upload)

        def answered(yes: bool | None) -> None:
            if yes:
                self._upload(plan)
            else:
                self.say(_("Nothing has left this machine."))

        self.app.push_screen(UploadQuestion(plan.in_words()), answered)

    def _upload(self, plan: HubPlan) -> None:
        self._run(place_of("hub"), hub_work(plan), on_engine=False)

    def _run(self, place: Place, work: Work, *, on_engine: bool) -> None:
        view = ExportView(place.key)
        if self.start_job(view.noticing(work), view, on_engine=on_engine) is None:
            return
        self.query_one(StageList).clear()
        self.show_settings(False)
        self.query_one("#places", OptionList).highlighted = PLACES.index(place)
        self.focus_body()
        self.say("")

    def action_copy_command(self) -> None:
        """Copy the selected command."""
        usage = self.query_one("#usage", OptionList)
        if usage.option_count == 0:
            self.say(_("There is nothing to use there yet."))
            return
        command = str(usage.get_option_at_index(usage.highlighted or 0).id)
        self.app.copy_to_clipboard(command)
        self.say(_("Copied: {command}", command=command), tone="text-success")

    def heard(self, events: list[Event]) -> None:
        """Say how it ended; ask where a name is taken."""
        ended, view = self.board.ended(self.step), self.board.views.get(self.step)
        if ended is None:
            return
        if ended.outcome == "done":
            said = view.notices[-1].text if isinstance(view, ExportView) and view.notices else ""
            fused = isinstance(view, ExportView) and view.place == "fuse"
            self.say(_("Done. ctrl+n: chat with your model.") if fused else said, tone="text-success")
        elif isinstance(view, ExportView) and view.taken:
            # Asked a moment later, so that it is this step that is told how it ended: a question is no failure.
            self.call_later(self._ask_to_replace, view)
        else:
            self.say_how_it_ended(ended)

    def _ask_to_replace(self, view: ExportView) -> None:
        taken, view.taken = view.taken, ""
        if not taken:
            return  # asked already

        def answered(yes: bool | None) -> None:
            if yes:
                self._start(view.place, replace=True)
            else:
                self.say(_("Nothing was replaced. Another name: e shows the settings."))

        question = _("{taken}. It is replaced when the new one is proved.", taken=taken)
        self.app.push_screen(Question(question, yes=_("Replace it"), no=_("Leave it")), answered)


def _planned_size(project: Project) -> str:
    """How large it will be, where the base model is here to be looked at."""
    with contextlib.suppress(TunerError):
        if (base := base_model(project)) is not None:
            return _(", {size}", size=fused_size(base, project.fused_model, project.choices.export).in_words())
    return ""


def _folder_size(project: Project) -> str:
    return figures.size(sum(path.stat().st_size for path in project.fused_model.rglob("*") if path.is_file()))


SCREEN = ExportScreen
