"""`tuner train --auto` and `--dry-run`."""

from __future__ import annotations

import json

import pytest
import tiny_project

from tui_tuner.choices import TrainingChoice
from tui_tuner.cli import main
from tui_tuner.project import open_project


@pytest.fixture
def project(tmp_path):
    return tiny_project.make(tmp_path)


def train(project, capsys, *arguments) -> list[dict]:
    """The events of `tuner train`."""
    assert main(["train", "--project", str(project.folder), "--json", *arguments]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def suggestions(events) -> dict:
    return {event["name"]: event for event in events if event["event"] == "suggestion"}


def test_a_dry_run_says_what_it_would_take_and_changes_nothing(project, capsys):
    before = open_project(project.folder)
    events = train(project, capsys, "--auto", "--dry-run")
    assert suggestions(events)["iters"]["why"]
    assert [event["memory"] for event in events if event["event"] == "forecast"]
    assert open_project(project.folder) == before and not before.run_folders()


def test_the_suggestions_are_trained_with_and_kept_but_what_was_given_stays(project, capsys):
    events = train(project, capsys, "--auto", "--set", "iters=4", "--set", "seed=3")
    found = suggestions(events)
    assert "iters" not in found and found["patience"]["value"] > 0
    kept = open_project(project.folder).choices.training
    assert kept.patience == found["patience"]["value"] and kept.rank == found["rank"]["value"]
    before = project.choices.training
    assert (kept.iters, kept.seed, kept.sample_tokens) == (before.iters, before.seed, before.sample_tokens)
    started = next(event for event in events if event["event"] == "training_started")
    assert started["iters"] == 4
    texts = [event.get("text", "") for event in events if event["event"] == "notice"]
    assert any(text.startswith("auto: patience ") for text in texts)


def test_each_is_a_line_with_its_reason(project, capsys):
    assert main(["train", "--project", str(project.folder), "--auto", "--dry-run"]) == 0
    out = capsys.readouterr().out
    line = next(line for line in out.splitlines() if "max_seq_length" in line)
    assert f"{TrainingChoice().max_seq_length:,} → 128" in line and "the longest example has" in line
    assert "memory about" in out


def test_they_are_for_a_new_run(project, capsys):
    for option in ("--auto", "--dry-run"):
        assert main(["train", "--project", str(project.folder), "--resume", option]) == 2
        assert "new run" in capsys.readouterr().err
