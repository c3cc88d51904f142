"""One model out of base and adapter, in a folder every program can load, proved before it is put in place.

Runs on the engine's thread.
"""

from __future__ import annotations

import contextlib
import re
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui_tuner import figures
from tui_tuner.choices import ExportChoice
from tui_tuner.errors import ConfigurationError, ExportError
from tui_tuner.evaluation.tuned import required_run
from tui_tuner.export.model_card import count_rows, model_card
from tui_tuner.export.proof import Proof, Statement, prove, take_statement
from tui_tuner.export.weights import fuse_layers, in_the_types_of
from tui_tuner.files import new_folder, storage_errors, write_text
from tui_tuner.language import _
from tui_tuner.models.model_files import QUANTIZATION_KEYS, copy_tokenizer, main_type, write_config, write_provenance
from tui_tuner.models.writing import flat_weights, require_room, write_weights
from tui_tuner.progress import Emit, Notice, Pace, StopToken
from tui_tuner.project import MANIFEST, Project
from tui_tuner.training.run_config import read_config

__all__ = ["FusePlan", "FusedModel", "Proof", "fuse", "plan_fuse", "usage_of"]


@dataclass(frozen=True)
class FusePlan:
    """Everything fusing depends on.

    Attributes:
        model: the base model's folder.
        run: the training run whose adapter is fused.
        target: the new model's folder; an earlier one there is replaced when the new one is proved.
        choice: how the weights are written.
        model_name: the base model as it was chosen, for the model card.
        trust_remote_code: run Python code that comes with the model.
        data: the dataset's folder, whose examples are counted for the model card.
    """

    model: Path
    run: Path
    target: Path
    choice: ExportChoice
    model_name: str
    trust_remote_code: bool = False
    data: Path | None = None


@dataclass(frozen=True)
class FusedModel:
    """The new model.

    Attributes:
        path: its folder.
        size: of its weights in bytes.
        weight_type: as most of them are stored, such as `bfloat16`.
        proof: that it is the model that was trained.
    """

    path: Path
    size: int
    weight_type: str
    proof: Proof


def plan_fuse(project: Project, model: Path, run: Path | None = None) -> FusePlan:
    """Plan to fuse `run`, or the latest tuned run, into `model`.

    Raises:
        ProjectError: nothing has been trained yet, or on another base model.
        ConfigurationError: the chosen name is not a folder's name.
    """
    run = required_run(project, run)
    target = project.fused_model
    if target.parent != project.folder / "models" or target.name.startswith("."):
        raise ConfigurationError(
            _("{name} is not a name for a folder", name=repr(project.choices.export.name)),
            where=str(project.folder / MANIFEST),
            advice=_("Choose a name without / that does not begin with a dot, in section [export]."),
        )
    choices = project.choices
    return FusePlan(
        model, run, target, choices.export, choices.model.name, choices.model.trust_remote_code, project.data
    )


def fuse(plan: FusePlan, *, emit: Emit, stop: StopToken) -> FusedModel:
    """Make the fused model, prove it and put it in place.

    Raises:
        StorageError: not enough disk space, known before anything is written, or the folder is not writable.
        ModelError: the base or the adapter cannot be loaded.
        ExportError: the fused model is not the trained one, or its layers cannot be fused; an earlier model in the
            same place is as it was.
        Stopped: asked to; likewise.
    """
    _remove_leftovers(plan.target)
    stop.check()
    weights, config, squeezed = _fused_weights(plan)
    size, weight_type = require_room(plan.target, weights), main_type(weights)
    if _is_quantized(config) and plan.choice.dequantize:
        emit(Notice(_("The fused model is written in full precision and takes {size}.", size=figures.size(size))))
    statement = _statement(plan, emit, stop)
    with new_folder(plan.target) as folder:
        write_config(folder, config, weights, quantized=_is_quantized(config) and not plan.choice.dequantize)
        copy_tokenizer(plan.model, folder)
        write_weights(folder, weights, _("Write the fused model"), emit=emit, stop=stop)
        proof = _proof(plan, folder, statement, weight_type, squeezed, emit, stop)
        _write_story(plan, folder, weight_type, proof)
    return FusedModel(plan.target, size, weight_type, proof)


