"""The whole journey on the real starter model: real questions, real training, a real change in how it answers."""

import json
import os
import subprocess
import sys

import pytest

from tui_tuner.demo import examples
from tui_tuner.evaluation.kept_comparisons import list_comparisons, read_comparison
from tui_tuner.project import open_project


@pytest.mark.starter
@pytest.mark.timeout(2400)
def test_the_demo_changes_every_answer_and_goes_on_when_run_again(tmp_path, starter):
    folder = tmp_path / "demo"
    environment = {**os.environ, "TUNER_CACHE": str(starter.parent.parent)}
    command = [sys.executable, "-m", "tui_tuner", "demo", str(folder), "--json"]
    ended = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert ended.returncode == 0, ended.stderr
    events = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [event["passed"] for event in events if event["event"] == "proof"] == [True]

    project = open_project(folder)
    answers = read_comparison(list_comparisons(project)[0]).answered
    assert [one.prompt for one in answers] == list(examples.UNSEEN_QUESTIONS)
    for one in answers:
        assert "Try this:" not in one.answers["base"].text
        assert one.answers["tuned"].text.strip().startswith("In short:"), one.answers["tuned"].text
    assert sum("Try this:" in one.answers["tuned"].text for one in answers) >= len(answers) - 1

    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.safetensors")}
    again = subprocess.run([*command[:-1]], capture_output=True, text=True, env=environment)
    assert again.returncode == 0, again.stderr
    assert "done already" in again.stdout
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.safetensors")} == before
