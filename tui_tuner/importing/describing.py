"""What a look at a file found, in words."""

from __future__ import annotations

from tui_tuner.importing.looking import Sighting
from tui_tuner.importing.shapes import Form
from tui_tuner.language import _, ngettext
from tui_tuner.plain_text import one_line

_KINDS = {
    "jsonl": _("JSON Lines"),
    "json": _("JSON"),
    "csv": _("a text table (CSV or TSV)"),
    "lines": _("text, a conversation a line"),
    "sqlite": _("an SQLite database"),
    "parquet": _("Parquet"),
    "xlsx": _("an Excel workbook"),
}
_FORMS: dict[Form, str] = {
    "messages": _("lists of messages"),
    "conversations": _("conversations (ShareGPT)"),
    "alpaca": _("Alpaca: instruction, input, output"),
    "completions": _("prompt and completion"),
    "text": _("texts with marks of turns"),
    "columns": _("columns"),
}


def kind_in_words(sighting: Sighting) -> str:
    """What the file is."""
    kind = _KINDS.get(sighting.kind, sighting.kind)
    table = f", {sighting.table}" if sighting.table else ""
    encoding = "" if sighting.encoding in ("", "utf-8", "utf-8-sig") else f", {sighting.encoding.upper()}"
    return f"{kind}{table}{encoding}"


def rows_in_words(sighting: Sighting) -> str:
    """How many rows there are."""
    number = f"{sighting.rows:,}" if sighting.exact else _("about {number}", number=f"{sighting.rows:,}")
    return ngettext("{number} row", "{number} rows", sighting.rows, number=number)


def summary(sighting: Sighting) -> list[str]:
    """The file, how its rows are read, and what is doubtful, a line each."""
    lines = [f"{one_line(sighting.path.name)}: {kind_in_words(sighting)}, {rows_in_words(sighting)}"]
    if sighting.shape.columns:
        how = ", ".join(f"{role}={one_line(column, 40)}" for role, column in sighting.shape.columns.items())
        lines.append(f"  {_FORMS[sighting.shape.form]}: {how}")
    unused = [column for column in sighting.columns if column not in sighting.shape.columns.values()]
    if unused:
        lines.append(_("  not used: {names}", names=one_line(", ".join(unused), 200)))
    return [*lines, *(f"  ! {doubt}" for doubt in sighting.doubts)]
