"""The six steps of the journey: what each needs, how far it is, and the work it does.

The app's screens and the headless commands start exactly the functions here, so that whatever one can do the other can.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tui_tuner.errors import ModelError, UsageError
from tui_tuner.jobs import Work
from tui_tuner.language import _
from tui_tuner.progress import Emit, StopToken
from tui_tuner.project import Project

if TYPE_CHECKING:
    from tui_tuner.export.hub_files import HubPlan
    from tui_tuner.teachers.teacher import Teacher
    from tui_tuner.training.changes import Change

State = Literal["blocked", "ready", "running", "done", "failed"]


@dataclass(frozen=True)
class Step:
    """One step: the key it is known by, its number on the keyboard, its name and the heavy job it runs."""

    key: str
    number: int
    name: str
    job: str


STEPS: tuple[Step, ...] = (
    Step("environment", 1, _("Environment"), _("preparing this machine")),
    Step("dataset", 2, _("Dataset"), _("writing the dataset")),
    Step("train", 3, _("Train"), _("training")),
    Step("compare", 4, _("Compare"), _("comparing")),
    Step("export", 5, _("Export"), _("exporting")),
    Step("chat", 6, _("Chat"), _("chatting")),
)


@dataclass(frozen=True)
class Standing:
    """How far a step is: its state, and in a sentence what blocks it or what it has."""

    state: State
    why: str = ""


def step(key: str) -> Step:
    """The step known by `key`."""
    return next(step for step in STEPS if step.key == key)


def standing(key: str, project: Project | None) -> Standing:
    """How far a step of `project` is, from its files alone; whether it runs is known only to who started it.

    Cheap enough to ask at every change: looks at a few files, loads no model.
    """
    if key == "environment":
        return Standing("ready", _("Is this machine ready?"))
    if project is None:
        return Standing("blocked", _("Open or make a project first."))
    if key == "dataset":
        return _dataset_standing(project)
    if key == "train":
        return _train_standing(project)
    if key == "chat":
        return Standing("ready", _("Chat with the base model, or with the tuned one once there is one."))
    if project.tuned_run() is None:
        return Standing("blocked", _("Train first: there is no tuned model yet."))
    done = _is_compared(project) if key == "compare" else is_fused(project)
    return Standing("done" if done else "ready")


def _dataset_standing(project: Project) -> Standing:
    if project.has_dataset():
        return _standing_of_training_files(project)
    choice = project.choices.dataset
    brought = any((project.data / name).exists() for name in ("instructions.json", "imported.jsonl", "passages.jsonl"))
    if not choice.topic and not brought:
        return Standing("ready", _("Say what the examples should be about, or import some."))
    return Standing("ready")


def _standing_of_training_files(project: Project) -> Standing:
    from tui_tuner.dataset.state import dataset_state

    if dataset_state(project).stage == "ready":
        return Standing("done")
    return Standing("ready", _("The training files are not of everything that is here now: make them again."))


def _train_standing(project: Project) -> Standing:
    if not project.has_dataset():
        return Standing("blocked", _("Make a dataset first: there is nothing to learn from."))
    return Standing("done" if project.tuned_run() else "ready")


def _is_compared(project: Project) -> bool:
    if not any(project.comparisons.glob("*.jsonl")):
        return False
    from tui_tuner.evaluation.comparisons import has_finished_comparison

    return has_finished_comparison(project)


def is_fused(project: Project) -> bool:
    """Whether the fused model is there."""
    return (project.fused_model / "config.json").is_file()


def base_model(project: Project) -> Path | None:
    """The base model's folder if it is on this machine."""
    from tui_tuner.models.base_model import find_base

    return find_base(project.choices.model)


def obtain_base_model(project: Project, emit: Emit, stop: StopToken) -> Path:
    """The base model's folder; fetched first where it is not on this machine yet.

    Raises:
        ModelError: it cannot be had; says why and what to do.
        Stopped: asked to; what was fetched is kept.
    """
    from tui_tuner.models.base_model import fetch_base

    return fetch_base(project.choices.model, emit=emit, stop=stop)


def required_base_model(project: Project) -> Path:
    """The base model's folder.

    Raises:
        ModelError: it is not on this machine.
    """
    found = base_model(project)
    if found is None:
        raise ModelError(
            _("the base model {name} is not on this machine", name=project.choices.model.name),
            advice=_("Fetch it in the Environment step, or with: tuner check --fix base_model"),
        )
    return found


