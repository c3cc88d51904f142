"""One model out of base and adapter, in a folder every program can load, proved before it is put in place.

Runs on the engine's thread.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui_tuner import figures
from tui_tuner.choices import ExportChoice
from tui_tuner.errors import ConfigurationError, ExportError
from tui_tuner.evaluation.tuned import required_run
from tui_tuner.export.licence import licence_of
from tui_tuner.export.model_card import CardFacts, model_card
from tui_tuner.export.proof import QUESTIONS, Likeness, Statement, compare, take_statement
from tui_tuner.export.proof_rows import Proof, ProofRow, keep_proof
from tui_tuner.export.reading import Reading, read_with, reading_rows, template_row
from tui_tuner.export.weights import fused_weights
from tui_tuner.files import new_folder, remove_leftovers, storage_errors, write_text
from tui_tuner.language import _
from tui_tuner.models.catalogue import find_model
from tui_tuner.models.model_files import (
    PROVENANCE,
    copy_tokenizer,
    main_type,
    own_template,
    write_config,
    write_provenance,
)
from tui_tuner.models.quantizing import is_quantized
from tui_tuner.models.writing import require_room, write_weights
from tui_tuner.progress import Emit, Notice, Pace, StopToken
from tui_tuner.project import MANIFEST, Project
from tui_tuner.training.run_config import read_config

FUSED = _("fused model")  # what its proof is called


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
        likeness: how near it is to the tuned model.
        proof: that it is the model that was trained.
    """

    path: Path
    size: int
    weight_type: str
    likeness: Likeness
    proof: Proof


def plan_fuse(project: Project, model: Path, run: Path | None = None) -> FusePlan:
    """Plan to fuse `run`, or the latest tuned run, into `model`.

    Raises:
        ProjectError: nothing has been trained yet, or on another base model.
        ConfigurationError: the chosen name is not a folder's name, or something else is in its place.
    """
    run = required_run(project, run)
    target, name = project.fused_model, project.choices.export.name
    if "/" in name or name.startswith("."):
        raise ConfigurationError(
            _("{name} is not a name for a folder", name=repr(name)),
            where=str(project.folder / MANIFEST),
            advice=_("Choose a name without / that does not begin with a dot, in section [export]."),
        )
    _require_own_place(target)
    choices = project.choices
    return FusePlan(
        model, run, target, choices.export, choices.model.name, choices.model.trust_remote_code, project.data
    )


def _require_own_place(target: Path) -> None:
    """Nothing is ever replaced but an earlier fused model."""
    with storage_errors(target):
        if target.exists() and not (target / PROVENANCE).is_file() and (target.is_file() or any(target.iterdir())):
            raise ConfigurationError(
                _("something that is not a fused model is there already"),
                where=str(target),
                advice=_("Choose another name or another folder, in section [export]."),
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
    remove_leftovers(plan.target)
    stop.check()
    made = fused_weights(plan.model, plan.run, plan.choice, trust_remote_code=plan.trust_remote_code)
    size, weight_type = require_room(plan.target, made.weights), main_type(made.weights)
    raised = is_quantized(plan.model) and not made.quantized
    emit(Notice(_("The fused model takes {size} in {type}.", size=figures.size(size), type=weight_type)))
    if raised:
        emit(Notice(_("The base is quantized: it is written in full precision, so that the tuning is kept.")))
    statement, reading = _statement(plan, emit, stop)
    with new_folder(plan.target) as folder:
        write_config(folder, made.config, made.weights, quantized=made.quantized)
        copy_tokenizer(plan.model, folder)
        write_weights(folder, made.weights, _("Write the fused model"), emit=emit, stop=stop)
        likeness, proof = _proof(plan, folder, (statement, reading), (weight_type, made.squeezed), emit, stop)
        emit(proof)
        _require_proof(plan, likeness, proof)
        _write_story(plan, folder, weight_type, proof)
    return FusedModel(plan.target, size, weight_type, likeness, proof)


def _statement(plan: FusePlan, emit: Emit, stop: StopToken) -> tuple[Statement, Reading]:
    from tui_tuner.models.loading import load_pair

    pace = _questions(_("Ask the tuned model"), emit)
    base, tuned = load_pair(plan.model, plan.run, trust_remote_code=plan.trust_remote_code)
    statement, reading = take_statement(base, tuned, stop, pace.advance), read_with(base.tokenizer)
    del base, tuned
    _free_memory()
    pace.finish()
    return statement, reading


def _proof(
    plan: FusePlan,
    folder: Path,
    said: tuple[Statement, Reading],
    written: tuple[str, bool],
    emit: Emit,
    stop: StopToken,
) -> tuple[Likeness, Proof]:
    """Load what was written, and compare it with what base and tuned model have said."""
    from tui_tuner.models.loading import load_model

    (statement, reading), (weight_type, squeezed) = said, written
    pace = _questions(_("Prove the fused model"), emit)
    fused = load_model(folder, trust_remote_code=plan.trust_remote_code)
    likeness = compare(statement, fused, weight_type, squeezed=squeezed, stop=stop, each=pace.advance)
    pace.finish()
    rows = [*likeness.rows(), *reading_rows(reading, read_with(fused.tokenizer), fused.tokenizer)]
    template = own_template(folder)
    if isinstance(template, str):
        rows.append(_template_inside(reading, fused.tokenizer, template))
    del fused
    _free_memory()
    return likeness, Proof.of(FUSED, rows)


def _questions(stage: str, emit: Emit) -> Pace:
    """A stage of as many questions as a proof asks: a large model takes its time over each."""
    return Pace(stage, len(QUESTIONS), _("questions"), emit)


def _template_inside(reading: Reading, tokenizer: Any, template: str) -> ProofRow:
    """The template that programs find that look into `tokenizer_config.json` alone, as Ollama's import does."""
    found = template_row(_("template inside"), reading, read_with(tokenizer, template), tokenizer)
    if found.verdict == "passed":
        return ProofRow.of(found.name, True, _("tokenizer_config.json holds the same one"), "")
    return found


def _require_proof(plan: FusePlan, likeness: Likeness, proof: Proof) -> None:
    if proof.passed:
        return
    advice = _("Nothing was kept. This is a mistake of the program or of a library: please report it with your model.")
    if likeness.squeezed and not likeness.passed:
        advice = _(
            "Squeezing the weights again has lost the tuning. Write it in full precision: "
            "--set dequantize=true --set quantize=none"
        )
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
    # One that was squeezed here no longer has its card: the folder it was made from does.
    source = find_model(plan.model_name)
    licence = licence_of(plan.model_name, plan.model, *([source] if source else []))
    facts = CardFacts(plan.target.name, plan.model_name, licence, weight_type, plan.data)
    write_text(folder / "README.md", model_card(facts, read_config(plan.run), proof))
    write_provenance(folder, {"model": plan.model_name, "run": plan.run.name, "license": licence})
    keep_proof(folder, proof)


def usage_of(fused: Path, project: Project | None = None) -> list[str]:
    """Commands that use the model in `fused`, `project`'s where it is one's, to be copied into a shell."""
    path = shlex.quote(str(fused))
    commands = [f"mlx_lm.chat --model {path}", f"mlx_lm.server --model {path}"]
    return [f"tuner chat --project {shlex.quote(str(project.folder))}", *commands] if project else commands
