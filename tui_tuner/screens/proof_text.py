"""A proof as a person sees it: a row each, its mark first."""

from __future__ import annotations

from textual.content import Content

from tui_tuner.export.proof_rows import MARKS, Proof
from tui_tuner.plain_text import one_line

COLOURS = {"passed": "$text-success", "differs": "$text-error", "unproved": "$text-warning"}
LONGEST_NAME = 16
QUIET = "$foreground 65%"


def proof_text(proof: Proof | None) -> Content:
    """What a proof is of, and its rows; nothing where there is none."""
    if proof is None:
        return Content("")
    made = f"  {proof.made[:16].replace('T', ' ')}"
    lines = [Content.assemble((one_line(proof.what, 60), "bold"), (made, QUIET))]
    for row in proof.rows:
        mark = (f"{MARKS[row.verdict]} ", COLOURS[row.verdict])
        name = f"{one_line(row.name, LONGEST_NAME):<{LONGEST_NAME}} "
        lines.append(Content.assemble(mark, name, (one_line(row.finding, 300), QUIET)))
        if row.meaning:
            lines.append(Content.assemble("  ", (one_line(row.meaning, 300), COLOURS[row.verdict])))
    return Content("\n").join(lines)
