"""The tuned model in Ollama: brought there, read back, asked, compared, and only then given its name.

It is made under a name of its own, `NAME:tuner-check`. When its proof has passed it gets the name it is to have,
which replaces an earlier model of that name; otherwise it is deleted again, and the earlier one is as it was. Runs on
the engine's thread: what Ollama's model has to answer is asked of the fused model first.
"""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui_tuner.choices import ExportChoice
from tui_tuner.errors import ConfigurationError, ExportError, TeacherError
from tui_tuner.export.chat_form import added_bos, form_of
from tui_tuner.export.fused import FusedFolder, fused_folder
from tui_tuner.export.go_template import go_template
from tui_tuner.export.greedy import speak
from tui_tuner.export.modelfile import MODELFILE, modelfile
from tui_tuner.export.ollama_blobs import Blob, sweep, upload
from tui_tuner.export.ollama_files import files_for_ollama
from tui_tuner.export.ollama_proof import Wanted, ollama_rows
from tui_tuner.export.ollama_store import OllamaStore, full_name
from tui_tuner.export.proof_rows import Proof, keep_proof
from tui_tuner.export.reading import read_with
from tui_tuner.files import write_text
from tui_tuner.language import _
from tui_tuner.progress import Emit, Notice, Pace, StopToken
from tui_tuner.project import MANIFEST, Project
from tui_tuner.teachers.ollama_address import Address, address_for

# Tags under which a model is while it is made: before it is squeezed, until it is proved, and the one it replaces.
FULL, CHECK, OLD = "tuner-full", "tuner-check", "tuner-old"
NAME = re.compile(r"(?:\w[\w.-]*/)*\w[\w.-]*(?::\w[\w.-]*)?", re.ASCII)


class NameTaken(ExportError):
    """There is a model of that name already; whether it may be replaced is the person's to say."""


@dataclass(frozen=True)
class OllamaPlan:
    """Everything an export to Ollama depends on.

    Attributes:
        fused: the model.
        name: what it is to be called there.
        address: where Ollama listens.
        choice: how it is squeezed, and its parameters.
        beside: the folder in which it is written as GGUF on the way, and which is gone afterwards.
        replace: an earlier model of that name may be replaced.
        trust_remote_code: run Python code that comes with the model.
    """

    fused: FusedFolder
    name: str
    address: Address
    choice: ExportChoice
    beside: Path
    replace: bool = False
    trust_remote_code: bool = False

    def under(self, tag: str) -> str:
        """The name with another tag."""
        return f"{full_name(self.name).rpartition(':')[0]}:{tag}"


@dataclass(frozen=True)
class InOllama:
    """A model that is in Ollama now."""

    name: str
    where: str
    proof: Proof


def ollama_name(project: Project) -> str:
    """What the model is called in Ollama where nobody chose a name: the fused model's, in letters Ollama takes."""
    chosen = project.choices.export.ollama_name.strip()
    return chosen or re.sub(r"[^a-z0-9_.-]+", "-", project.fused_model.name.lower()).strip("-.") or "tuned"


def plan_ollama(project: Project, *, replace: bool = False) -> OllamaPlan:
    """Plan to bring the project's fused model into Ollama.

    Raises:
        ExportError: there is no fused model, or one Ollama cannot read.
        ConfigurationError: the chosen name is none, or a parameter.
    """
    fused, choice, name = fused_folder(project), project.choices.export, ollama_name(project)
    where = str(project.folder / MANIFEST)
    if not NAME.fullmatch(name):
        advice = _("Names are like my-model or my-model:latest, in section [export].")
        raise ConfigurationError(_("{name} is no name for Ollama", name=repr(name)), where=where, advice=advice)
    parameters_of(choice, where)
    if fused.quantized:
        raise ExportError(
            _("Ollama cannot read weights that MLX has squeezed"),
            where=str(fused.path),
            advice=_("Fuse with quantize=none, and have Ollama squeeze it: --set ollama_quantize=q4_K_M"),
        )
    trust = project.choices.model.trust_remote_code
    beside = project.folder / "exports" / f".{fused.path.name}-for-ollama"
    return OllamaPlan(fused, name, address_for(choice.ollama_url), choice, beside, replace, trust)