def dataset_needs_engine(project: Project) -> bool:
    """Whether writing the dataset uses MLX, rather than a server."""
    return project.choices.dataset.teacher == "mlx"


def open_chosen_teacher(project: Project, emit: Emit, stop: StopToken) -> Teacher:
    """Who is to write the dataset; a base model that is to write is fetched first where it is not on this machine.

    Raises:
        TeacherError: it cannot be had; says why and what to do.
        ModelError: the base model cannot be had.
        Stopped: asked to.
    """
    from tui_tuner.teachers.choosing import open_teacher

    choice, base_name = project.choices.dataset, project.choices.model.name
    own_model = choice.teacher == "mlx" and not {"", base_name}.isdisjoint(choice.teacher_models)
    base = obtain_base_model(project, emit, stop) if own_model else None
    trust = project.choices.model.trust_remote_code
    return open_teacher(choice, base, emit, base_name=base_name, trust_remote_code=trust)


def dataset_work(project: Project) -> Work:
    """Write the dataset, from questions to training files; continues where it stopped."""

    def work(emit: Emit, stop: StopToken) -> object:
        from tui_tuner.dataset.make import make_dataset, needs_teacher
        from tui_tuner.dataset.plan import plan_dataset

        plan = plan_dataset(project)
        if not needs_teacher(plan):
            return make_dataset(plan, None, emit=emit, stop=stop)
        teacher = open_chosen_teacher(project, emit, stop)
        try:
            return make_dataset(plan, teacher, emit=emit, stop=stop)
        finally:
            teacher.close()

    return work


def prompt_trying_work(project: Project, *, tries: int = 0) -> Work:
    """Ask for questions once, as a run would, and keep nothing of it."""

    def work(emit: Emit, stop: StopToken) -> object:
        from tui_tuner.dataset.plan import plan_dataset
        from tui_tuner.dataset.trying import try_prompt

        plan = plan_dataset(project)
        teacher = open_chosen_teacher(project, emit, stop)
        try:
            tried = try_prompt(plan, teacher, tries=tries, stop=stop)
        finally:
            teacher.close()
        emit(tried)
        return tried

    return work


def training_work(
    project: Project,
    *,
    run: str | None = None,
    resume: bool = False,
    extend: bool = False,
    anyway: bool = False,
    auto: bool = False,
    reasons: tuple[str, ...] = (),
) -> Work:
    """Train a new run, or go on with one that stopped.

    Args:
        project: its settings and its dataset.
        run: the run's name; None as `plan_run` says.
        resume: go on with it.
        extend: even with other data or settings.
        anyway: begin even where it surely does not fit into memory.
        auto: with the settings that suit machine, model and dataset, which the project then keeps; what was given for
            this run alone stays.
        reasons: of settings that were suggested before; kept in the run's story.
    """

    def work(emit: Emit, stop: StopToken) -> object:
        from tui_tuner.training.plan import plan_run

        base = obtain_base_model(project, emit, stop)
        chosen, why = project, reasons
        if auto:
            from tui_tuner.training.auto import keep_suggested, with_suggestions
            from tui_tuner.training.forecast import measured_forecaster

            chosen, why = with_suggestions(project, measured_forecaster(project, base, emit=emit, stop=stop), emit)
            keep_suggested(chosen)
        plan = plan_run(chosen, base, run=run, resume=resume, extend=extend, anyway=anyway, reasons=why)
        if named := project.choices.machines.hosts:
            plan = dataclasses.replace(plan, check_memory=False)  # what each of several machines takes is not foretold
            from tui_tuner.training.machines.hosts import read_hosts
            from tui_tuner.training.machines.launching import train_on

            return train_on(read_hosts(project.folder / Path(named).expanduser()), plan, emit=emit, stop=stop)
        from tui_tuner.training.train import train

        return train(plan, emit=emit, stop=stop)

    return work


def changes_since_run(project: Project, run: str) -> list[Change]:
    """What has changed in settings, data and model since a training run began; reads the dataset.

    Raises:
        StorageError: a file cannot be read.
        ConfigurationError: a mistake in the run's `config.toml`.
    """
    from tui_tuner.training.plan import changes_since

    return changes_since(project, base_model(project), run)


