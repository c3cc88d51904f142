"""What training in the app costs: keys' latency meanwhile, and tokens/s against the same training headless.

    python tests/benchmarks/while_training.py PROJECT     a project with a dataset; its base model must be here

Trains five runs with the project's own settings: headless and in the app, watched but not touched, twice in turn, and
one in which keys are typed all the time. The same seed gives the same batches: a step is compared with the same step.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
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


def in_app(tuner: str, project: Path, latencies: list[float] | None = None) -> list[float]:
    """The speeds of a run started in the app; with `latencies`, keys are typed meanwhile."""
    known = set((project / "runs").glob("*"))
    terminal = Terminal([tuner, "--project", str(project)], columns=100, rows=30)
    try:
        terminal.wait_for("Environment")
        terminal.settle()
        terminal.type("3")
        terminal.settle()
        terminal.type("\x1b")  # out of the settings, if they have the focus; with the next letter it would be Alt
        terminal.settle()
        terminal.type("g")
        while not (fresh := set((project / "runs").glob("*")) - known):
            terminal.read(0.2)
        run = fresh.pop()
        while not (run / "metrics.jsonl").exists() or "train_step" not in (run / "metrics.jsonl").read_text():
            terminal.read(0.2)
        while latencies is None and not finished(run):
            terminal.read(0.5)
        terminal.type("1")
        terminal.settle(quiet=1.0)
        direction = 0
        while latencies is not None and not finished(run):
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
        app += in_app(tuner, project)
    in_app(tuner, project, latencies)
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
