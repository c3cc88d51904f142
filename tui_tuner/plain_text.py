"""Text from a model, a file or a server, made safe to show.

Such text is data: it must neither move the cursor, nor recolour the screen, nor set the clipboard. Everything that
could be a terminal command is taken out before it is printed; what is stored on disk keeps every character.
"""

from __future__ import annotations

import re

# C0 but for tab and newline, DEL, C1, and the bidirectional overrides that make a line read unlike what it is.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
# A whole escape sequence goes at once, otherwise its letters would stay behind as litter.
_SEQUENCE = re.compile("\x1b(?:\\[[0-?]*[ -/]*[@-~]|\\][^\x07\x1b]*(?:\x07|\x1b\\\\)?|[@-Z\\\\-_])")


def printable(text: str) -> str:
    """Return `text` without anything a terminal would act on; tabs and newlines stay."""
    return _CONTROL.sub("", _SEQUENCE.sub("", text.replace("\r\n", "\n")))


def one_line(text: str, width: int = 0) -> str:
    """Return `text` on one line, cut with an ellipsis to `width` characters if `width` is given."""
    line = " ".join(printable(text).split())
    return line if not width or len(line) <= width else line[: max(width - 1, 0)] + "…"
