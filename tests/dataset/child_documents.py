"""Makes a dataset from passages in a process of its own, for tests that kill it: `python child_documents.py DATA`.

Prints every subject it is asked about and every question it is asked to answer, and every event's kind.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from dataset.passages_by_rule import PASSAGES, passage_teacher
from dataset.teachers_by_rule import plan_in

from tui_tuner.dataset.make import make_dataset
from tui_tuner.dataset.plan import DatasetPlan
from tui_tuner.progress import StopToken
from tui_tuner.teachers.teacher import OnAnswer, Request


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def documents_plan(data: Path) -> DatasetPlan:
    return replace(plan_in(data, topic=""), passages=PASSAGES)


def main() -> None:
    teacher = passage_teacher(continues=False, at_once=1)
    ask = teacher.ask

    def slowly(requests: list[Request], on_answer: OnAnswer, stop: StopToken) -> None:
        say(f"asked {requests[0].messages[-1]['content']!r}")
        time.sleep(0.01)
        ask(requests, on_answer, stop)

    teacher.ask = slowly  # type: ignore[method-assign,assignment]
    make_dataset(documents_plan(Path(sys.argv[1])), teacher, emit=lambda event: say(event.kind), stop=StopToken())


if __name__ == "__main__":
    main()
