"""How fast models were trained on this machine: kept for a first guess before the next run has begun."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tui_tuner.choices import TrainingChoice
from tui_tuner.errors import StorageError
from tui_tuner.files import read_json_lines, write_json_lines
from tui_tuner.settings import cache_folder
from tui_tuner.training.effort import Effort, Row
from tui_tuner.training.outlook import Outlook, TimeLeft

FILE = "speeds.jsonl"
KEPT = 200  # runs
LATEST = 5  # of a model that count
FEWEST_STEPS = 10
LEAST_ERROR = 0.3  # other settings, and a machine that does something else meanwhile


@dataclass(frozen=True)
class Speed:
    """A run's pace.

    Attributes:
        time: unix seconds.
        model: the base model's fingerprint.
        seconds: of a unit of work (`effort`).
        steps: it was taken from.
    """

    time: float
    model: str
    seconds: float
    steps: int


def speeds_file() -> Path:
    """Where they are kept; need not exist."""
    return cache_folder() / FILE


def remember_speed(model: str, seconds: float | None, steps: int) -> None:
    """Keep the pace of a run of at least some steps. A cache that cannot be written is no reason to fail."""
    if seconds is None or steps < FEWEST_STEPS:
        return
    with contextlib.suppress(StorageError):
        rows, _bad = read_json_lines(speeds_file())
        write_json_lines(speeds_file(), [*rows[1 - KEPT :], asdict(Speed(time.time(), model, seconds, steps))])


def known_speeds(model: str) -> list[float]:
    """Seconds of a unit of work in the latest runs of the base model with this fingerprint, the latest last."""
    try:
        rows, _bad = read_json_lines(speeds_file())
    except StorageError:
        return []
    found = [row["seconds"] for row in rows if isinstance(row, dict) and row.get("model") == model]
    return [seconds for seconds in found if isinstance(seconds, float) and seconds > 0][-LATEST:]


def rough_time(
    choice: TrainingChoice, effort: Effort, train: Sequence[Row], valid: Sequence[Row], speeds: Sequence[float]
) -> TimeLeft | None:
    """How long a whole run will take, from earlier ones; None where there were none."""
    if not speeds:
        return None
    rate = statistics.median(speeds)
    seconds = rate * Outlook(choice, effort, train, valid).whole_work()
    spread = (max(speeds) - min(speeds)) / 2 / rate
    return TimeLeft(seconds, max(spread, LEAST_ERROR) * seconds)
