"""Makes a dataset in a process of its own, for tests that kill it or take its disk away.

    python child.py DATA [LARGEST_FILE [TURNS]]

Its teacher answers by a rule, and slowly enough to be killed between two answers. Prints the last thing it is asked,
and every event's kind, on a line of its own.
"""

from __future__ import annotations

import resource
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from dataset.teachers_by_rule import SEEDS, RuleTeacher, asks_for_follow_up, conversing, plan_in

from tui_tuner.dataset.make import make_dataset
from tui_tuner.errors import StorageError
from tui_tuner.progress import Event, StopToken
from tui_tuner.teachers.teacher import Request


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def slow_answer(request: Request) -> str:
    asked = request.messages[-3 if asks_for_follow_up(request) else -1]["content"]
    say(f"{'follow_up' if asks_for_follow_up(request) else 'asked'} {asked}")
    time.sleep(0.01)
    return str(conversing()(request))


def emit(event: Event) -> None:
    say(event.kind)
    if event.kind == "example_written" and len(sys.argv) > 2 and int(sys.argv[2]):
        _limit, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), most))


def main() -> int:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    plan = plan_in(Path(sys.argv[1]), seeds=SEEDS, instructions=40, turns=int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    try:
        make_dataset(plan, RuleTeacher(answers=slow_answer), emit=emit, stop=StopToken())
    except StorageError as error:
        say(f"storage_error {error.what}")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