def parameters_of(choice: ExportChoice, where: str = "") -> dict[str, Any]:
    """What `ollama_parameters` says, as numbers, truths and texts.

    Raises:
        ConfigurationError: one is no assignment.
    """
    found: dict[str, Any] = {}
    for text in choice.ollama_parameters:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not re.fullmatch(r"[a-z_]+", name) or not value:
            advice = _("Write them like temperature=0.2; num_ctx=4096, in section [export].")
            raise ConfigurationError(_("{text} is no parameter", text=repr(text)), where=where, advice=advice)
        found[name] = _plain(value)
    return found


def _plain(text: str) -> Any:
    """A number, a truth or a text: Ollama refuses "2048" where it wants 2048."""
    with contextlib.suppress(ValueError):
        value = json.loads(text)
        return value if isinstance(value, int | float | bool) else text
    return text


def export_to_ollama(plan: OllamaPlan, *, emit: Emit, stop: StopToken) -> InOllama:
    """Bring the model into Ollama, prove it there, and give it its name.

    Raises:
        ExportError: the name is taken, or the model there is not the one that was trained; it is deleted again.
        TeacherError: Ollama does not answer, refuses the model, or its disk is full.
        StorageError: a file cannot be read.
        Stopped: asked to; what was uploaded is used again the next time.
    """
    with contextlib.closing(OllamaStore(plan.address)) as server:
        try:
            server.version()
        except TeacherError as error:
            file = _write_modelfile(plan, _wanted(plan, emit, stop))
            words = {"advice": error.advice, "name": plan.name, "file": shlex.quote(str(file))}
            error.advice = _("{advice} Or, once it runs: ollama create {name} -f {file}", **words).strip()
            raise
        if not plan.replace and server.has_model(plan.name):
            raise NameTaken(
                _("there is a model {name} already", name=plan.name),
                where=server.where,
                advice=_("Replace it with --replace, or choose another name: --set ollama_name=..."),
            )
        return _brought(server, plan, _wanted(plan, emit, stop), emit, stop)


def _write_modelfile(plan: OllamaPlan, wanted: Wanted) -> Path:
    """Beside the weights, for whoever brings the model there by hand."""
    path = plan.fused.path / MODELFILE
    write_text(path, modelfile(wanted.template, wanted.stops, parameters_of(plan.choice)))
    return path


def _brought(server: OllamaStore, plan: OllamaPlan, wanted: Wanted, emit: Emit, stop: StopToken) -> InOllama:
    try:
        return _imported(server, plan, wanted, files_for_ollama(plan, wanted.bos, emit, stop), emit, stop)
    finally:
        shutil.rmtree(plan.beside, ignore_errors=True)


def _imported(
    server: OllamaStore, plan: OllamaPlan, wanted: Wanted, blobs: list[Blob], emit: Emit, stop: StopToken
) -> InOllama:
    upload(server, blobs, emit=emit, stop=stop)
    try:
        _create(server, plan, wanted, blobs, emit, stop)
        pace = Pace(_("Prove it in Ollama"), None, "", emit)
        proof = Proof.of(f"Ollama {plan.name}", ollama_rows(server, plan.under(CHECK), wanted, stop))
        pace.finish()
        emit(proof)
        keep_proof(plan.fused.path, proof)
        if not proof.passed:
            raise ExportError(
                _("the model in Ollama is not the one that was trained: {detail}", detail=proof.detail),
                where=server.where,
                advice=_("It was deleted there again. Squeeze it less, or use the fused model as it is."),
            )
        if server.has_model(plan.name):
            server.copy(plan.name, plan.under(OLD))
        server.copy(plan.under(CHECK), plan.name)
    finally:
        _clear_away(server, plan, blobs, emit)
    emit(Notice(_("{name} is in {where}. Talk with it: ollama run {name}", name=plan.name, where=server.where)))
    return InOllama(plan.name, server.where, proof)


