"""Makes a dataset in a process of its own, for tests that kill it or take its disk away.

    python child.py DATA [LARGEST_FILE]

Its teacher answers by a rule, and slowly enough to be killed between two answers. Prints every question it is asked to
answer, and every event's kind, on a line of its own.
"""

from __future__ import annotations

import resource
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from dataset.teachers_by_rule import SEEDS, RuleTeacher, counting_answer, plan_in

from tui_tuner.dataset.make import make_dataset
from tui_tuner.errors import StorageError
from tui_tuner.progress import Event, StopToken
from tui_tuner.teachers.teacher import Request


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def slow_answer(request: Request) -> str:
    say(f"asked {request.messages[-1]['content']}")
    time.sleep(0.01)
    return counting_answer(request)


def emit(event: Event) -> None:
    say(event.kind)
    if event.kind == "example_written" and len(sys.argv) > 2:
        _limit, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), most))


def main() -> int:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    plan = plan_in(Path(sys.argv[1]), seeds=SEEDS, instructions=40)
    try:
        make_dataset(plan, RuleTeacher(answers=slow_answer), emit=emit, stop=StopToken())
    except StorageError as error:
        say(f"storage_error {error.what}")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
