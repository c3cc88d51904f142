"""The fused model, or its GGUF file, where LM Studio finds it: `<models>/<publisher>/<model>/`, listed as it is.

Where the models are is read as LM Studio's own command line finds it: its home is `~/.lmstudio`, or what the file
`~/.lmstudio-home-pointer` names, or the older `~/.cache/lm-studio`; its `settings.json` may name another folder for
downloads. It runs MLX folders on a Mac and GGUF files everywhere. Files on the same disk are linked, not copied.

Written from LM Studio's documentation (lmstudio.ai/docs/app/advanced/import-model); not tried with the program itself.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from tui_tuner import figures
from tui_tuner.errors import ExportError
from tui_tuner.export.fused import FusedFolder, fused_folder
from tui_tuner.export.gguf.of_project import gguf_files, gguf_folder
from tui_tuner.export.ollama_export import NameTaken
from tui_tuner.export.proof_rows import Proof, ProofRow, keep_proof
from tui_tuner.files import new_folder, remove_leftovers, storage_errors
from tui_tuner.language import _
from tui_tuner.models.writing import require_bytes
from tui_tuner.progress import Emit, Notice, Pace, StopToken
from tui_tuner.project import Project

PUBLISHER = "tuner"
POINTER, HOME, OLDER = ".lmstudio-home-pointer", ".lmstudio", ".cache/lm-studio"
MEGABYTE = 1_000_000
BLOCK = 1 << 20


@dataclass(frozen=True)
class LmStudioPlan:
    """Everything an export to LM Studio depends on.

    Attributes:
        fused: the model, with which its proofs lie.
        source: the folder that is brought there: the model's own, or that of its GGUF file.
        parts: the files in it that are.
        target: its folder among LM Studio's models.
        replace: an earlier one there may be replaced.
    """

    fused: FusedFolder
    source: Path
    parts: tuple[str, ...]
    target: Path
    replace: bool = False

    @property
    def size(self) -> int:
        """Bytes of its parts."""
        with storage_errors(self.source):
            return sum((self.source / name).stat().st_size for name in self.parts)


def models_folder(home: Path) -> Path | None:
    """Where the LM Studio of the person whose home is `home` keeps its models; None where there is none."""
    places = [home / HOME, home / OLDER]
    try:
        named = (home / POINTER).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        named = ""
    if named:
        places.insert(0, Path(named).expanduser())
    found = next((place for place in places if place.is_dir()), None)
    return _downloads(found) if found else None


def _downloads(place: Path) -> Path:
    try:
        settings = json.loads((place / "settings.json").read_bytes())
        named = settings.get("downloadsFolder")
    except (OSError, ValueError, AttributeError):
        named = None
    return Path(named).expanduser() if isinstance(named, str) and named else place / "models"


def plan_lm_studio(project: Project, *, replace: bool = False, home: Path | None = None) -> LmStudioPlan:
    """Plan to put the project's fused model, or its GGUF file, among LM Studio's.

    Raises:
        ExportError: there is no fused model, no GGUF file of it, or no LM Studio.
    """
    fused = fused_folder(project)
    folder = models_folder(home or Path.home())
    if folder is None:
        raise ExportError(
            _("there is no LM Studio here"),
            advice=_("Start it once, so that it makes its folder, or get it from https://lmstudio.ai"),
        )
    source, parts = fused.path, fused.parts
    if project.choices.export.lm_studio == "gguf":
        source, parts = _gguf(project)
    return LmStudioPlan(fused, source, parts, folder / PUBLISHER / name_there(project), replace)


def name_there(project: Project) -> str:
    """What LM Studio lists the model under."""
    as_gguf = project.choices.export.lm_studio == "gguf"
    return gguf_folder(project).name if as_gguf else project.fused_model.name


def _gguf(project: Project) -> tuple[Path, tuple[str, ...]]:
    """The GGUF file of the chosen type."""
    folder = gguf_folder(project)
    file = f"{folder.name}.gguf"
    if folder / file not in gguf_files(project):
        raise ExportError(
            _("there is no GGUF file of this model yet"),
            where=str(folder / file),
            advice=_("Make it in the Export step, or with: tuner export gguf"),
        )
    return folder, (file,)


def export_to_lm_studio(plan: LmStudioPlan, *, emit: Emit, stop: StopToken) -> Path:
    """Put it there, whole or not at all; its folder.

    Raises:
        NameTaken: there is one of that name.
        StorageError: it does not fit on the disk, or the folder is not writable.
        ExportError: what arrived is not what was sent.
        Stopped: asked to; nothing is left.
    """
    if plan.target.exists() and not plan.replace:
        raise NameTaken(
            _("there is a model of that name already"),
            where=str(plan.target),
            advice=_("Replace it with --replace, or fuse under another name."),
        )
    remove_leftovers(plan.target)
    linked = _same_disk(plan.source, plan.target)
    if not linked:
        require_bytes(plan.target, plan.size)
    pace = Pace(_("Put it into LM Studio"), plan.size / MEGABYTE, "MB", emit)
    with new_folder(plan.target) as folder:
        damaged = [name for name in plan.parts if not _bring(plan.source, folder, name, pace, stop)]
        row = ProofRow.of(
            _("files"),
            not damaged,
            ", ".join(damaged) or _("{number} files, byte for byte", number=len(plan.parts)),
            _("What arrived is not what was sent: the disk may be failing."),
        )
        asked = ProofRow("LM Studio", "unproved", _("not asked"), _("Load it there: the files are those proved here."))
        proof = Proof.of("LM Studio", [row, asked])
        emit(proof)
        keep_proof(plan.fused.path, proof)
        if damaged:
            raise ExportError(_("what arrived is not what was sent: {names}", names=", ".join(damaged)))
    pace.finish()
    how = _("linked, it takes no room") if linked else figures.size(plan.size)
    emit(
        Notice(
            _(
                "It is in {folder} ({how}); LM Studio lists it under {name}.",
                folder=plan.target,
                how=how,
                name=plan.target.name,
            )
        )
    )
    return plan.target


def _same_disk(source: Path, target: Path) -> bool:
    place = next(folder for folder in (target, *target.parents) if folder.exists())
    with storage_errors(place):
        return source.stat().st_dev == place.stat().st_dev


def _bring(source: Path, folder: Path, name: str, pace: Pace, stop: StopToken) -> bool:
    """Link or copy one file; whether it is the same there."""
    stop.check()
    original, copied = source / name, folder / name
    with storage_errors(copied):
        copied.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(original, copied)
        except OSError:  # another disk, or one without links
            sent = _copy(original, copied, pace, stop)
            return sent == _digest(copied, stop)
        pace.advance(original.stat().st_size / MEGABYTE, detail=name)
        return True


def _copy(original: Path, copied: Path, pace: Pace, stop: StopToken) -> str:
    digest = hashlib.sha256()
    with original.open("rb") as source, copied.open("wb") as target:
        while block := source.read(BLOCK):
            stop.check()
            target.write(block)
            digest.update(block)
            pace.advance(len(block) / MEGABYTE, detail=original.name)
        target.flush()
        os.fsync(target.fileno())
    return digest.hexdigest()


def _digest(path: Path, stop: StopToken) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            stop.check()
            digest.update(block)
    return digest.hexdigest()
