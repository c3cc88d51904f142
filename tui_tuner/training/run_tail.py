"""A run's `metrics.jsonl` as it grows, whoever writes it.

A run that is resumed cuts the file back to its last checkpoint; who reads along then begins again with the first line.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui_tuner.files import storage_errors
from tui_tuner.language import _
from tui_tuner.progress import Event, Notice
from tui_tuner.training.event_lines import event_from_json

METRICS = "metrics.jsonl"


@dataclass(frozen=True)
class News:
    """What a run has told since it was last looked at.

    Attributes:
        again: it begins with the run's first event: forget what was heard before.
        events: what happened, each with when, unix seconds; 0 where that is not known.
    """

    again: bool
    events: list[tuple[Event, float]]


class RunTail:
    """Reads what was added to a run's `metrics.jsonl`; a line that is still being written is read the next time.

    Args:
        run: the run's folder.
    """

    def __init__(self, run: Path) -> None:
        self._path = run / METRICS
        self._place = 0
        self._lines = 0
        self._last = b""  # the line before `_place`: another one there means that the file was cut and grew again

    def news(self) -> News:
        """What is new.

        Raises:
            StorageError: the file cannot be read.
        """
        with storage_errors(self._path):
            if not self._path.exists():
                return News(False, [])
            with self._path.open("rb") as file:
                file.seek(self._place - len(self._last))
                again = file.read(len(self._last)) != self._last
                if again:
                    self._place, self._last = 0, b""
                    file.seek(0)
                added = file.read()
        whole = added[: added.rfind(b"\n") + 1]
        lines = whole.splitlines(keepends=True)
        if again:
            self._lines = 0
        if lines:
            self._place, self._last = self._place + len(whole), lines[-1]
        return News(again, self._events(lines))

    def _events(self, lines: list[bytes]) -> list[tuple[Event, float]]:
        found: list[tuple[Event, float]] = []
        spoilt: list[int] = []
        for number, line in enumerate(lines, start=self._lines + 1):
            try:
                row = json.loads(line)
            except ValueError:
                spoilt.append(number)
                continue
            event = event_from_json(row)
            if event is not None:
                found.append((event, _time_of(row)))
        self._lines += len(lines)
        if spoilt:
            text = _("unreadable lines in {name}: {lines}", name=METRICS, lines=", ".join(map(str, spoilt)))
            found.append((Notice(text, "warning"), 0.0))
        return found


def _time_of(row: dict[str, Any]) -> float:
    time = row.get("time", 0.0)
    return float(time) if isinstance(time, int | float) else 0.0
