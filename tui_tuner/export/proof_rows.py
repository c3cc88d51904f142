"""What was compared after a model was made or handed on, row by row; kept with the model and read again later.

A row passed, or differs, or could not be proved: then it says so, instead of being left out.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, cast

from tui_tuner.language import _
from tui_tuner.models.model_files import read_provenance, write_provenance
from tui_tuner.progress import Event

Verdict = Literal["passed", "differs", "unproved"]
VERDICTS: tuple[Verdict, ...] = ("passed", "differs", "unproved")
MARKS: dict[Verdict, str] = {"passed": "✓", "differs": "✗", "unproved": "?"}
PROOFS = "proofs"


@dataclass(frozen=True)
class ProofRow:
    """One thing that was compared.

    Attributes:
        name: what, in a few words.
        verdict: whether it is the same; `unproved` where nobody could look.
        finding: what was found.
        meaning: what follows from a difference, or why it could not be proved; empty where all is well.
    """

    name: str
    verdict: Verdict
    finding: str
    meaning: str = ""

    @classmethod
    def of(cls, name: str, passed: bool, finding: str, meaning: str) -> ProofRow:
        """A row that passed, or differs with its `meaning`."""
        return cls(name, "passed", finding) if passed else cls(name, "differs", finding, meaning)


@dataclass(frozen=True)
class Proof(Event):
    """All that was compared of one thing.

    Attributes:
        what: of which thing, such as "fused model"; a later proof of the same replaces it.
        passed: no row differs.
        rows: one by one.
        made: when, in UTC.
    """

    what: str
    passed: bool
    rows: tuple[ProofRow, ...]
    made: str = ""

    @classmethod
    def of(cls, what: str, rows: Iterable[ProofRow]) -> Proof:
        """The proof that `rows` make, made now."""
        found = tuple(rows)
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        return cls(what, all(row.verdict != "differs" for row in found), found, now)

    @property
    def detail(self) -> str:
        """The proof in one sentence: the rows that differ or are unproved, or what the first ones found."""
        differing = [row for row in self.rows if row.verdict == "differs"]
        if differing:
            return "; ".join(f"{row.name}: {row.finding}" for row in differing)
        unproved = [row.name for row in self.rows if row.verdict == "unproved"]
        told = "; ".join(f"{row.name}: {row.finding}" for row in self.rows[:2])
        return told + (_("; not proved: {names}", names=", ".join(unproved)) if unproved else "")


def keep_proof(folder: Path, proof: Proof) -> None:
    """Write `proof` into the model's folder, over an earlier one of the same thing.

    Raises:
        StorageError: the folder cannot be written.
    """
    facts = read_provenance(folder)
    others = [row for row in _rows(facts.get(PROOFS)) if row.get("what") != proof.what]
    write_provenance(folder, {**facts, PROOFS: [*others, asdict(proof)]})


def kept_proofs(folder: Path) -> list[Proof]:
    """The proofs in the model's folder, the oldest first; those that cannot be read are left out."""
    found = (_proof(row) for row in _rows(read_provenance(folder).get(PROOFS)))
    return [proof for proof in found if proof is not None]


def _rows(value: Any) -> list[dict[str, Any]]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _proof(table: dict[str, Any]) -> Proof | None:
    rows = tuple(_row(row) for row in _rows(table.get("rows")))
    if not rows or not isinstance(table.get("what"), str):
        return None
    # Passed is what the rows say, whatever stands beside them.
    passed = all(row.verdict != "differs" for row in rows)
    return Proof(table["what"], passed, rows, str(table.get("made", "")))


def _row(table: dict[str, Any]) -> ProofRow:
    verdict = table.get("verdict")
    known = cast(Verdict, verdict) if verdict in VERDICTS else "unproved"
    name, finding, meaning = (str(table.get(key, "")) for key in ("name", "finding", "meaning"))
    return ProofRow(name, known, finding, meaning)
