"""Killed, or out of disk: what was done is kept, and nothing is paid for twice."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from dataset.teachers_by_rule import SEEDS, RuleTeacher, asked_for, conversing, plan_in

from tui_tuner.dataset.make import make_dataset
from tui_tuner.files import read_json_lines
from tui_tuner.progress import StopToken, ignore_event

CHILD = Path(__file__).with_name("child.py")


def start(data, *arguments):
    command = [sys.executable, str(CHILD), str(data), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def answered(data):
    rows, _bad = read_json_lines(data / "answers.jsonl")
    return [row["messages"][0]["content"] for row in rows]


def resume(data, turns=1):
    teacher = RuleTeacher(answers=conversing())
    plan = plan_in(data, seeds=SEEDS, instructions=40, turns=turns)
    report = make_dataset(plan, teacher, emit=ignore_event, stop=StopToken())
    return teacher, report


def test_killed_between_answers_it_goes_on_and_pays_for_nothing_twice(tmp_path):
    asked = []
    with start(tmp_path) as child:
        for line in child.stdout:
            if line.startswith("asked"):
                asked.append(line.split(" ", 1)[1].strip())
            if line.startswith("example_written") and len(asked) > 15:
                child.send_signal(signal.SIGKILL)
                break
        asked += [line.split(" ", 1)[1].strip() for line in child.stdout if line.startswith("asked")]
    assert child.returncode == -signal.SIGKILL
    kept = answered(tmp_path)
    assert len(asked) - 1 <= len(kept) <= len(asked)  # what was in flight is all that can be lost
    teacher, report = resume(tmp_path)
    assert teacher.question_rounds == []
    assert not set(asked_for(teacher)) & set(kept)
    assert len(asked_for(teacher)) == 40 - len(kept)
    assert (report.answers, report.train + report.valid) == (40, 43)


@pytest.mark.parametrize("followed", [2, 9, 30])
def test_killed_between_follow_ups_it_pays_for_nothing_twice_and_the_files_are_the_same(tmp_path, followed):
    paid = []
    with start(tmp_path / "killed", "0", "3") as child:
        for line in child.stdout:
            if line.startswith(("asked", "follow_up ")):
                paid.append(line)
            if len([line for line in paid if line.startswith("follow_up ")]) == followed:
                child.send_signal(signal.SIGKILL)
                break
        paid += [line for line in child.stdout if line.startswith(("asked", "follow_up "))]
    assert child.returncode == -signal.SIGKILL
    teacher, report = resume(tmp_path / "killed", turns=3)
    # Forty answers, and two follow-up questions with their answers each; what was in flight is all that is asked again.
    assert 40 * 5 <= len(paid) + len(teacher.asked) <= 40 * 5 + 1
    assert (report.answers, report.follow_ups, report.short) == (40, 80, 0)
    with start(tmp_path / "whole", "0", "3") as child:
        child.stdout.read()
    for name in ("instructions.json", "train.jsonl", "valid.jsonl"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_killed_or_not_the_split_is_the_same(tmp_path):
    with start(tmp_path / "killed") as child:
        for line in child.stdout:
            if line.startswith("example_written"):
                child.send_signal(signal.SIGKILL)
                break
    with start(tmp_path / "whole") as child:
        child.stdout.read()
    assert child.returncode == 0
    resume(tmp_path / "killed")
    for name in ("instructions.json", "train.jsonl", "valid.jsonl"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_when_the_disk_fills_everything_before_is_kept(tmp_path):
    with start(tmp_path, "2000") as child:
        lines = child.stdout.read().splitlines()
    assert child.returncode == 1
    assert lines[-1].startswith("storage_error")
    assert lines.count("example_written") == len(answered(tmp_path)) > 3
    assert (tmp_path / "answers.jsonl").stat().st_size <= 2000
    assert (tmp_path / "answers.jsonl").read_bytes().endswith(b"\n")
    _teacher, report = resume(tmp_path)
    assert report.answers == 40
    assert json.loads((tmp_path / "report.json").read_text())["answers"] == 40
