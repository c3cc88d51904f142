"""`tuner train --auto` and `--dry-run`."""

from __future__ import annotations

import dataclasses
import json

import pytest
import tiny_model
import tiny_project

from tui_tuner.choices import TrainingChoice
from tui_tuner.cli import main
from tui_tuner.models.base_model import find_base
from tui_tuner.progress import StopToken, ignore_event
from tui_tuner.project import open_project, save_project
from tui_tuner.training import forecast
from tui_tuner.training.auto_memory import best_fit
from tui_tuner.training.forecast import measured_forecaster
from tui_tuner.training.memory_estimate import Machine
from tui_tuner.training.run_config import read_config


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


@pytest.fixture
def tight_machine(tmp_path, monkeypatch):
    """A project and a machine on which its base fits in 4 bits only."""
    base = tiny_model.make(tmp_path / "wide", hidden=512)
    project = tiny_project.make(tmp_path).with_settings("model", {"name": str(base)})
    project = dataclasses.replace(project, given=frozenset())
    save_project(project)
    machine = Machine(1, 16 << 30, gpu=False, cores=1)
    monkeypatch.setattr(forecast, "this_machine", lambda: machine)
    whole = measured_forecaster(project, base, emit=ignore_event, stop=StopToken())
    needs = [best_fit(one, project.choices.training, (), 10).total for one in (whole, whole.squeezed(4))]
    machine = dataclasses.replace(machine, usable=sum(needs) // 2)
    return project


def test_a_base_that_fits_only_in_4_bits_is_taken_so_made_so_and_kept(tight_machine, capsys):
    dry = suggestions(train(tight_machine, capsys, "--auto", "--dry-run"))
    assert dry["model.quantize"]["value"] == "4"
    assert open_project(tight_machine.folder).choices.model.quantize == "none"
    train(tight_machine, capsys, "--auto", "--set", "iters=2")
    kept = open_project(tight_machine.folder)
    assert kept.choices.model.quantize == "4"
    base = read_config(kept.run_folders()[-1]).facts.model
    assert base == str(find_base(kept.choices.model)) and "4bit" in base


def test_what_was_given_of_the_base_for_one_run_is_not_kept(tight_machine, capsys):
    found = suggestions(train(tight_machine, capsys, "--auto", "--set", "model.quantize=none", "--dry-run"))
    assert "model.quantize" not in found
    name = tight_machine.choices.model.name
    train(tight_machine, capsys, "--auto", "--set", f"model.name={name}", "--set", "iters=2")
    assert open_project(tight_machine.folder).choices.model.quantize == "none"