def _fused_weights(plan: FusePlan) -> tuple[dict[str, Any], dict[str, Any], bool]:
    """The new weights by name, not computed yet; the base's configuration; whether some were squeezed again."""
    from tui_tuner.models.loading import apply_adapter, read_modules

    model, config = read_modules(plan.model, trust_remote_code=plan.trust_remote_code)
    base = flat_weights(model)
    apply_adapter(model, plan.run)
    squeezed = fuse_layers(model, dequantize=plan.choice.dequantize)
    return in_the_types_of(base, flat_weights(model)), config, squeezed


def _is_quantized(config: dict[str, Any]) -> bool:
    return any(key in config for key in QUANTIZATION_KEYS)


def _statement(plan: FusePlan, emit: Emit, stop: StopToken) -> Statement:
    from tui_tuner.models.loading import load_pair

    pace = Pace(_("Ask the tuned model"), None, "", emit)
    statement = take_statement(*load_pair(plan.model, plan.run, trust_remote_code=plan.trust_remote_code), stop)
    _free_memory()
    pace.finish()
    return statement


def _proof(
    plan: FusePlan,
    folder: Path,
    statement: Statement,
    weight_type: str,
    squeezed: bool,
    emit: Emit,
    stop: StopToken,
) -> Proof:
    from tui_tuner.models.loading import load_model

    pace = Pace(_("Prove the fused model"), None, "", emit)
    fused = load_model(folder, trust_remote_code=plan.trust_remote_code)
    proof = prove(statement, fused, weight_type, squeezed=squeezed, stop=stop)
    del fused
    _free_memory()
    pace.finish()
    emit(proof)
    if proof.passed:
        return proof
    advice = _("Nothing was kept. This is a mistake of the program or of a library: please report it with your model.")
    if squeezed:
        advice = _("Squeezing the weights again has lost the tuning. Write it in full precision: --set dequantize=true")
    raise ExportError(
        _("the fused model is not the one that was trained: {detail}", detail=proof.detail),
        where=str(plan.run),
        advice=advice,
    )


def _free_memory() -> None:
    """Give the memory of models that are gone back to the system: the next one needs it."""
    import mlx.core as mx

    mx.clear_cache()


def _write_story(plan: FusePlan, folder: Path, weight_type: str, proof: Proof) -> None:
    """Write down what the model is, for a reader and for this program."""
    config = read_config(plan.run)
    card = model_card(plan.target.name, plan.model_name, config, count_rows(plan.data), weight_type, proof)
    write_text(folder / "README.md", card)
    write_provenance(folder, {"model": plan.model_name, "run": plan.run.name, "proof": proof.as_json()})


def _remove_leftovers(target: Path) -> None:
    """Remove what a killed process has left beside `target`; the project's lock says that none is at work.

    Killed between two renames, the earlier model waits beside its place: it is put back.
    """
    beside = re.compile(rf"\.{re.escape(target.name)}\.(old\.)?[a-z0-9_]{{8}}")
    with storage_errors(target), contextlib.suppress(FileNotFoundError):
        for folder in sorted(target.parent.iterdir()):
            if beside.fullmatch(folder.name) and folder.is_dir():
                if (folder / target.name).is_dir() and not target.exists():
                    (folder / target.name).rename(target)
                shutil.rmtree(folder, ignore_errors=True)


def usage_of(fused: Path) -> list[str]:
    """Commands that use the model in `fused`, to be copied into a shell."""
    path = shlex.quote(str(fused))
    commands = [f"mlx_lm.chat --model {path}", f"mlx_lm.server --model {path}"]
    project = fused.parent.parent
    if (project / MANIFEST).is_file():
        commands.insert(0, f"tuner chat --project {shlex.quote(str(project))}")
    return commands
