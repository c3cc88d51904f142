"""What the import screen shows of a file, in styled text."""

from __future__ import annotations

from textual.content import Content

from tui_tuner.dataset.plan import SEEDS
from tui_tuner.importing.bring import ImportReport
from tui_tuner.importing.describing import kind_in_words, rows_in_words
from tui_tuner.importing.events import RowRefused
from tui_tuner.importing.looking import Sighting
from tui_tuner.language import _, ngettext
from tui_tuner.plain_text import one_line, printable

LONGEST_TURN = 1200  # letters of a turn that are shown
INDENT = 11  # of a turn, behind who says it
QUIET = "$foreground 65%"


def found(sighting: Sighting) -> Content:
    """What the file is, and what is doubtful."""
    lines = [Content.styled(f"{kind_in_words(sighting)} · {rows_in_words(sighting)}", "bold")]
    if sighting.bad_rows:
        text = _(
            " · {bad} of the first {number} cannot be used",
            bad=f"{sighting.bad_rows:,}",
            number=f"{sighting.looked_at:,}",
        )
        lines[0] += Content.styled(text, "$text-warning")
    lines += [Content.styled(f"! {one_line(doubt, 300)}", "$text-warning") for doubt in sighting.doubts]
    return Content("\n").join(lines)


def conversations(sighting: Sighting, width: int) -> Content:
    """The first conversations, as they would be learned; the rows as they are where nobody can tell yet.

    Args:
        sighting: what was found.
        width: cells of a line; what is longer goes on below its own beginning.
    """
    parts: list[Content] = []
    if not sighting.shape.complete:
        for row in sighting.raw:
            parts += [Content.assemble((f"{one_line(name, 30)}  ", "$text-accent"), cell) for name, cell in row.items()]
            parts.append(Content(""))
    for place, conversation in sighting.first:
        parts.append(Content.styled(f"{one_line(sighting.path.name, 60)}:{place}", QUIET))
        for message in conversation.messages:
            text = printable(message["content"])
            shown = text if len(text) <= LONGEST_TURN else text[:LONGEST_TURN] + "…"
            lines = Content(shown).wrap(max(width - INDENT, 20))
            hanging = Content("\n" + " " * INDENT).join(lines)
            parts.append(Content.assemble((f"{message['role']:>9}  ", "bold $text-accent"), hanging))
        if conversation.cut:
            parts.append(Content.styled(" " * INDENT + _("its last question has no answer and is left out"), QUIET))
        parts.append(Content(""))
    if not sighting.first and sighting.shape.complete:
        parts.append(Content(_("None of the first rows can be used; b says why.")))
    return Content("\n").join(parts)


def bad_rows(sighting: Sighting) -> Content:
    """The first rows that cannot be used."""
    if not sighting.bad:
        return Content(_("All of the first {number} rows can be used.", number=f"{sighting.looked_at:,}"))
    name = one_line(sighting.path.name, 60)
    return Content("\n").join(_bad(name, bad.place, bad.reason, bad.detail) for bad in sighting.bad)


def _bad(name: str, place: int, reason: str, detail: str) -> Content:
    more = f"  {one_line(detail, 200)}" if detail else ""
    return Content.assemble((f"{name}:{place}  ", QUIET), (one_line(reason, 100), "$text-warning"), (more, QUIET))


def what_enter_does(sighting: Sighting, there: int, *, replace: bool) -> tuple[str, str]:
    """What importing would do with the examples that are `there`, or what has to be chosen first; and its style."""
    if not sighting.shape.complete:
        return _("Choose which column is the question and which the answer."), "$text-warning"
    if not there:
        return _("Is this right? Enter imports it; tab changes the columns."), ""
    if replace:
        text = ngettext(
            "Enter imports, and takes the example away that is there.",
            "Enter imports, and takes the {number:,} examples away that are there.",
            there,
        )
        return text, "$text-warning"
    return ngettext(
        "Is this right? Enter adds it to the example that is there.",
        "Is this right? Enter adds it to the {number:,} examples that are there.",
        there,
    ), ""


def what_seeds_are(sighting: Sighting, there: int, *, replace: bool) -> tuple[str, str]:
    """The same where the rows become seed examples."""
    if not sighting.shape.complete:
        return what_enter_does(sighting, there, replace=replace)
    text = _("As seed examples: the teacher is shown some each time and writes like them. All are learned, unchecked.")
    if not there:
        return text + _(" Enter imports them, a takes this back."), ""
    if replace:
        text += ngettext(
            " Enter imports, and takes the seed example away that is there.",
            " Enter imports, and takes the {number:,} seed examples away that are there.",
            there,
        )
        return text, "$text-warning"
    return text + _(" Enter adds them to the {there} that are there.", there=f"{there:,}"), ""


def outcome(report: ImportReport, refused: list[RowRefused]) -> Content:
    """What came of an import, with the first rows that could not be used."""
    parts: list[Content] = []
    for file in report.files:
        rows = ngettext(
            "{kept:,} of {number:,} row is new", "{kept:,} of {number:,} rows are new", file.rows, kept=file.kept
        )
        parts.append(Content.assemble(("✓ ", "$text-success"), (rows, "bold")))
        if file.repeated:
            parts.append(Content(_("  {number} were there already", number=f"{file.repeated:,}")))
        if file.cut:
            text = _("  of {number} the last question had no answer and was left out", number=f"{file.cut:,}")
            parts.append(Content(text))
        for reason, number in file.reasons.items():
            parts.append(Content.assemble(("✗ ", "$text-warning"), f"{number:,} ", one_line(reason, 100)))
    if report.ended.problems:
        parts.append(Content.styled(_("  every one of them with its line: data/import_problems.jsonl"), QUIET))
        parts += [Content("  ") + _bad(event.file, event.row, event.reason, event.detail) for event in refused]
    parts.append(Content(""))
    there = report.ended.there
    if report.ended.path.name == SEEDS:
        parts.append(Content(ngettext("{number:,} seed example in all.", "{number:,} seed examples in all.", there)))
    else:
        parts.append(
            Content(ngettext("{number:,} imported example in all.", "{number:,} imported examples in all.", there))
        )
    return Content("\n").join(parts)
