"""Where a tuned model can go, a row each: the key that does it, and how far it is."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content

from tui_tuner.actions import key_of
from tui_tuner.export.proof_rows import MARKS, Proof, Verdict
from tui_tuner.language import _, ngettext
from tui_tuner.plain_text import one_line
from tui_tuner.project import Project
from tui_tuner.screens.proof_text import COLOURS

QUIET = "$foreground 65%"


@dataclass(frozen=True)
class Place:
    """Somewhere a model can go.

    Attributes:
        key: as the core calls it.
        name: as a person does.
        action: the screen's action that brings it there.
        proof: how what its proofs are called begins.
        hint: what it is good for, while it has not been done.
    """

    key: str
    name: str
    action: str
    proof: str
    hint: str


PLACES: tuple[Place, ...] = (
    Place("fuse", _("Fused model"), "start", _("fused model"), _("one folder that mlx_lm and others load")),
    Place("ollama", "Ollama", "hand_on('ollama')", "Ollama", _("to run it there; asks before it replaces one")),
    Place("lm-studio", "LM Studio", "hand_on('lm-studio')", "LM Studio", _("where LM Studio finds it")),
    Place("gguf", "GGUF", "hand_on('gguf')", "GGUF", _("one file for llama.cpp and many others")),
    Place("hub", "Hugging Face", "hand_on('hub')", "Hugging Face", _("shows first what would leave this machine")),
)


def place_of(key: str) -> Place:
    """The place known by `key`."""
    return next(place for place in PLACES if place.key == key)


def proof_of(place: Place, proofs: Sequence[Proof]) -> Proof | None:
    """The latest proof of what is at a place."""
    found = [proof for proof in proofs if proof.what.startswith(place.proof)]
    return found[-1] if found else None


def place_row(place: Place, proof: Proof | None) -> Content:
    """A place on one line."""
    key = key_of("export", place.action)
    head = Content.assemble(" ", (f"{key:<2}", "$accent"), f"{place.name:<14}")
    if proof is None:
        return head + Content.assemble((f"– {place.hint}", QUIET))
    verdict: Verdict = "passed" if proof.passed else "differs"
    differing = [row.name for row in proof.rows if row.verdict == "differs"]
    unproved = [row.name for row in proof.rows if row.verdict == "unproved"]
    told = _("{names} differ", names=", ".join(differing))
    if proof.passed:
        passed = len(proof.rows) - len(unproved)
        told = ngettext("{number} row passed", "{number} rows passed", passed)
        told += _(", {number} not proved", number=len(unproved)) if unproved else ""
    what = proof.what.removeprefix(place.proof).strip()
    when = proof.made[:16].replace("T", " ")
    parts = [part for part in (what, told, when) if part]
    return head + Content.assemble((f"{MARKS[verdict]} ", COLOURS[verdict]), (one_line(" · ".join(parts), 120), QUIET))


def commands_of(place: Place, project: Project, proof: Proof | None) -> list[str]:
    """Commands that use what is at a place, to be copied into a shell."""
    if proof is None or not proof.passed:
        return []
    what = proof.what.removeprefix(place.proof).strip()
    if place.key == "fuse":
        from tui_tuner.export.fuse import usage_of

        return usage_of(project.fused_model, project)
    if place.key == "ollama":
        return [f"ollama run {shlex.quote(what)}"]
    if place.key == "lm-studio":
        from tui_tuner.export.lm_studio import name_there

        return ["lms ls", f"lms load {shlex.quote(name_there(project))}"]
    if place.key == "gguf":
        from tui_tuner.export.gguf.of_project import usage_of_gguf

        return usage_of_gguf(project.folder / "exports" / what)
    return [f"hf download {shlex.quote(what)}"]
