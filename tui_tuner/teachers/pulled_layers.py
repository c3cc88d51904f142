"""How far Ollama has come with a model it downloads, layer by layer."""

from __future__ import annotations

from typing import Any

from tui_tuner.plain_text import one_line
from tui_tuner.progress import Emit, Pace

MEGABYTE = 1_000_000
LEAST_LAYER = 0.05  # MB: a template or a licence, whose progress would read "0 of 0"


def number(row: dict[str, Any], key: str) -> float:
    """What stands there if it is a number; Ollama leaves out what is 0."""
    value = row.get(key, 0)
    return value if isinstance(value, int | float) else 0


class PulledLayers:
    """Follows the layers of a pull, one after the other, each with its own pace."""

    def __init__(self, model: str, emit: Emit) -> None:
        self._model, self._emit = one_line(model, 60), emit
        self._seen: dict[str, Pace] = {}
        self._done: set[str] = set()

    def follow(self, line: dict[str, Any], status: str) -> None:
        """Report what one line of the stream says."""
        digest = line.get("digest")
        total = number(line, "total") / MEGABYTE
        if not isinstance(digest, str) or total < LEAST_LAYER or digest in self._done:
            return
        done = number(line, "completed") / MEGABYTE  # left out at 0
        if digest not in self._seen:
            # What is there at first sight was downloaded before: it must not count as speed.
            self._seen[digest] = Pace(f"{self._model}: {status}", total, "MB", self._emit, done=done, window=200)
        else:
            self._seen[digest].reach(done)
        if done >= total:
            self._done.add(digest)
            self._seen[digest].finish()

    def finish(self) -> None:
        """Report the end of every layer that has not reported it."""
        for digest, pace in self._seen.items():
            if digest not in self._done:
                pace.reach(pace.total or pace.done)
                pace.finish()
