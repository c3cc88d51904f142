"""Imports a file in a process of its own, for tests that kill it or take its disk away.

    python child.py DATA FILE [LARGEST_FILE]

Prints every event's kind on a line of its own, with the count of a stage.
"""

from __future__ import annotations

import resource
import signal
import sys
from pathlib import Path

from tui_tuner.errors import StorageError
from tui_tuner.importing.bring import ImportPlan, import_rows
from tui_tuner.importing.looking import look
from tui_tuner.progress import Event, StopToken


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def emit(event: Event) -> None:
    say(f"{event.kind} {getattr(event, 'done', '')}")


def main() -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    if len(sys.argv) > 3:
        _limit, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), most))
    plan = ImportPlan(Path(sys.argv[1]), (look(Path(sys.argv[2])),))
    try:
        import_rows(plan, emit=emit, stop=StopToken())
    except StorageError as error:
        say(f"storage_error {error.what}")


if __name__ == "__main__":
    main()
