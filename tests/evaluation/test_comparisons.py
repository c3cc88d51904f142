from datetime import datetime

import pytest
import tuned_model

from tui_tuner.errors import StorageError
from tui_tuner.evaluation.comparisons import (
    Answer,
    Answered,
    answered_row,
    has_finished_comparison,
    list_comparisons,
    new_comparison_path,
    read_comparison,
)
from tui_tuner.files import Journal

NOON = datetime(2026, 3, 4, 12, 0, 0)
ANSWERED = Answered("why?", Answer("so", 2, 10.0, 0.5, "stop"), Answer("därum", 3, 9.5, 0.6, "length"))


def test_no_two_comparisons_take_the_same_place(tmp_path):
    project = tuned_model.project(tmp_path / "project")
    project.comparisons.mkdir()
    made = []
    for _number in range(11):
        made.append(new_comparison_path(project, NOON))
        made[-1].touch()
    assert len(set(made)) == 11
    later = new_comparison_path(project, datetime(2026, 3, 4, 12, 0, 1))
    later.touch()
    assert list_comparisons(project) == [later, *reversed(made)]


def test_a_torn_line_and_a_strange_one_cost_only_themselves(tmp_path):
    path = tmp_path / "one.jsonl"
    with Journal(path) as journal:
        journal.append({"format": 1, "run": "run-3"})
        journal.append(answered_row(ANSWERED))
        journal.append({"prompt": "half", "base": {"text": "?"}})
        journal.append(["not", "ours"])
    with path.open("ab") as file:
        file.write(b'{"prompt": "torn')
    kept = read_comparison(path)
    assert kept.answers == (ANSWERED,)
    assert kept.made["run"] == "run-3"


def test_a_comparison_is_finished_with_its_last_prompt(tmp_path):
    project = tuned_model.project(tmp_path / "project")
    project.comparisons.mkdir()
    (project.comparisons / "2027-01-01_00-00-00.jsonl").write_text('{"format": 99}\n')
    assert not has_finished_comparison(project)
    with Journal(new_comparison_path(project, NOON)) as journal:
        journal.append({"format": 1, "prompts": ["why?", "when?"]})
        journal.append(answered_row(ANSWERED))
        assert not has_finished_comparison(project)
        journal.append(answered_row(ANSWERED))
    assert has_finished_comparison(project)


def test_what_cannot_be_read_is_said(tmp_path):
    with pytest.raises(StorageError, match="no such comparison"):
        read_comparison(tmp_path / "none.jsonl")
    (tmp_path / "new.jsonl").write_text('{"format": 99}\n')
    with pytest.raises(StorageError, match="newer tuner"):
        read_comparison(tmp_path / "new.jsonl")
