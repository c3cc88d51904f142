"""Who can be compared: the base, tuned runs and their checkpoints, the fused model, models in Ollama."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui_tuner.errors import ModelError, ProjectError, UsageError
from tui_tuner.evaluation.tuned import required_run
from tui_tuner.file_versions import fingerprint
from tui_tuner.language import _
from tui_tuner.models.model_files import read_provenance
from tui_tuner.plain_text import one_line
from tui_tuner.project import Project

BASE, TUNED, FUSED = "base", "tuned", "fused"
RUN, OLLAMA = "run:", "ollama:"
ADAPTER = "adapters.safetensors"


@dataclass(frozen=True)
class Column:
    """Somebody who answers.

    Attributes:
        name: what a person types, and what its answers are kept under: `base`, `tuned`, `run-2`, `run-2@400`,
            `fused`, `ollama:mistral:7b`.
        path: the model's folder; None for one in Ollama.
        adapter: the folder whose adapter is applied to it.
        run: the run it comes from; empty where it comes from none.
        model: of one in Ollama, its name there.
        url: where that server listens; empty for the usual place.
        trust_remote_code: run Python code that comes with the model.
    """

    name: str
    path: Path | None = None
    adapter: Path | None = None
    run: str = ""
    model: str = ""
    url: str = ""
    trust_remote_code: bool = False

    @property
    def label(self) -> str:
        """How a person reads it."""
        return _("tuned {run}", run=self.run) if self.name == TUNED else self.name

    def made_of(self) -> dict[str, Any]:
        """What its answers depend on, as plain JSON: other weights under the same name are another column.

        Raises:
            StorageError: the adapter cannot be read.
        """
        facts: dict[str, Any] = {"label": self.label, "run": self.run}
        if self.adapter is not None:
            facts["adapter"] = fingerprint(self.adapter / ADAPTER)
        elif self.name == FUSED and self.path is not None:
            # Reading gigabytes for a fingerprint would take longer than answering: when they were written has to do.
            files = sorted(self.path.glob("*.safetensors"))
            facts["written"] = [f"{file.name} {file.stat().st_size} {file.stat().st_mtime_ns}" for file in files]
        return facts


def find_columns(project: Project, base: Path, names: Sequence[str], ollama_url: str = "") -> tuple[Column, ...]:
    """The columns that `names` name, each once, in this order.

    Args:
        project: whose runs and fused model they are.
        base: the base model's folder.
        names: `base`, `tuned` (the latest run), a run, `RUN@STEP`, `fused`, or `ollama:MODEL`; `run:NAME` for a run
            that is called like one of these.
        ollama_url: where Ollama listens.

    Raises:
        UsageError: fewer than two, or nobody of this name.
        ProjectError: nothing has been trained yet, or on another base model.
        ModelError: there is no fused model.
    """
    found = tuple(_column(project, base, name, ollama_url) for name in dict.fromkeys(n.strip() for n in names))
    if len(found) < 2:
        raise UsageError(
            _("a comparison needs two who answer"), advice=_("For example: tuner compare --column base --column tuned")
        )
    return found


def _column(project: Project, base: Path, name: str, ollama_url: str) -> Column:
    trust = project.choices.model.trust_remote_code
    if name == BASE:
        return Column(BASE, base, trust_remote_code=trust)
    if name == TUNED:
        run = required_run(project)
        return Column(TUNED, base, run, run.name, trust_remote_code=trust)
    if name == FUSED:
        return _fused(project, trust)
    if name.startswith(OLLAMA):
        model = name.removeprefix(OLLAMA)
        if not model:
            raise UsageError(_("which model in Ollama?"), advice=_("For example: ollama:mistral:7b"))
        return Column(name, model=model, url=ollama_url)
    return _of_run(project, base, name, trust)


def _fused(project: Project, trust: bool) -> Column:
    folder = project.fused_model
    if not (folder / "config.json").is_file():
        raise ModelError(
            _("there is no fused model yet"), where=str(folder), advice=_("Make it: step Export, or tuner fuse.")
        )
    return Column(FUSED, folder, run=str(read_provenance(folder).get("run", "")), trust_remote_code=trust)


def _of_run(project: Project, base: Path, name: str, trust: bool) -> Column:
    wanted = name.removeprefix(RUN)
    known = {folder.name: folder for folder in project.run_folders()}
    run_name, _at, step = wanted.rpartition("@")
    if wanted in known:
        return Column(name, base, required_run(project, known[wanted]), wanted, trust_remote_code=trust)
    if run_name in known:
        run = required_run(project, known[run_name])
        return Column(name, base, _checkpoint(run, step), run_name, trust_remote_code=trust)
    raise ProjectError(
        _("there is nobody called {name} to compare", name=repr(one_line(name, 60))),
        where=str(project.folder),
        advice=_(
            "Known: base, tuned, fused, ollama:MODEL, RUN@STEP and {runs}.", runs=", ".join(known) or _("no run yet")
        ),
    )


def _checkpoint(run: Path, step: str) -> Path:
    folder = run / "checkpoints" / step
    if step and (folder / ADAPTER).is_file():
        return folder
    kept = sorted(kept_checkpoints(run))
    raise ProjectError(
        _("{run} has no checkpoint of step {step}", run=run.name, step=one_line(step, 20)),
        where=str(run / "checkpoints"),
        advice=_("Kept: {steps}.", steps=", ".join(map(str, kept)) or _("none")),
    )


def kept_checkpoints(run: Path) -> list[int]:
    """After how many steps the checkpoints that `run` keeps were made."""
    return [int(path.parent.name) for path in run.glob(f"checkpoints/*/{ADAPTER}") if path.parent.name.isdigit()]


def run_column(name: str) -> str:
    """The name of the column of the run called `name`, whatever it is called."""
    return f"{RUN}{name}" if name in (BASE, TUNED, FUSED) or name.startswith(OLLAMA) else name
