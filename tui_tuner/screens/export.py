"""One model of base and adapter: made, proved, and how to use it."""

from __future__ import annotations

import contextlib

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui_tuner import figures
from tui_tuner.errors import TunerError
from tui_tuner.export.fuse import usage_of
from tui_tuner.export.gguf.of_project import gguf_folder, usage_of_gguf
from tui_tuner.export.proof_rows import Proof, kept_proofs
from tui_tuner.export.size import fused_size
from tui_tuner.jobs import Work
from tui_tuner.journey import base_model, fuse_work, gguf_work, is_fused
from tui_tuner.language import _
from tui_tuner.models.model_files import read_provenance
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Event
from tui_tuner.project import Project
from tui_tuner.screens.progress_view import ProgressView
from tui_tuner.screens.proof_text import proof_text
from tui_tuner.screens.settings_step import SettingsStep
from tui_tuner.widgets.settings_form import SettingsForm
from tui_tuner.widgets.stage_list import StageList


class FuseView(ProgressView):
    """What is known of a fuse or an export: its stages, and its proof once there is one."""

    def __init__(self, done: str) -> None:
        super().__init__()
        self.proof: Proof | None = None
        self.done = done  # what is said at its end

    def apply(self, event: Event) -> None:
        """Take in one event."""
        super().apply(event)
        if isinstance(event, Proof):
            self.proof = event


class ExportScreen(SettingsStep):
    """The fused model, what proves it, and the commands that use it."""

    step = "export"
    about = _(
        "Fuses the adapter into the base model, so that one ordinary model folder remains. "
        "It is loaded again and must answer exactly as base and adapter did before it counts as made. "
        "w writes it as one GGUF file for llama.cpp, LM Studio and others, proved as well."
    )

    DEFAULT_CSS = """
    ExportScreen {
        #plan { padding: 1 1 0 1; height: auto; }
        #proofs { height: auto; max-height: 60%; }
        #proof { padding: 0 1; height: auto; }
        #usage { height: 1fr; min-height: 3; }
    }
    """

    def face(self) -> ComposeResult:
        """What will be or was made, the progress, the proof, the commands."""
        yield Static(id="plan", markup=False)
        yield StageList()
        with VerticalScroll(id="proofs", can_focus=False):
            yield Static(id="proof", markup=False)
        yield self.heading(_("Use it with"))
        yield OptionList(id="usage")

    def settings(self) -> ComposeResult:
        """Where it goes."""
        yield self.heading(_("Fused model"))
        yield SettingsForm(self.choices.export, id="export")

    def show(self) -> None:
        """Draw what is there."""
        project = self.project
        if project is None:
            return
        run = project.tuned_run()
        fused = is_fused(project)
        story = read_provenance(project.fused_model) if fused else {}
        # Reading headers is too much for every piece of news of a running job.
        planned = "" if fused or self.board.running(self.step) else _planned_size(project)
        made = _("{size}, made of {run}", size=_folder_size(project), run=story.get("run", "?")) if fused else ""
        rows = [
            (_("base"), project.choices.model.name),
            (_("adapter"), run.name if run else _("none yet: train first")),
            (_("fused model"), str(project.fused_model)),
            ("", made or _("not made yet: g makes it{size}", size=planned)),
        ]
        self.query_one("#plan", Static).update(
            Content("\n").join(
                Content.assemble((f"{name:<13}", "$foreground 65%"), one_line(text)) for name, text in rows
            )
        )
        view = self.board.views.get(self.step)
        ended = self.board.ended(self.step)
        if ended is not None and ended.outcome == "done":
            self.query_one(StageList).clear()  # what it has made takes their place
        elif isinstance(view, FuseView):
            for stage in view.stages.values():
                self.query_one(StageList).apply(stage)
        self._show_proof(view.proof if isinstance(view, FuseView) else None, kept_proofs(project.fused_model))
        self._show_usage(_usage(project) if fused else [])

    def _show_proof(self, proof: Proof | None, kept: list[Proof]) -> None:
        """The proof of the fuse that runs or ran last, else what was kept with the model."""
        shown = [proof] if proof is not None and not proof.passed else kept or ([proof] if proof else [])
        self.query_one("#proof", Static).update(proof_text(shown))

    def _show_usage(self, commands: list[str]) -> None:
        usage = self.query_one("#usage", OptionList)
        if [str(option.id) for option in usage.options] != commands:
            usage.clear_options()
            usage.add_options([Option(Content(f" {command}"), id=command) for command in commands])

    def action_start(self) -> None:
        """Fuse."""
        if project := self.project_if_settings_are_good():
            self._start(fuse_work(project), FuseView(_("Done. ctrl+n: chat with your model.")))

    def action_write_gguf(self) -> None:
        """Write the fused model as one GGUF file."""
        project = self.project_if_settings_are_good()
        if project is None:
            return
        if not is_fused(project):
            self.say(_("There is no fused model yet; g makes it."))
            return
        place = gguf_folder(project).relative_to(project.folder)
        self._start(gguf_work(project), FuseView(_("Done. The GGUF file is in {folder}.", folder=place)))

    def _start(self, work: Work, view: FuseView) -> None:
        if self.start_job(work, view) is not None:
            self.query_one(StageList).clear()
            self.show_settings(False)
            self.focus_body()
            self.say("")

    def action_copy_command(self) -> None:
        """Copy the selected command."""
        usage = self.query_one("#usage", OptionList)
        if usage.option_count == 0:
            self.say(_("There is no fused model yet; g makes it."))
            return
        command = str(usage.get_option_at_index(usage.highlighted or 0).id)
        self.app.copy_to_clipboard(command)
        self.say(_("Copied: {command}", command=command), tone="text-success")

    def on_option_list_option_selected(self) -> None:
        """Enter copies a command."""
        self.action_copy_command()

    def heard(self, events: list[Event]) -> None:
        """Say how it ended."""
        ended = self.board.ended(self.step)
        if ended is None:
            return
        view = self.board.views.get(self.step)
        if ended.outcome == "done" and isinstance(view, FuseView):
            self.say(view.done, tone="text-success")
        else:
            self.say_how_it_ended(ended)


def _usage(project: Project) -> list[str]:
    """Commands for what is there: the fused model, and the GGUF file of the chosen type."""
    folder = gguf_folder(project)
    there = (folder / f"{folder.name}.gguf").is_file()
    return usage_of(project.fused_model, project) + (usage_of_gguf(folder) if there else [])


def _planned_size(project: Project) -> str:
    """How large it will be, where the base model is here to be looked at."""
    with contextlib.suppress(TunerError):
        if (base := base_model(project)) is not None:
            return _(", {size}", size=fused_size(base, project.fused_model, project.choices.export).in_words())
    return ""


def _folder_size(project: Project) -> str:
    return figures.size(sum(path.stat().st_size for path in project.fused_model.rglob("*") if path.is_file()))


SCREEN = ExportScreen
