"""Killed while it asks about documents or answers from them: nothing is paid for twice."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from dataset.child_documents import documents_plan
from dataset.passages_by_rule import PASSAGES, passage_teacher

from tui_tuner.dataset.make import make_dataset
from tui_tuner.files import read_json_lines
from tui_tuner.progress import StopToken, ignore_event

CHILD = Path(__file__).with_name("child_documents.py")


def rows(path):
    return read_json_lines(path)[0]


@pytest.mark.parametrize(("event", "after"), [("instruction_written", 7), ("example_written", 7)])
def test_killed_in_the_middle_it_goes_on_and_pays_for_nothing_twice(tmp_path, event, after):
    asked, heard = 0, 0
    with subprocess.Popen([sys.executable, str(CHILD), str(tmp_path)], stdout=subprocess.PIPE, text=True) as child:
        for line in child.stdout:
            asked += line.startswith("asked")
            heard += line.strip() == event
            if heard == after:
                child.send_signal(signal.SIGKILL)
                break
        asked += sum(line.startswith("asked") for line in child.stdout)
    assert child.returncode == -signal.SIGKILL
    paid = len(rows(tmp_path / "passage_questions.jsonl")) + len(rows(tmp_path / "answers.jsonl"))
    assert asked - 1 <= paid <= asked
    teacher = passage_teacher(continues=False, at_once=1)
    report = make_dataset(documents_plan(tmp_path), teacher, emit=ignore_event, stop=StopToken())
    assert len(teacher.asked) == len(PASSAGES) * 3 - paid
    assert (report.instructions, report.answers) == (20, 20)
    assert len(rows(tmp_path / "answers.jsonl")) == 20
