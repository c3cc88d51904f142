"""A comparison as one file to share: Markdown, or an HTML page that needs nothing from elsewhere.

Questions and answers are data: escaped in HTML, in fences that they cannot close in Markdown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from pathlib import Path

from tui_tuner import figures
from tui_tuner.errors import UsageError
from tui_tuner.evaluation.comparisons import Answer, Answered, Comparison
from tui_tuner.evaluation.differences import different_words
from tui_tuner.evaluation.summary import table, verdict_lines, yardstick
from tui_tuner.files import write_text
from tui_tuner.language import _
from tui_tuner.plain_text import one_line, printable

STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { padding: .2rem .8rem; text-align: right; border-bottom: 1px solid #8884; }
th:first-child, td:first-child { text-align: left; }
.answers { display: grid; grid-template-columns: repeat(auto-fit, minmax(18rem, 1fr)); gap: 1rem; }
.answers > div { border-left: 3px solid #8886; padding-left: .8rem; white-space: pre-wrap; overflow-wrap: anywhere; }
.answers h3 { margin: 0; font-size: .9rem; opacity: .7; }
mark { background: #fc08; color: inherit; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
.verdict { font-weight: bold; }
"""


def export_comparison(kept: Comparison, path: Path) -> None:
    """Write `kept` to `path`, as its ending says; a file that is there is replaced.

    Raises:
        UsageError: the name ends neither with `.md` nor with `.html`.
        StorageError: it cannot be written.
    """
    kinds = {".md": as_markdown, ".html": as_html, ".htm": as_html}
    kind = kinds.get(path.suffix.lower())
    if kind is None:
        raise UsageError(
            _("a comparison is written as Markdown or as HTML"),
            where=str(path),
            advice=_("Let the file's name end with .md or .html."),
        )
    write_text(path, kind(kept))


def title_of(kept: Comparison) -> str:
    """What the comparison is called: who was compared, and when."""
    names = _(" and ").join(kept.labels.values()) if len(kept.labels) == 2 else ", ".join(kept.labels.values())
    return one_line(f"{names} · {kept.path.stem.replace('_', ' ', 1)}")


def as_markdown(kept: Comparison) -> str:
    """The comparison in Markdown."""
    heading, *rows = ([_in_cell(cell) for cell in row] for row in table(kept))
    lines = [f"# {_in_cell(title_of(kept))}", "", *(f"**{_in_cell(line)}**\n" for line in verdict_lines(kept))]
    lines += [f"| {' | '.join(row)} |" for row in (heading, ["---", *["---:"] * (len(heading) - 1)], *rows)]
    for answered in kept.answered:
        lines += ["", f"## {_in_cell(answered.prompt)}", ""]
        if answered.expected:
            lines += [_("Expected:"), "", *_fenced(answered.expected), ""]
        for name, answer in answered.answers.items():
            lines += [f"{_in_cell(_heading(kept.labels[name], answer))}:", "", *_fenced(answer.text), ""]
    return "\n".join(lines).rstrip() + "\n"


def _in_cell(text: str) -> str:
    """On one line, without anything Markdown would act on."""
    return re.sub(r"([\\`*_\[\]<>|#&!])", r"\\\1", one_line(text))


def _fenced(text: str) -> list[str]:
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}text", printable(text), fence]


def as_html(kept: Comparison) -> str:
    """The comparison as an HTML page."""
    title = escape(title_of(kept))
    parts = [f"<h1>{title}</h1>"]
    parts += [f'<p class="verdict">{escape(one_line(line))}</p>' for line in verdict_lines(kept)]
    parts += ["<table>", *_html_rows(kept), "</table>"]
    for answered in kept.answered:
        parts += _html_of(kept, answered)
    body = "\n".join(parts)
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        '<!DOCTYPE html>\n<html><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f"<title>{title}</title><style>{STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def _html_rows(kept: Comparison) -> Iterator[str]:
    for place, row in enumerate(table(kept)):
        cell = "th" if place == 0 else "td"
        yield f"<tr>{''.join(f'<{cell}>{escape(one_line(text))}</{cell}>' for text in row)}</tr>"


def _html_of(kept: Comparison, answered: Answered) -> Iterator[str]:
    yield f"<h2>{escape(one_line(answered.prompt))}</h2>"
    if answered.expected:
        yield f"<p>{escape(_('expected: {answer}', answer=printable(answered.expected)))}</p>"
    yield '<div class="answers">'
    first = answered.answers.get(yardstick(kept))
    for name, answer in answered.answers.items():
        text = printable(answer.text).strip()
        other = printable(first.text).strip() if first is not None else text
        heading = escape(one_line(_heading(kept.labels[name], answer)))
        yield f"<div><h3>{heading}</h3>{_marked(text, other)}</div>"
    yield "</div>"


def _marked(text: str, other: str) -> str:
    parts, done = [], 0
    for begin, end in different_words(text, other):
        parts += [escape(text[done:begin]), "<mark>", escape(text[begin:end]), "</mark>"]
        done = end
    return "".join([*parts, escape(text[done:])])


def _heading(label: str, answer: Answer) -> str:
    cut = _(", cut at the longest answer") if answer.finish == "length" else ""
    # One of many written together: its own speed says nothing about one written alone.
    alone = {"seconds": f"{answer.seconds:.1f}", "speed": figures.count(answer.tokens_per_second)}
    pace = _(", in a batch") if answer.together else _(", {seconds} s, {speed} tok/s", **alone)
    return _("{label} ({tokens} tokens{pace}{cut})", label=label, tokens=answer.tokens, pace=pace, cut=cut)
