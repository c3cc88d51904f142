"""What a training run is to do, complete before anything is loaded."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from pathlib import Path

from tui_tuner.choices import TrainingChoice
from tui_tuner.errors import DatasetError, TrainingError
from tui_tuner.language import _, ngettext
from tui_tuner.project import Project
from tui_tuner.training.changes import Change, changes_between, require_allowed
from tui_tuner.training.optimization import optimizer_arguments
from tui_tuner.training.run_config import RunConfig, current_facts, read_config
from tui_tuner.training.run_names import find_run, free_run_folder
from tui_tuner.training.runs import RunSummary, summarize


@dataclass(frozen=True)
class TrainingPlan:
    """One run. A run whose folder has a `config.toml` is gone on with; otherwise it is begun.

    Attributes:
        model: the base model's folder.
        model_name: the base model as it was chosen.
        data: the folder of `train.jsonl` and, where there is one, `valid.jsonl`.
        run: the run's folder, `runs/<run>`.
        choice: every training setting.
        trust_remote_code: whether code that comes with the model may run.
        keep_awake: whether a Mac is kept from falling asleep meanwhile.
        free_ollama: where Ollama listens that takes its models out of this machine's memory first; see `make_room`.
        extend: go on even with other data or settings than the run began with.
        given: which training settings were given for this run alone.
        reasons: why settings are as they are, where they were suggested; kept in the run's story.
        check_memory: whether a run that surely does not fit into memory is refused before anything is loaded.
    """

    model: Path
    model_name: str
    data: Path
    run: Path
    choice: TrainingChoice
    trust_remote_code: bool = False
    keep_awake: bool = False
    free_ollama: tuple[str, ...] = ()
    extend: bool = False
    given: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    check_memory: bool = False

    @property
    def config(self) -> RunConfig:
        """What the run would be, if it began now.

        Raises:
            StorageError: the dataset cannot be read.
        """
        facts = current_facts(
            run=self.run.name,
            model_name=self.model_name,
            model=self.model,
            data=self.data,
            trust_remote_code=self.trust_remote_code,
        )
        return RunConfig(dataclasses.replace(facts, given=self.given), self.choice)


def plan_run(
    project: Project,
    model: Path,
    *,
    run: str | None = None,
    resume: bool = False,
    extend: bool = False,
    anyway: bool = False,
    reasons: tuple[str, ...] = (),
) -> TrainingPlan:
    """Plan a new run, or to go on with one; nothing is written.

    Args:
        project: its settings, its dataset and its runs.
        model: the base model's folder.
        run: the run's name; None gives a new run the next number, and resumes the latest one not finished.
        resume: go on with a run; more iterations in the project's settings make it longer, and their patience counts.
        extend: where other settings or data than the run began with are there now, go on with them.
        anyway: do not ask whether a new run fits into memory; one that is gone on with has shown that it does.
        reasons: of settings that were suggested.

    Raises:
        DatasetError: there is nothing to learn from.
        ConfigurationError: an optimizer's setting it does not know.
        TrainingError: nothing to resume, or settings or data other than those the run began with.
        UsageError: not a name a run can have.
    """
    _require_dataset(project)
    choice = project.choices.training
    optimizer_arguments(choice)  # a mistake there is better found before anything is loaded
    folder = _run_to_resume(project, run) if resume else _new_run(project, run)
    machines = project.choices.machines
    plan = TrainingPlan(
        model=model,
        model_name=project.choices.model.name,
        data=project.data,
        run=folder,
        choice=choice,
        trust_remote_code=project.choices.model.trust_remote_code,
        keep_awake=machines.keep_awake,
        free_ollama=("", *project.choices.dataset.ollama_urls) if machines.free_ollama else (),
        extend=extend,
        given=_given(project),
        reasons=reasons,
        check_memory=not (resume or anyway),
    )
    return _resumed(plan) if resume else plan


def _require_dataset(project: Project) -> None:
    if not project.has_dataset():
        raise DatasetError(
            _("there is no dataset to learn from (no train.jsonl)"),
            where=str(project.data),
            advice=_("Make one in the Dataset step, or with: tuner data"),
        )


def _given(project: Project) -> tuple[str, ...]:
    return tuple(sorted(name.removeprefix("training.") for name in project.given if name.startswith("training.")))


def _as_given(choice: TrainingChoice, given: tuple[str, ...], before: RunConfig) -> TrainingChoice:
    """`choice`, with those settings that were given when the run began, unless they are given again."""
    kept = set(before.facts.given) - set(given)
    return dataclasses.replace(choice, **{name: getattr(before.choice, name) for name in kept})


def changes_since(project: Project, model: Path | None, run: str) -> list[Change]:
    """What has changed since a run of `project` began, except for what changes nothing in it.

    Args:
        project: its settings and its dataset as they are now.
        model: the base model's folder; None where it is not on this machine, and its files cannot be looked at.
        run: the run's name.

    Raises:
        StorageError: a file cannot be read.
        ConfigurationError: a mistake in the run's `config.toml`.
    """
    folder = project.runs / run
    before = read_config(folder)
    named = project.choices.model.name
    choice = _as_given(project.choices.training, _given(project), before)
    now = TrainingPlan(model or folder, named, project.data, folder, choice).config
    if model is None:
        facts = dataclasses.replace(now.facts, model_fingerprint=before.facts.model_fingerprint)
        now = dataclasses.replace(now, facts=facts)
    return [change for change in changes_between(before, now) if not change.free]


def _resumed(plan: TrainingPlan) -> TrainingPlan:
    """The plan to go on with a run; it never has fewer steps than it began with, unless that is wanted."""
    before = read_config(plan.run)
    choice = _as_given(plan.choice, plan.given, before)
    iters, done = choice.iters, summarize(plan.run).iteration
    if not plan.extend:
        iters = max(iters, before.choice.iters)
    elif iters < done:
        raise TrainingError(
            ngettext(
                "{run} has done {done:,} step already, and iters is {iters:,}",
                "{run} has done {done:,} steps already, and iters is {iters:,}",
                done,
                run=plan.run.name,
                done=done,
                iters=iters,
            ),
            where=str(plan.run),
            advice=_("Set iters to more than that."),
        )
    given = tuple(sorted({*plan.given, *before.facts.given}))
    plan = dataclasses.replace(plan, choice=dataclasses.replace(choice, iters=iters), given=given)
    require_allowed(plan.run.name, changes_between(before, plan.config), extend=plan.extend)
    return plan


def _new_run(project: Project, name: str | None) -> Path:
    if name is None:
        taken = [int(found.group(1)) for path in project.runs.glob("run-*") if (found := _numbered(path.name))]
        return project.runs / f"run-{max(taken, default=0) + 1}"
    return free_run_folder(project, name)


def _numbered(name: str) -> re.Match[str] | None:
    return re.fullmatch(r"run-(\d+)", name)


def _run_to_resume(project: Project, name: str | None) -> Path:
    candidates = [find_run(project, name)] if name is not None else project.run_folders()[::-1]
    if not candidates:
        raise TrainingError(
            _("there is no run to resume"), where=str(project.runs), advice=_("Start one with: tuner train")
        )
    for folder in candidates:
        if not summarize(folder).finished:
            return folder
    latest = candidates[0]
    _require_more(summarize(latest), _as_given(project.choices.training, _given(project), read_config(latest)))
    return latest


def _require_more(run: RunSummary, choice: TrainingChoice) -> None:
    """Refuse to go on with a finished run for which the settings ask nothing more."""
    if choice.iters > run.iters:
        return
    if run.state != "ended early":
        raise TrainingError(
            ngettext(
                "{run} is finished: its one step is done",
                "{run} is finished: all its {iters:,} steps are done",
                run.iters,
                run=run.name,
                iters=run.iters,
            ),
            where=str(run.folder),
            advice=_("Train it longer with: tuner train --resume --set iters={more}", more=2 * run.iters),
        )
    if choice.patience == run.settings.patience:
        raise TrainingError(
            ngettext(
                "{run} ended early, after {iteration:,} step",
                "{run} ended early, after {iteration:,} steps",
                run.iteration,
                run=run.name,
                iteration=run.iteration,
            ),
            where=str(run.folder),
            advice=_("Train on all the same with: tuner train --resume --run {run} --set patience=0", run=run.name),
        )
