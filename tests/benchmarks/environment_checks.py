"""How long the environment's checks take, each and together. Run: python tests/benchmarks/environment_checks.py"""

from __future__ import annotations

import time

from tui_tuner.choices import ModelChoice
from tui_tuner.engine import running_engine
from tui_tuner.environment.check import CheckDone
from tui_tuner.environment.checks import run_checks
from tui_tuner.progress import Event, StopToken


def main() -> None:
    with running_engine() as engine:
        for turn in ("first, with every import", "again"):
            began = time.perf_counter()

            def hear(event: Event, began: float = began) -> None:
                if isinstance(event, CheckDone):
                    result = event.result
                    seconds = time.perf_counter() - began
                    print(f"{seconds:6.3f} s  {result.state:14} {result.name:14} {result.finding}")

            print(turn)
            run_checks(ModelChoice(), engine=engine, emit=hear, stop=StopToken())
            print(f"{time.perf_counter() - began:6.3f} s  all of them")


if __name__ == "__main__":
    main()