def _create(
    server: OllamaStore, plan: OllamaPlan, wanted: Wanted, blobs: list[Blob], emit: Emit, stop: StopToken
) -> None:
    """Have it made; squeezed in a second step, so that the full one can be deleted and leaves nothing behind."""
    quantize = plan.choice.ollama_quantize
    first = CHECK if quantize == "none" else FULL
    body = creation(plan, wanted)
    files = {blob.name: blob.digest for blob in blobs}
    server.create({**body, "model": plan.under(first), "files": files}, emit=emit, stop=stop)
    if first == FULL:
        how = {"from": plan.under(FULL), "quantize": quantize.upper()}
        server.create({**body, "model": plan.under(CHECK), **how}, emit=emit, stop=stop)


def _clear_away(server: OllamaStore, plan: OllamaPlan, blobs: list[Blob], emit: Emit) -> None:
    """Take away the names it was made under, the memory it took, and the files it was made of."""
    with contextlib.suppress(TeacherError):
        there = {full_name(model.name) for model in server.models()}
        for tag in (CHECK, FULL, OLD):
            # The earlier model is let go only once there is a new one.
            if plan.under(tag) in there and (tag != OLD or full_name(plan.name) in there):
                server.evict(plan.under(tag))
                server.delete(plan.under(tag))
    with contextlib.suppress(TeacherError):
        if left := sweep(server, blobs):
            emit(_left_behind(left))


def _left_behind(left: int) -> Notice:
    from tui_tuner import figures

    text = _(
        "About {size} of uploaded files stay in Ollama's store until it is started again.", size=figures.size(left)
    )
    return Notice(text)


def _wanted(plan: OllamaPlan, emit: Emit, stop: StopToken) -> Wanted:
    """Hear the fused model, and put its chat template into Ollama's words."""
    from tui_tuner.models.loading import load_model

    pace = Pace(_("Ask the fused model"), None, "", emit)
    loaded = load_model(plan.fused.path, trust_remote_code=plan.trust_remote_code)
    tokenizer, reading = loaded.tokenizer, read_with(loaded.tokenizer)
    form = form_of(tokenizer, reading)
    template, today = go_template(form) if form else "", time.strftime("%d %b %Y")
    if form is None:
        text = _("This chat template does more than Ollama's can be told here; Ollama looks for one it knows.")
        emit(Notice(text, "warning"))
    elif today in template:  # as Llama 3's say it; Ollama has no word for it
        text = _("The chat template tells the model the date: in Ollama it stays {today}.", today=today)
        emit(Notice(text, "warning"))
    thinks, thoughtless = (form.thinks, form.thoughtless) if form else (False, "")
    spoken = speak(loaded, stop)
    del loaded
    _free_memory()
    pace.finish()
    stops = tuple(sorted(filter(None, (tokenizer.decode([token]) for token in reading.ends))))
    bos, quantize = added_bos(tokenizer), plan.choice.ollama_quantize
    return Wanted(template, stops, bos, reading, spoken, tokenizer, quantize, thinks, thoughtless)


def _free_memory() -> None:
    import mlx.core as mx

    mx.clear_cache()


def creation(plan: OllamaPlan, wanted: Wanted) -> dict[str, Any]:
    """What a request that makes the model says, besides what it is made of and called."""
    body: dict[str, Any] = {"parameters": {"stop": list(wanted.stops), **parameters_of(plan.choice)}, "stream": True}
    if wanted.template:
        body["template"] = wanted.template
    if licence := _licence(plan.fused.path):
        body["license"] = licence
    return body


def _licence(folder: Path) -> str:
    """The licence that lies with the model, if any."""
    for path in sorted(folder.glob("LICENSE*")):
        with contextlib.suppress(OSError):
            return path.read_text(encoding="utf-8", errors="replace")
    return ""
