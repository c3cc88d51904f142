"""A proof as a person sees it: a row each, its mark first."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from tui_tuner.export.proof_rows import MARKS, Proof, Verdict
from tui_tuner.language import _
from tui_tuner.plain_text import one_line

COLOURS = {"passed": "$text-success", "differs": "$text-error", "unproved": "$text-warning"}
LONGEST_NAME = 16
QUIET = "$foreground 65%"


def proof_text(proofs: Sequence[Proof]) -> Content:
    """The newest of `proofs` row by row; of the others those that passed in one line each."""
    lines: list[Content] = []
    for number, proof in enumerate(proofs, start=1):
        made = f"  {proof.made[:16].replace('T', ' ')}"
        if number < len(proofs) and proof.passed:
            lines.append(_in_one_line(proof, made))
            continue
        lines.append(Content.assemble((one_line(proof.what, 60), "bold"), (made, QUIET)))
        for row in proof.rows:
            mark = (f"{MARKS[row.verdict]} ", COLOURS[row.verdict])
            name = f"{one_line(row.name, LONGEST_NAME):<{LONGEST_NAME}} "
            lines.append(Content.assemble(mark, name, (one_line(row.finding, 300), QUIET)))
            if row.meaning:
                lines.append(Content.assemble("  ", (one_line(row.meaning, 300), COLOURS[row.verdict])))
    return Content("\n").join(lines)


def _in_one_line(proof: Proof, made: str) -> Content:
    open_rows = [row.name for row in proof.rows if row.verdict == "unproved"]
    verdict: Verdict = "unproved" if open_rows else "passed"
    names = ", ".join(one_line(name, LONGEST_NAME) for name in open_rows)
    count = _("{count} proofs", count=len(proof.rows)) + (_("; not proved: {names}", names=names) if names else "")
    mark = (f"{MARKS[verdict]} ", COLOURS[verdict])
    return Content.assemble(mark, (one_line(proof.what, 60), "bold"), (f"{made}  {count}", QUIET))
