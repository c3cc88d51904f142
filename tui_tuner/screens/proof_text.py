"""A proof as a person sees it: a row each, its mark first."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from tui_tuner.export.proof_rows import MARKS, Proof
from tui_tuner.plain_text import one_line

COLOURS = {"passed": "$text-success", "differs": "$text-error", "unproved": "$text-warning"}
LONGEST_NAME = 16
QUIET = "$foreground 65%"


def proof_text(proofs: Sequence[Proof]) -> Content:
    """All `proofs` one below the other, each under what it is of."""
    lines: list[Content] = []
    for proof in proofs:
        lines.append(
            Content.assemble((one_line(proof.what, 60), "bold"), ("  " + proof.made[:16].replace("T", " "), QUIET))
        )
        for row in proof.rows:
            mark = (f"{MARKS[row.verdict]} ", COLOURS[row.verdict])
            name = f"{one_line(row.name, LONGEST_NAME):<{LONGEST_NAME}} "
            lines.append(Content.assemble(mark, name, (one_line(row.finding, 300), QUIET)))
            if row.meaning:
                lines.append(Content.assemble("  ", (one_line(row.meaning, 300), COLOURS[row.verdict])))
    return Content("\n").join(lines)
