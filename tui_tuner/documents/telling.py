"""What came of adding documents, in sentences."""

from __future__ import annotations

from tui_tuner.documents.adding import DocumentsAdded
from tui_tuner.language import _, ngettext
from tui_tuner.plain_text import one_line

NAMED = 10  # documents that could not be read; the others are counted
OTHERS_NAMED = 5  # files of other kinds


def documents_told(added: DocumentsAdded) -> list[str]:
    """The counts, then what could not be read with its reason, then files of other kinds."""
    lines = [
        _(
            "{documents} in {passages}, {words}",
            documents=ngettext("{number:,} document", "{number:,} documents", added.documents),
            passages=ngettext("{number:,} passage", "{number:,} passages", added.passages),
            words=ngettext("{number:,} word", "{number:,} words", added.words),
        )
    ]
    if changes := _changes(added):
        lines[0] += f" ({changes})"
    if added.all_passages > added.passages:
        lines.append(
            ngettext(
                "With the other documents there is {all:,} passage now.",
                "With the other documents there are {all:,} passages now.",
                added.all_passages,
                all=added.all_passages,
            )
        )
    if added.unreadable:
        lines.append(_("! {number:,} could not be read:", number=len(added.unreadable)))
        lines += [f"  {one_line(one.file, 100)}: {one_line(one.reason, 300)}" for one in added.unreadable[:NAMED]]
        if (more := len(added.unreadable) - NAMED) > 0:
            lines.append(_("  and {more:,} more", more=more))
    if added.unsupported:
        names = ", ".join(one_line(name, 60) for name in added.unsupported[:OTHERS_NAMED])
        if len(added.unsupported) > OTHERS_NAMED:
            names += ", …"
        text = _("Left out, being of other kinds: {number:,} ({names})", number=len(added.unsupported), names=names)
        lines.append(text)
    return lines


def _changes(added: DocumentsAdded) -> str:
    """What is new and what has gone, where there were documents before."""
    if added.new == added.all_passages and not added.gone:
        return ""
    return _("{new:,} new, {gone:,} gone", new=added.new, gone=added.gone)
