"""How the tokens of the training files are written on the screen: totals, tables, and an example's text."""

from __future__ import annotations

from textual.content import Content

from tui_tuner import figures
from tui_tuner.dataset.learning import PARTS
from tui_tuner.dataset.token_counts import PartTotals, passes
from tui_tuner.dataset.token_view import ExampleShown, Kind, Piece, Segment
from tui_tuner.language import _, ngettext
from tui_tuner.plain_text import one_line

# More than colour tells them apart: learned is underlined, cut off is struck out.
STYLES: dict[Kind, str] = {"learned": "$text-success underline", "read": "$foreground 75%", "cut": "$text-error strike"}
MARK = "$text-accent bold"
MUTED = "$foreground 60%"
NAMES: dict[Kind, str] = {"read": _("only read"), "learned": _("learned"), "cut": _("cut off")}
LABEL_CELLS, COUNT_CELLS = 13, 7


def legend() -> Content:
    """What the colours and lines mean."""
    samples = [(NAMES[kind], STYLES[kind]) for kind in ("learned", "read", "cut")]
    parts = [part for sample in (*samples, (_("a mark of the template"), MARK)) for part in (sample, "   ")]
    return Content.assemble(*parts, (_("↵ a line's end"), MUTED))


def totals(part: PartTotals, iters: int, left: int) -> Content:
    """The counts of a file; `left` rows are still to be counted."""
    text = ngettext(
        "{file}: {examples:,} example · {tokens:,} tokens, {learned:,} learned ({share}) · median {median:,}, "
        "longest {longest:,}",
        "{file}: {examples:,} examples · {tokens:,} tokens, {learned:,} learned ({share}) · median {median:,}, "
        "longest {longest:,}",
        part.examples,
        file=PARTS[part.part],
        examples=part.examples,
        tokens=part.tokens,
        learned=part.learned,
        share=figures.percent(part.learned, part.tokens),
        median=part.median,
        longest=part.longest,
    )
    if not left and (seen := passes(part, iters)):
        text += f" · {seen}"
    if left:
        text += _(" · {left:,} still to be counted…", left=left)
    lines = [Content(text)]
    words = []
    if part.cut:
        words.append(_("{number:,} cut at {length:,} tokens (c)", number=part.cut, length=part.sequence_length))
    if part.refused:
        words.append(_("{number:,} not trained on (r)", number=sum(part.refused.values())))
    if words:
        lines.append(Content.styled("! " + " · ".join(words), "$text-warning"))
    return Content("\n").join(lines)


def histogram(part: PartTotals, cells: int) -> Content:
    """How many examples have which length, as bars in `cells` cells."""
    lines = [Content.styled(f"{_('tokens'):>{LABEL_CELLS}}  {_('examples')}", MUTED)]
    most = max((one.examples for one in part.histogram), default=0)
    room = max(cells - LABEL_CELLS - COUNT_CELLS - 2, 4)
    for one in part.histogram:
        bar = figures.bar(one.examples, most, room)
        beyond = one.first >= part.sequence_length
        label = (f"{one.first:,}–{one.last:,}".rjust(LABEL_CELLS), "$text-warning" if beyond else "")
        lines.append(
            Content.assemble(label, " ", (bar, "$accent"), " ", (f"{one.examples:,}" if one.examples else "", MUTED))
        )
    return Content("\n").join(lines)


def lengths(part: PartTotals) -> Content:
    """What each sequence length would cut off."""
    heading = f"  {_('length'):>7} {_('cut'):>6} {_('refused'):>7} {_('learned'):>11}"
    lines = [Content.styled(heading, MUTED)]
    for at in part.lengths:
        chosen = at.length == part.sequence_length
        line = f"{'▸' if chosen else ' '} {at.length:>7,} {at.cut:>6,} {at.refused:>7,} {figures.count(at.learned):>11}"
        lines.append(Content.styled(line, "bold" if chosen else ""))
    return Content("\n").join(lines)


def heading(example: ExampleShown, rows: int) -> Content:
    """Which example it is, and whether it is trained on."""
    where = _("in no training file now")
    if example.part:
        where = _(
            "example {number:,} of {rows:,} in {file} · line {line:,}",
            number=example.number,
            rows=rows,
            file=PARTS[example.part],
            line=example.line,
        )
    counts = ngettext(
        "{tokens:,} token, {learned:,} learned",
        "{tokens:,} tokens, {learned:,} learned",
        example.tokens,
        tokens=example.tokens,
        learned=example.learned,
    )
    lines = [Content.styled(f"{where} · {counts}", "bold")]
    if example.refused:
        reason = _("not trained on: {reason}", reason=one_line(example.refused, 200))
        lines.append(Content.styled(f"✗ {reason}", "$text-error"))
    if example.answers_missed:
        missed = ngettext(
            "{number} answer is not learned: the chat template hides it",
            "{number} answers are not learned: the chat template hides them",
            example.answers_missed,
        )
        lines.append(Content.styled(f"! {missed}", "$text-warning"))
    return Content("\n").join(lines)


def label(segment: Segment) -> Content:
    """The kind of a segment and how many tokens it has."""
    return Content.assemble((NAMES[segment.kind], STYLES[segment.kind]), (f" {segment.tokens:,}", ""))


def text(segment: Segment) -> Content:
    """Its tokens one after the other, line ends in sight."""
    style = STYLES[segment.kind]
    parts = [_piece(piece, style) for piece in segment.pieces]
    shown = Content("").join(parts)
    return shown[:-1] if shown.plain.endswith("\n") else shown


def _piece(piece: Piece, style: str) -> Content:
    if piece.special:
        style = f"{MARK} underline" if "underline" in style else (style if "strike" in style else MARK)
    if "\n" not in piece.text:
        return Content.styled(piece.text, style)
    return Content.styled(piece.text.replace("\n", "↵\n"), style)
