"""What training in the app costs: keys' latency meanwhile, and tokens/s against the same training headless.

    python tests/benchmarks/while_training.py PROJECT     a project with a dataset; its base model must be here

Trains five runs with the project's own settings: headless and in the app, watched but not touched, twice in turn, and
one in which keys are typed all the time. The same seed gives the same batches: a step is compared with the same step.
"""

from __future__ import annotations

import functools
import itertools
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from terminal import Terminal

SKIPPED_STEPS = 3  # compiling


def speeds(run: Path) -> list[float]:
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [row["tokens_per_second"] for row in rows if row["event"] == "train_step"][SKIPPED_STEPS:]


def newest(project: Path) -> Path:
    return max((project / "runs").glob("*"), key=lambda path: path.stat().st_mtime)


def finished(run: Path) -> bool:
    metrics = run / "metrics.jsonl"
    return metrics.exists() and '"training_ended"' in metrics.read_text()


def headless(tuner: str, project: Path) -> list[float]:
    subprocess.run([tuner, "train", "--project", str(project)], check=True, capture_output=True)
    return speeds(newest(project))


def begun(project: Path, known: set[Path], terminal: Terminal) -> Path:
    """The run that was not `known`, once it has made a step."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        for metrics in (project / "runs").glob("*/metrics.jsonl"):
            if metrics.parent not in known and '"train_step"' in metrics.read_text():
                return metrics.parent
        terminal.read(0.2)
    raise TimeoutError("the app did not begin to train")


def in_app(tuner: str, project: Path, meanwhile: Callable[[Terminal, Path], None]) -> list[float]:
    """The speeds of a run started in the app; `meanwhile` is with the terminal until it has ended."""
    known = set((project / "runs").glob("*"))
    terminal = Terminal([tuner, "--project", str(project)], columns=100, rows=30)
    try:
        terminal.wait_for("Environment")
        terminal.settle()
        # Escape leaves the settings, if they have the focus; right before the next letter it would be Alt.
        for key in ("3", "\x1b", "g"):
            terminal.type(key)
            terminal.settle()
        run = begun(project, known, terminal)
        meanwhile(terminal, run)
        return speeds(run)
    finally:
        terminal.end()


def watch(terminal: Terminal, run: Path) -> None:
    while not finished(run):
        terminal.read(0.5)


def type_into(latencies: list[float], terminal: Terminal, run: Path) -> None:
    """Go up and down the list of checks, where nothing else paints."""
    terminal.type("1")
    terminal.settle(quiet=1.0)
    for key in itertools.cycle(["\x1b[B"] * 4 + ["\x1b[A"] * 4):
        if finished(run):
            return
        latencies.append(terminal.key_to_paint(key))
        terminal.settle(quiet=0.15, limit=0.6)


def main() -> None:
    tuner, project = str(Path(sys.executable).with_name("tuner")), Path(sys.argv[1]).absolute()
    alone: list[float] = []
    app: list[float] = []
    latencies: list[float] = []
    for _ in range(2):
        alone += headless(tuner, project)
        app += in_app(tuner, project, watch)
    in_app(tuner, project, functools.partial(type_into, latencies))
    latencies.sort()
    ratio = statistics.median(ours / theirs for ours, theirs in zip(app, alone, strict=True))
    print(f"headless   median {statistics.median(alone):7.1f} tok/s over {len(alone)} steps")
    print(f"in the app median {statistics.median(app):7.1f} tok/s over {len(app)} steps")
    print(f"the same step in the app: {(1 - ratio) * 100:+.1f} % slower (median)")
    print(
        f"key to paint while training: median {statistics.median(latencies) * 1000:.0f} ms, "
        f"p95 {latencies[int(len(latencies) * 0.95)] * 1000:.0f} ms over {len(latencies)} keys"
    )


if __name__ == "__main__":
    main()
