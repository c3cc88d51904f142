"""Kills and full disks, for real. All training is done in child processes, so that all of it uses the same BLAS."""

from __future__ import annotations

import dataclasses
import json
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from training.school import QUICK
from training.test_exact_resume import GRID

from tui_tuner.training.checkpoint import CHECKPOINTS
from tui_tuner.training.history import read_history
from tui_tuner.training.runs import summarize

CHILD = Path(__file__).with_name("child.py")
CHOICE = dataclasses.replace(QUICK, dropout=0.1, iters=16, save_every=3, steps_per_report=2)


def start(plan, *options: str) -> subprocess.Popen[str]:
    choice = json.dumps(dataclasses.asdict(plan.choice))
    command = [sys.executable, str(CHILD), str(plan.model), str(plan.data), str(plan.run), choice, *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def finish(plan) -> str:
    """Train to the end; returns what the process said."""
    with start(plan) as child:
        said = child.stdout.read()
    assert child.returncode == 0, said
    return said


def kill_after(plan, lines: int, seconds: float) -> None:
    """Train, and kill the process a moment after it has said so many things; where it is then, chance decides."""
    with start(plan) as child:
        for _line in range(lines):
            child.stdout.readline()
        threading.Timer(seconds, child.send_signal, (signal.SIGKILL,)).start()
        child.stdout.read()
    assert child.returncode in (-signal.SIGKILL, 0)


@pytest.fixture
def whole(school):
    return trained(school, CHOICE)


def trained(school, choice):
    plan = school.plan(run="whole", choice=choice)
    finish(plan)
    return plan


def assert_same(plan, whole) -> None:
    found, expected = read_history(plan.run), read_history(whole.run)
    assert (found.train, found.valid, found.gradient_norm) == (expected.train, expected.valid, expected.gradient_norm)
    assert (plan.run / "adapters.safetensors").read_bytes() == (whole.run / "adapters.safetensors").read_bytes()
    assert not list(plan.run.rglob(".*")), "what a killed process was writing is cleared away"


@pytest.mark.parametrize("settings", ["lora, everything", "dora, adafactor", "full, adafactor"])
def test_killed_again_and_again_a_run_is_the_same_to_the_bit(school, settings):
    whole = trained(school, dataclasses.replace(CHOICE, **GRID[settings]))
    plan = dataclasses.replace(whole, run=whole.run.with_name("killed"))
    dice = random.Random(settings)
    for lines in (3, 24, dice.randrange(20, 35)):
        kill_after(plan, lines, dice.uniform(0, 0.2))
    finish(plan)

    assert_same(plan, whole)
    assert summarize(plan.run).finished


def test_a_kill_before_the_first_checkpoint_starts_over(whole):
    plan = dataclasses.replace(whole, run=whole.run.with_name("killed"))
    with start(plan) as child:
        for line in child.stdout:
            if line.startswith("train_step 2"):
                child.send_signal(signal.SIGKILL)
                break
        child.stdout.read()
    if not list((plan.run / CHECKPOINTS).glob("3")):  # it may just have made it
        assert summarize(plan.run).state == "running or interrupted"
    finish(plan)
    assert_same(plan, whole)


def test_a_full_disk_costs_nothing_that_was_done(whole):
    plan = dataclasses.replace(whole, run=whole.run.with_name("full"))
    with start(plan, "--full-after-checkpoint") as child:
        said = child.stdout.read()
    assert child.returncode == 1
    assert "StorageError" in said
    assert "Traceback" not in said
    assert [folder.name for folder in (plan.run / CHECKPOINTS).iterdir()] == ["3"]
    assert "checkpoint_saved 4" not in said
    history = read_history(plan.run)
    assert [text for _time, text in history.notices if "checkpoint" in text] == ["checkpoint 3 saved"]

    said = finish(plan)
    assert "train_step 4" in said
    assert "train_step 2" not in said
    assert_same(plan, whole)