def forecast_work(project: Project, *, auto: bool = False) -> Work:
    """Say what a run would take, and with `auto` which settings suit; begin and change nothing."""

    def work(emit: Emit, stop: StopToken) -> object:
        from tui_tuner.training.auto import with_suggestions
        from tui_tuner.training.forecast import measured_forecaster

        base = obtain_base_model(project, emit, stop)
        forecaster = measured_forecaster(project, base, emit=emit, stop=stop)
        chosen = with_suggestions(project, forecaster, emit)[0] if auto else project
        forecast = forecaster.forecast(chosen.choices.training)
        if forecast is not None:
            emit(forecast)
        return forecast

    return work


def comparison_work(project: Project) -> Work:
    """Ask those who were chosen the same questions."""

    def work(emit: Emit, stop: StopToken) -> object:
        from tui_tuner.evaluation.compare import compare, plan_comparison

        plan = plan_comparison(project, required_base_model(project))
        if not project.choices.compare.judge.strip():
            return compare(plan, emit=emit, stop=stop)
        from tui_tuner.evaluation.judge import judge

        # Before anybody answers: a judge that is not there is said at once. It is loaded when it is asked.
        teacher = open_chosen_teacher(_with_judge(project), emit, stop)
        try:
            return judge(compare(plan, emit=emit, stop=stop), teacher, emit=emit, stop=stop)
        finally:
            teacher.close()

    return work


def _with_judge(project: Project) -> Project:
    """The project with its judge in the teacher's place; its server is the teacher's where both are of one kind.

    Raises:
        UsageError: nobody who can judge.
    """
    kind, _colon, model = project.choices.compare.judge.strip().partition(":")
    if kind not in ("mlx", "ollama", "openai"):
        raise UsageError(
            _("{name} is no judge", name=repr(kind)),
            advice=_("Name one like this: mlx, mlx:starter, ollama:mistral:7b, openai:MODEL."),
        )
    teacher = project.choices.dataset
    url = teacher.url if teacher.teacher == kind else ""
    return project.with_choice("dataset", dataclasses.replace(teacher, teacher=kind, teacher_model=model, url=url))


def fuse_work(project: Project, *, run: Path | None = None) -> Work:
    """Make one model of base and adapter, and prove it."""

    def work(emit: Emit, stop: StopToken) -> object:
        from tui_tuner.export.fuse import fuse, plan_fuse

        return fuse(plan_fuse(project, required_base_model(project), run), emit=emit, stop=stop)

    return work


def ollama_work(project: Project, *, replace: bool = False) -> Work:
    """Bring the fused model into Ollama, and prove it there."""

    def work(emit: Emit, stop: StopToken) -> object:
        from tui_tuner.export.ollama_export import export_to_ollama, plan_ollama

        return export_to_ollama(plan_ollama(project, replace=replace), emit=emit, stop=stop)

    return work


def gguf_work(project: Project) -> Work:
    """Write the fused model as one GGUF file, and prove it."""

    def work(emit: Emit, stop: StopToken) -> object:
        from tui_tuner.export.gguf.of_project import plan_gguf
        from tui_tuner.export.gguf.write import write_gguf

        return write_gguf(plan_gguf(project), emit=emit, stop=stop)

    return work


def lm_studio_work(project: Project, *, replace: bool = False) -> Work:
    """Put the fused model where LM Studio finds it."""

    def work(emit: Emit, stop: StopToken) -> object:
        from tui_tuner.export.lm_studio import export_to_lm_studio, plan_lm_studio

        return export_to_lm_studio(plan_lm_studio(project, replace=replace), emit=emit, stop=stop)

    return work


def hub_work(plan: HubPlan) -> Work:
    """Upload what the plan shows, and nothing else, to the Hugging Face hub."""

    def work(emit: Emit, stop: StopToken) -> object:
        from tui_tuner.export.hub_upload import upload_to_hub

        return upload_to_hub(plan, emit=emit, stop=stop)

    return work


def fetch_work(project: Project) -> Work:
    """Fetch the base model."""

    def work(emit: Emit, stop: StopToken) -> object:
        return obtain_base_model(project, emit, stop)

    return work
