"""Runs side by side: what differs is marked, what cannot be compared is said."""

from __future__ import annotations

import dataclasses

import pytest
from training.story import EVENTS, make_run, started, step

from tui_tuner.choices import TrainingChoice
from tui_tuner.project import create_project
from tui_tuner.run_columns import table_lines
from tui_tuner.training.events import FinalTest, TrainingEnded, Validation
from tui_tuner.training.run_config import RunConfig, read_config, write_config
from tui_tuner.training.run_table import compare_runs, setting_in_words


@pytest.fixture
def project(tmp_path):
    made = create_project(tmp_path / "p")
    better = [
        started(),
        *(step(number, 2.0 - number / 10) for number in range(1, 11)),
        Validation(8, 1.5, True, 0.1, 2.0),
        FinalTest(8, 1.6, 4.95, 3, 30, 2.0),
        TrainingEnded("run-2", 10, 10, True, 1.5, 8, 5.0, 3.0),
    ]
    make_run(made, "run-1", EVENTS)
    make_run(made, "run-2", better, choice=TrainingChoice(iters=10, learning_rate=2e-5, keys=("a", "b")))
    return made


def compared(project, *names):
    return compare_runs([project.runs / name for name in names])


def row(rows, label):
    return next(row for row in rows if row.label == label)


def test_results_side_by_side_with_the_best_marked(project):
    table = compared(project, "run-1", "run-2")
    assert table.runs == ("run-1", "run-2")
    assert row(table.results, "best held-out loss").values == ("1.800 at 3", "1.500 at 8")
    assert row(table.results, "best held-out loss").best == 1
    assert row(table.results, "test loss").values == ("–", "1.600")
    assert row(table.results, "test loss").best is None, "there is nothing to compare it with"
    assert row(table.results, "state").values == ("stopped", "finished")
    assert row(table.results, "speed").values == ("90 tok/s", "90 tok/s")


def test_only_what_differs_is_marked(project):
    table = compared(project, "run-1", "run-2")
    assert [found.label for found in table.settings if found.differs] == ["learning_rate", "keys"]
    assert row(table.settings, "learning_rate").values == ("0.0001", "2e-05")
    assert row(table.settings, "keys").values == ("–", "a; b")
    assert {"model", "batch_size", "versions"} - {found.label for found in table.same} <= {"versions"}
    assert table.warnings == ()


def test_other_held_out_rows_cannot_be_compared(project):
    run = project.runs / "run-2"
    config = read_config(run)
    facts = dataclasses.replace(config.facts, valid_fingerprint="abcdef0123", valid_rows=7)
    write_config(run, RunConfig(facts, config.choice))
    table = compared(project, "run-1", "run-2")
    assert row(table.results, "best held-out loss").best is None
    assert "cannot be compared" in table.warnings[0]
    assert row(table.settings, "valid.jsonl").values[1] == "7 rows (abcdef)"


def test_the_same_best_is_nobodys(project):
    make_run(project, "run-3", EVENTS)
    assert row(compared(project, "run-1", "run-3").results, "best held-out loss").best is None


def test_a_run_without_a_line_has_its_column(project):
    make_run(project, "run-3", [])
    table = compared(project, "run-3", "run-2")
    assert row(table.results, "best held-out loss").values[0] == "–"
    assert row(table.results, "time").values[0] == "–"


def test_as_lines(project):
    lines = list(table_lines(compared(project, "run-1", "run-2")))
    assert lines[0].split() == ["run-1", "run-2"]
    (best,) = [line for line in lines if "held-out" in line]
    assert best.split() == ["best", "held-out", "loss", "1.800", "at", "3", "1.500", "at", "8", "★"]
    assert [line.split()[1] for line in lines if line.startswith("≠")] == ["learning_rate", "keys"]
    alone = list(table_lines(compared(project, "run-1")))
    assert not any(line.startswith("≠") for line in alone)


def test_settings_in_words():
    assert [setting_in_words(value) for value in (True, 1e-5, 20.0, (), ("a", "b"), 7)] == [
        "yes", "1e-05", "20", "–", "a; b", "7",
    ]  # fmt: skip
