"""What training in the app costs: keys' latency meanwhile, and tokens/s against the same training headless.

    python tests/benchmarks/while_training.py PROJECT     a project with a dataset; its base model must be here

Trains four runs in turn (headless, app, headless, app) with the project's own settings; types into the app meanwhile.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
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


def in_app(tuner: str, project: Path, latencies: list[float]) -> list[float]:
    known = set((project / "runs").glob("*"))
    terminal = Terminal([tuner, "--project", str(project)], columns=100, rows=30)
    try:
        terminal.wait_for("Environment")
        terminal.settle()
        terminal.type("3")
        terminal.settle()
        terminal.type("\x1bg")
        while not (fresh := set((project / "runs").glob("*")) - known):
            terminal.read(0.2)
        run = fresh.pop()
        while not (run / "metrics.jsonl").exists() or "train_step" not in (run / "metrics.jsonl").read_text():
            terminal.read(0.2)
        # Half of the run the dashboard is watched, half of it keys are typed where nothing else paints.
        half = time.monotonic() + 20
        while time.monotonic() < half and not finished(run):
            terminal.read(0.2)
        terminal.type("1")
        terminal.settle(quiet=1.0)
        direction = 0
        while not finished(run):
            latencies.append(terminal.key_to_paint("\x1b[B" if direction % 8 < 4 else "\x1b[A"))
            direction += 1
            terminal.settle(quiet=0.15, limit=0.6)
        return speeds(run)
    finally:
        terminal.end()


def main() -> None:
    tuner, project = str(Path(sys.executable).with_name("tuner")), Path(sys.argv[1]).absolute()
    alone: list[float] = []
    app: list[float] = []
    latencies: list[float] = []
    for _ in range(2):
        alone += headless(tuner, project)
        app += in_app(tuner, project, latencies)
    latencies.sort()
    ours, bare = statistics.median(app), statistics.median(alone)
    print(f"headless   median {bare:7.1f} tok/s over {len(alone)} steps")
    print(f"in the app median {ours:7.1f} tok/s over {len(app)} steps   ({(1 - ours / bare) * 100:+.1f} % slower)")
    print(
        f"key to paint while training: median {statistics.median(latencies) * 1000:.0f} ms, "
        f"p95 {latencies[int(len(latencies) * 0.95)] * 1000:.0f} ms over {len(latencies)} keys"
    )


if __name__ == "__main__":
    main()
