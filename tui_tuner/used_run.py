"""Which run's adapter the steps after Train use, where a person has chosen another than the latest: `runs/used.json`.

A run that begins later takes over: whoever trains wants to see what that has brought.
"""

from __future__ import annotations

import time
from pathlib import Path

from tui_tuner.errors import DatasetError, StorageError
from tui_tuner.files import read_json, storage_errors, write_json

USED = "used.json"
WHEN = "%Y-%m-%dT%H:%M:%SZ"  # as a run's config.toml says when it began, so that the two can be compared


def use_run(runs: Path, name: str) -> None:
    """Have the run called `name` used from now on; of no name, the latest.

    Args:
        runs: the project's folder of runs.
        name: of one of them.

    Raises:
        StorageError: the folder cannot be written.
    """
    if name:
        write_json(runs / USED, {"run": name, "since": time.strftime(WHEN, time.gmtime())})
    else:
        with storage_errors(runs / USED):
            (runs / USED).unlink(missing_ok=True)


def chosen_run(runs: Path) -> tuple[str, str]:
    """The name of the run that was chosen, and when, in UTC; both empty where none was."""
    if not (runs / USED).is_file():
        return "", ""
    try:
        chosen = read_json(runs / USED)
    except (StorageError, DatasetError):  # whatever it said, nobody can tell
        return "", ""
    if not isinstance(chosen, dict):
        return "", ""
    return str(chosen.get("run", "")), str(chosen.get("since", ""))


def follow_name(runs: Path, before: str, name: str) -> None:
    """Keep to the chosen run, which is called `name` now.

    Raises:
        StorageError: the folder cannot be written.
    """
    chosen, since = chosen_run(runs)
    if chosen == before:
        write_json(runs / USED, {"run": name, "since": since})
