"""Markdown: read by markdown-it-py for its structure, kept as it is written."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from tui_tuner.documents.blocks import Block, heading

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_FRONT_MATTER = re.compile(r"\A(---|\+\+\+)[ \t]*\n[ \t\n]*[\w\"'-]+[ \t]*[:=](?:[^\n]*\n)*?\1[ \t]*(?:\n|\Z)")
_LISTS = ("fence", "code_block", "table_open", "bullet_list_open", "ordered_list_open", "html_block")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)


def read_markdown(text: str) -> list[Block]:
    """The blocks of a Markdown file, without its front matter and its comments.

    Each block goes on to where the next one begins, so that nothing between them is lost, such as the addresses of
    links.
    """
    from markdown_it import MarkdownIt

    text = _FRONT_MATTER.sub(lambda found: "\n" * found.group().count("\n"), text)
    # What stands inside a paragraph plays no part: headings' titles are read by themselves below.
    tokens = MarkdownIt("commonmark").enable("table").disable("inline").parse(text)
    starts = {token.map[0]: place for place, token in enumerate(tokens) if token.level == 0 and token.map}
    lines = text.split("\n")
    begins = sorted({0, *starts})
    blocks = []
    for line, end in zip(begins, [*begins[1:], len(lines)], strict=True):
        source = _joined(lines[line:end])
        kind = tokens[starts[line]].type if line in starts else ""
        if kind == "html_block":
            source = _COMMENT.sub("", source).strip()
        if source and kind == "heading_open":
            place = starts[line]
            blocks.append(heading(source, line + 1, int(tokens[place].tag[1]), _title(tokens[place + 1].content)))
        elif source:
            blocks.append(Block("lines" if kind in _LISTS else "text", source, line + 1))
    return blocks


def _joined(lines: list[str]) -> str:
    """Lines as one text, without empty ones around it; the first line keeps its indentation, which code has."""
    return re.sub(r"\A(?:[ \t]*\n)+", "", "\n".join(lines)).rstrip()


def _title(source: str) -> str:
    """A heading's words without the marks of emphasis, code and links."""
    (inline,) = _inline_parser().parseInline(source)
    return "".join(token.content if token.type != "softbreak" else " " for token in inline.children or ())


@lru_cache(maxsize=1)
def _inline_parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark")
