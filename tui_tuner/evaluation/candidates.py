"""Everybody who could answer in a comparison: what each is, and why one cannot be had."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tui_tuner import figures
from tui_tuner.errors import TeacherError, TunerError
from tui_tuner.evaluation.columns import ADAPTER, BASE, FUSED, OLLAMA, TUNED, kept_checkpoints, run_column
from tui_tuner.language import _
from tui_tuner.models.model_files import read_provenance
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Event
from tui_tuner.project import Project

if TYPE_CHECKING:
    from tui_tuner.teachers.ollama import OllamaModel

QUICKLY = 1.0  # seconds a server has to say which models it has


@dataclass(frozen=True)
class Candidate(Event):
    """Somebody who could answer.

    Attributes:
        name: of the column, as `evaluation.columns.find_columns` takes it; empty where it stands for a whole server.
        about: what it is, in a few words.
        missing: why it cannot be had, and what to do; empty where it can.
    """

    name: str
    about: str
    missing: str = ""


def candidates(project: Project, base: Path | None) -> list[Candidate]:
    """Who there is without a server: base, tuned, fused, then every run with the checkpoints it keeps, newest first.

    Args:
        project: whose they are.
        base: the base model's folder; None where it is not on this machine.
    """
    name = project.choices.model.name
    absent = "" if base else _("the base model is not on this machine: step Environment, or tuner check")
    found = [Candidate(BASE, _("{name}, as it came", name=one_line(name, 60)), absent), _tuned(project, absent)]
    found.append(_fused(project))
    for run in reversed(project.run_folders()):
        found += _of_run(project, run, absent)
    return found


def candidates_in_ollama(url: str = "") -> list[Candidate]:
    """The models that Ollama at `url`, or at its usual place, has; one that says why where nobody answers soon."""
    from tui_tuner.teachers.ollama import OllamaServer
    from tui_tuner.teachers.ollama_address import address_for

    server = OllamaServer(address_for(url), patience=QUICKLY)
    try:
        models = [model for model in server.models() if model.can_chat]
    except TeacherError as error:
        return [Candidate("", _("models in Ollama"), one_line(f"{error.what}. {error.advice}", 200))]
    finally:
        server.close()
    if not models:
        none = _("it has none that can write; for example: ollama pull mistral:7b")
        return [Candidate("", _("models in Ollama"), none)]
    return [_in_ollama(model) for model in models]


def _in_ollama(model: OllamaModel) -> Candidate:
    about = " · ".join(part for part in (model.parameter_size, figures.size(model.size)) if part)
    elsewhere = _("it runs on another machine: what is asked would leave this one; --column takes it all the same")
    missing = elsewhere if model.remote else ""
    return Candidate(f"{OLLAMA}{model.name}", _("in Ollama, {about}", about=about), missing)


def with_chosen(found: Sequence[Candidate], chosen: Sequence[str]) -> list[Candidate]:
    """`found`, and those of the `chosen` names who are not among them, so that they can be taken off the list."""
    known = {one.name for one in found}
    gone = _("nobody of this name is here now")
    return [*found, *(Candidate(name, "", gone) for name in chosen if name not in known)]


def _tuned(project: Project, absent: str) -> Candidate:
    run = project.tuned_run()
    if run is None:
        return Candidate(TUNED, _("the newest trained model"), _("nothing is trained yet: step Train, or tuner train"))
    about = _("the newest trained model, now {run}", run=run.name)
    return Candidate(TUNED, about, absent or _other_base(project, run))


def _fused(project: Project) -> Candidate:
    folder = project.fused_model
    if not (folder / "config.json").is_file():
        return Candidate(FUSED, _("base and adapter as one"), _("not made yet: step Export, or tuner fuse"))
    run = one_line(str(read_provenance(folder).get("run", "")), 60)
    return Candidate(FUSED, _("base and {run} as one", run=run) if run else _("base and adapter as one"))


def _of_run(project: Project, run: Path, absent: str) -> Iterator[Candidate]:
    name = run_column(run.name)
    if not (run / ADAPTER).is_file():
        yield Candidate(name, _("a run"), _("it has no adapter yet: those come with the first look at held-out rows"))
        return
    missing = absent or _other_base(project, run)
    yield Candidate(name, _about_run(run), missing)
    for step in sorted(kept_checkpoints(run), reverse=True):
        yield Candidate(f"{name}@{step}", _("{run} as it was after step {step}", run=run.name, step=step), missing)


def _about_run(run: Path) -> str:
    from tui_tuner.training.runs import summarize

    try:
        summary = summarize(run)
    except TunerError:  # its adapter may be good all the same
        return _("a run")
    parts = [_("{done} of {all} steps", done=summary.iteration, all=summary.iters)]
    if summary.best_loss is not None:
        parts.append(_("held-out loss {loss}", loss=f"{summary.best_loss:.3f}"))
    return ", ".join([*parts, *([one_line(summary.note, 60)] if summary.note else [])])


def _other_base(project: Project, run: Path) -> str:
    from tui_tuner.evaluation.tuned import required_run

    try:
        required_run(project, run)
    except TunerError as error:
        return one_line(error.what, 160)
    return ""
