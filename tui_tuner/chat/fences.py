"""Blocks of code in Markdown: where they begin and end."""

from __future__ import annotations

import re

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")


def fence_after(line: str, fence: str) -> str:
    """The fence that is open after `line`, where `fence` was open before it; empty for none."""
    if fence:
        mark = line.strip()
        return "" if mark.startswith(fence) and not mark.strip(fence[0]) else fence
    found = _FENCE.match(line)
    return found[1] if found else ""


def with_fences_closed(text: str) -> str:
    """The text with its last block of code ended, so that what is put after it is no part of it."""
    fence = ""
    for line in text.splitlines():
        fence = fence_after(line, fence)
    return f"{text.rstrip()}\n{fence}" if fence else text
