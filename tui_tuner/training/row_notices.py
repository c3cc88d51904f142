"""What a person should know about the rows that are trained on, with the lines where they are."""

from __future__ import annotations

from tui_tuner.language import _
from tui_tuner.progress import Notice
from tui_tuner.training.examples import Examples

LISTED_ROWS = 8


def notices(examples: Examples, max_seq_length: int) -> list[Notice]:
    """What a person should know about the rows: refused, cut, or only partly understood ones."""
    found = []
    name = examples.path.name
    if examples.refused:
        reasons: dict[str, list[int]] = {}
        for refused in examples.refused:
            reasons.setdefault(refused.reason, []).append(refused.line)
        for reason, lines in list(reasons.items())[:LISTED_ROWS]:
            text = _("{name}: {rows} not used: {reason}", name=name, rows=lines_in_words(lines), reason=reason)
            found.append(Notice(text, "warning"))
        if others := [line for lines in list(reasons.values())[LISTED_ROWS:] for line in lines]:
            text = _("{name}: {rows} not used, for other reasons", name=name, rows=lines_in_words(others))
            found.append(Notice(text, "warning"))
    if cut := [example.line for example in examples.usable if example.cut]:
        words = {"name": name, "rows": lines_in_words(cut), "longest": max_seq_length}
        found.append(Notice(_("{name}: {rows} cut to {longest:,} tokens", **words), "warning"))
    if missed := [example.line for example in examples.usable if example.answers_missed]:
        text = _(
            "{name}: {rows}: some earlier answers are not learned, this model's chat template hides where they are",
            name=name,
            rows=lines_in_words(missed),
        )
        found.append(Notice(text, "warning"))
    return found


def lines_in_words(lines: list[int]) -> str:
    """Name lines so that they can be found, the first few of many: `line 7`, `lines 1, 2, 3 and 40 more`."""
    listed = ", ".join(str(line) for line in lines[:LISTED_ROWS])
    if len(lines) == 1:
        return _("line {line}", line=listed)
    if len(lines) <= LISTED_ROWS:
        return _("lines {lines}", lines=listed)
    return _("lines {lines} and {more:,} more", lines=listed, more=len(lines) - LISTED_ROWS)
