"""The GGUF file of a project: what is planned, and where it goes."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from tui_tuner.errors import ConfigurationError
from tui_tuner.export.fused import fused_folder
from tui_tuner.export.proof_rows import kept_proofs
from tui_tuner.files import storage_errors
from tui_tuner.language import _
from tui_tuner.models.model_files import PROVENANCE
from tui_tuner.project import MANIFEST, Project

if TYPE_CHECKING:
    from tui_tuner.export.gguf.write import GgufPlan


def gguf_folder(project: Project) -> Path:
    """Where the file of the chosen type goes: `exports/NAME-TYPE/`."""
    return project.folder / "exports" / f"{project.fused_model.name}-{project.choices.export.gguf_type}"


def plan_gguf(project: Project) -> GgufPlan:
    """Plan to write the project's fused model as GGUF.

    Raises:
        ExportError: there is no fused model, or nothing proves it.
        ConfigurationError: something else is where it would go.
    """
    fused, target = fused_folder(project), gguf_folder(project)
    with storage_errors(target):
        if target.exists() and not (target / PROVENANCE).is_file():
            raise ConfigurationError(
                _("something that is not a model is there already"),
                where=str(target),
                advice=_("Move it away, or choose another name, in section [export] of {file}.", file=MANIFEST),
            )
    from tui_tuner.export.gguf.tensors import weight_type_of
    from tui_tuner.export.gguf.write import GgufPlan

    weight_type, trust = weight_type_of(project.choices.export.gguf_type), project.choices.model.trust_remote_code
    return GgufPlan(fused.path, target, weight_type, fused.path.name, trust)


def gguf_files(project: Project) -> list[Path]:
    """The GGUF files that were made of the fused model and proved.

    One of an earlier fused model has no proof beside this one, and is another model.
    """
    proved = {proof.what for proof in kept_proofs(project.fused_model) if proof.passed}
    found = sorted((project.folder / "exports").glob("[!.]*/*.gguf"))
    return [path for path in found if f"GGUF {path.parent.name}" in proved]


def usage_of_gguf(folder: Path) -> list[str]:
    """Commands that use the file in `folder`, to be copied into a shell."""
    file = shlex.quote(str(folder / f"{folder.name}.gguf"))
    return [f"llama-cli -m {file}", f"llama-server -m {file}", f"lms import {file}"]
