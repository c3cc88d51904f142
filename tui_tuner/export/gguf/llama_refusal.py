"""Why llama.cpp could not be asked, or could not load a file, as a row of the proof."""

from __future__ import annotations

import re

from tui_tuner.export.proof_rows import ProofRow
from tui_tuner.language import _
from tui_tuner.plain_text import one_line

TOO_OLD = ("unknown model architecture", "unknown pre-tokenizer type")
WAYS = "brew install llama.cpp, pip install llama-cpp-python"


def unproved(reason: str) -> ProofRow:
    """There is no llama.cpp that could be asked."""
    meaning = _("That llama.cpp answers as MLX does was not proved. Install it and export again: {ways}", ways=WAYS)
    return ProofRow("llama.cpp", "unproved", reason, meaning)


def not_loaded(said: str) -> ProofRow:
    """What it means that llama.cpp ended before it could be asked, having `said` this."""
    for line in said.splitlines():
        if any(words in line for words in TOO_OLD):
            return unproved(_("the llama.cpp here is too old: {error}", error=one_line(line, 200)))
    return ProofRow("llama.cpp", "differs", reason_in(said), _("llama.cpp cannot load the file."))


def reason_in(said: str) -> str:
    """The first line in which a process says what is wrong, or else its last one."""
    lines = [line for line in said.splitlines() if line.strip()]
    wrong = [line for line in lines if re.search("error|assert", line, re.IGNORECASE)]
    return one_line((wrong[:1] or lines[-1:] or [_("it ended without a word")])[0], 200)
