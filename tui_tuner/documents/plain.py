"""Plain text: paragraphs are what empty lines part."""

from __future__ import annotations

import re

from tui_tuner.documents.blocks import Block

_PARAGRAPH = re.compile(r"[^\n]*\S[^\n]*(?:\n[^\n]*\S[^\n]*)*")


def read_plain(text: str, first_line: int = 1) -> list[Block]:
    """The paragraphs of `text`."""
    blocks: list[Block] = []
    line, place = first_line, 0
    for match in _PARAGRAPH.finditer(text):
        line += text.count("\n", place, match.start())
        place = match.start()
        blocks.append(Block("text", match.group().rstrip(), line))
    return blocks
