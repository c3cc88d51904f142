"""Markdown whose tables are short enough to draw: each cell is a widget of its own, a thousand rows take seconds."""

from __future__ import annotations

import re

from tui_tuner.chat.fences import fence_after

ROWS = 50  # of a table; those after them are shown as they were written
RULE = re.compile(r"[ |:]*-[ |:-]*$")


def with_short_tables(text: str) -> str:
    """Put the rows of a table after the first `ROWS` into a block of code.

    What comes out only grows while `text` does, line by line.
    """
    done: list[str] = []
    fence, rows, before = "", -1, ""  # rows: of the table one is in; -1 outside
    for line in text.splitlines(keepends=True):
        if rows < 0 and (fence or fence_after(line, "")):
            fence = fence_after(line, fence)
        elif rows >= 0:
            rows = rows + 1 if line.strip() else -1
            if rows == ROWS + 1:
                done.append("\n```text\n")
            elif rows < 0 and before == "```":
                done.append("```\n")
        elif "|" in line and "|" in before and RULE.match(line.strip()):
            rows = 0
        done.append(line)
        before = "```" if rows > ROWS else line
    return "".join(done)
