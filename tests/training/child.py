"""Trains a run in a process of its own, for tests that kill it or take its disk away.

    python child.py MODEL DATA RUN CHOICE_AS_JSON [--full-after-checkpoint]

Prints each event's kind and iteration on a line of its own.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

from tui_tuner.choices import TrainingChoice
from tui_tuner.errors import TunerError
from tui_tuner.models.blas import load_fast_blas
from tui_tuner.progress import Event, StopToken
from tui_tuner.training.events import CheckpointSaved
from tui_tuner.training.plan import TrainingPlan
from tui_tuner.training.train import train

LARGEST_FILE = 8_000  # bytes: lines of metrics still fit, a checkpoint does not


def main() -> int:
    load_fast_blas()
    model, data, run, choice = sys.argv[1:5]
    settings = {name: tuple(one) if isinstance(one, list) else one for name, one in json.loads(choice).items()}
    plan = TrainingPlan(Path(model), "tiny", Path(data), Path(run), TrainingChoice(**settings))

    def emit(event: Event) -> None:
        sys.stdout.write(f"{event.kind} {getattr(event, 'iteration', '')}\n")
        sys.stdout.flush()
        if isinstance(event, CheckpointSaved) and "--full-after-checkpoint" in sys.argv:
            _limit, most = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, most))

    try:
        train(plan, emit=emit, stop=StopToken())
    except TunerError as error:
        sys.stdout.write(f"{type(error).__name__}: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
