"""Every key of `metrics.jsonl` is documented, and every documented one is written."""

from __future__ import annotations

import dataclasses
import json

import pytest
from training.school import QUICK, rows

from tui_tuner.cli import main
from tui_tuner.training.event_lines import KINDS as EVENTS
from tui_tuner.training.metrics_keys import EVERY_LINE, KINDS
from tui_tuner.training.run_guide import GUIDE
from tui_tuner.training.run_tail import METRICS

OF_EVERY_LINE = {key.name for key in EVERY_LINE}


def test_the_kinds_of_lines_are_those_there_are():
    assert [kind.name for kind in KINDS] == sorted((kind.name for kind in KINDS), key=list(EVENTS).index)
    assert {kind.name for kind in KINDS} == set(EVENTS)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_keys_of_a_line_are_those_of_its_event(kind):
    written = {field.name for field in dataclasses.fields(EVENTS[kind.name])} - OF_EVERY_LINE
    documented = [key.name for key in kind.keys]
    assert sorted(documented) == sorted(written)
    assert kind.when and all(key.about for key in kind.keys)


def test_what_a_run_writes_is_documented_and_its_folder_explains_itself(school):
    plan = school.plan(run="told", choice=dataclasses.replace(QUICK, iters=4), valid=rows(4, begin=20))
    school.train(plan)
    documented = {kind.name: {key.name for key in kind.keys} | OF_EVERY_LINE for kind in KINDS}
    lines = [json.loads(line) for line in (plan.run / METRICS).read_text().splitlines()]
    assert {"training_started", "train_step", "validation", "sample_answered", "training_ended"} <= {
        line["event"] for line in lines
    }
    for line in lines:
        assert set(line) == documented[line["event"]]
    assert "mlx " in lines[0]["versions"]
    guide = (plan.run / GUIDE).read_text()
    assert "- finished: 4 of 4 steps" in guide
    best = min(line["loss"] for line in lines if line["event"] == "validation" and line["iteration"])
    assert f"{best:.4f} nats/token" in guide
    assert str(plan.run.parent) not in guide and str(school.model) not in guide
    for path in plan.run.iterdir():
        assert path.name in guide or path.name == GUIDE, "every file is explained"


def test_the_keys_are_said_on_the_command_line(capsys):
    assert main(["runs", "--keys"]) == 0
    said = capsys.readouterr().out
    assert all(f"`{key.name}` | {key.unit} |" in said for kind in KINDS for key in kind.keys)
