"""What else in a project comes from a training run, and taking a run away knowing that."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from tui_tuner.errors import StorageError
from tui_tuner.files import storage_errors
from tui_tuner.language import _
from tui_tuner.project import Project


def uses_of(project: Project, run: Path) -> list[str]:
    """Who uses `run`, each in a sentence; empty where nobody does."""
    from tui_tuner.models.model_files import read_provenance

    found = []
    if project.tuned_run() == run:
        others = [path for path in project.run_folders() if path != run and (path / "adapters.safetensors").is_file()]
        after = _("then {run} takes its place", run=others[-1].name) if others else _("then there is no tuned model")
        found.append(_("Compare, Export and Chat use its adapter; {after}.", after=after))
    if count := comparisons_with(project, run.name):
        found.append(_("Comparisons made with it: {count}; they stay.", count=count))
    if str(read_provenance(project.fused_model).get("run", "")) == run.name:
        found.append(_("The fused model was made from it; it stays, and works without it."))
    return found


def comparisons_with(project: Project, name: str) -> int:
    """How many comparisons were made with the run called `name`."""
    from tui_tuner.evaluation.kept_comparisons import list_comparisons, read_comparison, runs_in

    count = 0
    for path in list_comparisons(project):
        with contextlib.suppress(StorageError):  # one that cannot be read names nobody
            count += name in runs_in(read_comparison(path))
    return count


def delete_run(run: Path) -> None:
    """Take a run away for good: its adapter, its checkpoints and its story. Nothing may be training it.

    Raises:
        StorageError: its folder cannot be taken away.
    """
    # Renamed first: what a kill in the middle leaves is no run any more.
    gone = run.with_name(f".{run.name}.deleted")
    shutil.rmtree(gone, ignore_errors=True)
    with storage_errors(run):
        run.rename(gone)
    with storage_errors(gone):
        shutil.rmtree(gone)
