"""Plain text: paragraphs are what empty lines part."""

from __future__ import annotations

import itertools

from tui_tuner.documents.blocks import Block


def read_plain(text: str, first_line: int = 1) -> list[Block]:
    """The paragraphs of `text`."""
    numbered = enumerate(text.split("\n"), start=first_line)
    blocks: list[Block] = []
    for written, lines in itertools.groupby(numbered, key=lambda line: bool(line[1].strip())):
        if written:
            paragraph = list(lines)
            blocks.append(Block("text", "\n".join(line for _number, line in paragraph).rstrip(), paragraph[0][0]))
    return blocks
