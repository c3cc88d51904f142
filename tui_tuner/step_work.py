"""The work each step does.

The app's screens and the headless commands start exactly the functions here, so that whatever one can do the other can.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from tui_tuner.jobs import Work
from tui_tuner.journey import base_model, obtain_base_model, required_base_model
from tui_tuner.progress import Emit, StopToken
from tui_tuner.project import Project

if TYPE_CHECKING:
    from tui_tuner.export.hub_files import HubPlan
    from tui_tuner.teachers.teacher import Teacher
    from tui_tuner.training.changes import Change


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
            base = obtain_base_model(chosen, emit, stop)  # squeezed, where that was suggested
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
        forecast = forecaster.squeezed(chosen.choices.model.bits).forecast(chosen.choices.training)
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
        from tui_tuner.evaluation.judges import with_judge

        # Before anybody answers: a judge that is not there is said at once. It is loaded when it is asked.
        teacher = open_chosen_teacher(with_judge(project), emit, stop)
        try:
            return judge(compare(plan, emit=emit, stop=stop), teacher, emit=emit, stop=stop)
        finally:
            teacher.close()

    return work


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
