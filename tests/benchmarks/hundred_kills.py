"""Kills training a hundred times at random moments, and compares what is left in the end with runs nobody touched.

    python tests/benchmarks/hundred_kills.py [--kills 100] [--seed 0] [--steps 300]

A process of its own trains a tiny model; it is killed (SIGKILL) after a random time, mostly while it trains, sometimes
while it still prepares, and started again, until its run is finished. Then come the next settings: LoRA, DoRA and full,
with dropout, accumulation, schedules, clipping and checkpointing among them. Each run's losses, learning rates,
gradient norms, held-out losses and adapter have to be those of a run of the same settings that was never killed, to the
bit. All training is done in child processes, so that all of it uses the same BLAS.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

TESTS = Path(__file__).parents[1]
sys.path.insert(0, str(TESTS))

import tiny_model  # noqa: E402
from training.school import QUICK, School  # noqa: E402
from training.test_exact_resume import GRID  # noqa: E402

from tui_tuner.training.plan import TrainingPlan  # noqa: E402

CHILD = TESTS / "training" / "child.py"
COMPARED = ("lora, everything", "dora, adafactor", "full, adafactor", "lora, muon", "dora, adam", "full, adamw")


def start(plan: TrainingPlan) -> subprocess.Popen[str]:
    choice = json.dumps(dataclasses.asdict(plan.choice))
    command = [sys.executable, str(CHILD), str(plan.model), str(plan.data), str(plan.run), choice]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def train(plan: TrainingPlan) -> float:
    """Train to the end, undisturbed; returns how many seconds the steps took."""
    began = 0.0
    with start(plan) as child:
        for line in child.stdout:
            if line.startswith("training_started"):
                began = time.monotonic()
    assert child.returncode == 0, plan.run
    return time.monotonic() - began


def kill_somewhere(plan: TrainingPlan, dice: random.Random, longest: float) -> bool:
    """Start training and kill it after a random time; False where it was done before."""
    with start(plan) as child:
        while_preparing = dice.random() < 0.15
        if while_preparing:
            threading.Timer(dice.uniform(0, 3), child.send_signal, (signal.SIGKILL,)).start()
        for line in child.stdout:
            if line.startswith("training_started") and not while_preparing:
                threading.Timer(dice.uniform(0, longest), child.send_signal, (signal.SIGKILL,)).start()
    return child.returncode == -signal.SIGKILL


def story(run: Path) -> list[object]:
    """Everything that was measured of the run, and its adapter."""
    rows = [json.loads(line) for line in (run / "metrics.jsonl").open()]
    machine = (
        "time",
        "elapsed_seconds",
        "eta_seconds",
        "eta_error_seconds",
        "tokens_per_second",
        "iterations_per_second",
        "peak_memory",
    )
    kept = [
        {name: value for name, value in row.items() if name not in (*machine, "seconds")}
        for row in rows
        if row["event"] in ("train_step", "validation")
    ]
    return [kept, (run / "adapters.safetensors").read_bytes()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=300)
    arguments = parser.parse_args()
    dice = random.Random(arguments.seed)
    kills, runs, wrong = 0, 0, 0
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        school = School(Path(name), tiny_model.make(Path(name) / "tiny"))
        while kills < arguments.kills:
            settings = COMPARED[runs % len(COMPARED)]
            choice = dataclasses.replace(
                QUICK, **GRID[settings], iters=arguments.steps, save_every=3, steps_per_eval=10
            )
            whole, plan = (school.plan(run=f"{kind}-{runs}", choice=choice) for kind in ("whole", "killed"))
            seconds = train(whole)
            before = kills
            while kills < arguments.kills and kill_somewhere(plan, dice, seconds / 8):
                kills += 1
            train(plan)
            same = story(plan.run) == story(whole.run)
            verdict = "the same" if same else "NOT THE SAME"
            print(f"{settings:<18} {kills - before:>3} kills: {verdict}", flush=True)
            runs, wrong = runs + 1, wrong + (not same)
    print(f"{kills} kills in {runs} runs, {time.monotonic() - began:.0f} s: {wrong} of the runs differ")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
