from datetime import datetime

import pytest
import tuned_model

from tui_tuner.errors import StorageError
from tui_tuner.evaluation.comparisons import Answer, answer_row, new_comparison_path
from tui_tuner.evaluation.kept_comparisons import (
    comparison_to_go_on_with,
    has_finished_comparison,
    kept_comparisons,
    list_comparisons,
    newest_comparison,
    read_comparison,
    runs_in,
)
from tui_tuner.evaluation.prompts import Prompt
from tui_tuner.journal import Journal

NOON = datetime(2026, 3, 4, 12, 0, 0)
SHORT, CUT = Answer("so", 2, 10.0, 0.5, "stop"), Answer("därum", 3, 9.5, 0.6, "length", together=True)
HEAD = {
    "format": 2,
    "columns": {"base": {"label": "base"}, "run-3": {"label": "run-3", "run": "run-3"}},
    "prompts": [{"text": "why?", "expected": "so"}, {"text": "when?"}],
}


def test_no_two_comparisons_take_the_same_place(tmp_path):
    project = tuned_model.project(tmp_path / "project")
    project.comparisons.mkdir()
    made = []
    for _number in range(11):
        made.append(new_comparison_path(project, NOON))
        made[-1].write_text("{}\n")
    assert len(set(made)) == 11
    later = new_comparison_path(project, datetime(2026, 3, 4, 12, 0, 1))
    later.write_text("{}\n")
    assert list_comparisons(project) == [later, *reversed(made)]


def test_a_torn_line_and_a_strange_one_cost_only_themselves(tmp_path):
    path = tmp_path / "one.jsonl"
    with Journal(path) as journal:
        journal.append(HEAD)
        journal.append(answer_row(0, "base", SHORT))
        journal.append({"index": 0, "column": "run-3", "text": "half"})
        journal.append(answer_row(2, "base", SHORT))
        journal.append(answer_row(0, "nobody", SHORT))
        journal.append(["not", "ours"])
        journal.append(answer_row(1, "run-3", CUT))
    with path.open("ab") as file:
        file.write(b'{"index": 1, "column": "ba')
    kept = read_comparison(path)
    assert kept.answers == {(0, "base"): SHORT, (1, "run-3"): CUT}
    assert kept.damaged == 5  # those of another place or column, those that say nothing, and the torn one
    assert kept.prompts == (Prompt("why?", "so"), Prompt("when?"))
    assert (kept.columns, runs_in(kept)) == (("base", "run-3"), {"run-3"})
    assert [(row.prompt, row.expected, list(row.answers)) for row in kept.answered] == [
        ("why?", "so", ["base"]),
        ("when?", "", ["run-3"]),
    ]


def test_a_comparison_is_finished_with_its_last_answer(tmp_path):
    project = tuned_model.project(tmp_path / "project")
    project.comparisons.mkdir()
    (project.comparisons / "2027-01-01_00-00-00.jsonl").write_text('{"format": 99}\n')
    assert not has_finished_comparison(project)
    with Journal(new_comparison_path(project, NOON)) as journal:
        journal.append(HEAD)
        for number, place in enumerate([(0, "base"), (0, "run-3"), (1, "base"), (1, "run-3")]):
            assert not has_finished_comparison(project), number
            journal.append(answer_row(*place, SHORT))
    assert has_finished_comparison(project)


def test_a_comparison_of_an_earlier_version_is_read(tmp_path):
    path = tmp_path / "old.jsonl"
    old = {"text": "so", "tokens": 2, "tokens_per_second": 10.0, "seconds": 0.5, "finish": "stop"}
    with Journal(path) as journal:
        journal.append({"format": 1, "run": "run-3", "prompts": ["why?", "when?"]})
        journal.append({"prompt": "why?", "base": old, "tuned": {**old, "text": "thus"}})
        journal.append({"prompt": "half", "base": {"text": "?"}})
    kept = read_comparison(path)
    assert kept.answers == {(0, "base"): SHORT, (0, "tuned"): Answer("thus", 2, 10.0, 0.5, "stop")}
    assert (kept.labels, runs_in(kept)) == ({"base": "base", "tuned": "tuned run-3"}, {"run-3"})
    assert [prompt.text for prompt in kept.prompts] == ["why?", "when?"]
    assert not kept.finished
    with Journal(path) as journal:
        journal.append({"prompt": "when?", "base": old, "tuned": old})
    assert read_comparison(path).finished


def test_what_cannot_be_read_is_said(tmp_path):
    with pytest.raises(StorageError, match="no such comparison"):
        read_comparison(tmp_path / "none.jsonl")
    (tmp_path / "new.jsonl").write_text('{"format": 99}\n')
    with pytest.raises(StorageError, match="newer tuner"):
        read_comparison(tmp_path / "new.jsonl")


GARBAGE = [b"\x00\xff\xfe garbage", b"[]\n", b"{}\n", b'{"format": 2, "columns": [], "prompts": 5}\n', b"\n"]


@pytest.mark.parametrize("content", GARBAGE)
def test_what_is_no_comparison_is_said_and_stands_in_nobodys_way(tmp_path, content):
    project = tuned_model.project(tmp_path / "project")
    with Journal(new_comparison_path(project, NOON)) as journal:
        journal.append(HEAD)
        journal.append(answer_row(0, "base", SHORT))
    garbage = project.comparisons / "2027-01-01_00-00-00.jsonl"
    garbage.write_bytes(content)
    (project.comparisons / "2028-01-01_00-00-00.jsonl").mkdir()
    (project.comparisons / "2029-01-01_00-00-00.jsonl").touch()
    with pytest.raises(StorageError, match="no comparison") as caught:
        read_comparison(garbage)
    assert caught.value.advice
    found, problems = kept_comparisons(project)
    assert [one.path for one in found] == [journal.path] and [error.where for error in problems] == [str(garbage)]
    newest = newest_comparison(project)
    assert newest is not None and newest.path == journal.path
    assert comparison_to_go_on_with(project, HEAD) is None and not has_finished_comparison(project)
    journal.path.unlink()
    with pytest.raises(StorageError, match="no comparison"):
        newest_comparison(project)
    garbage.unlink()
    assert newest_comparison(project) is None


@pytest.mark.parametrize(
    "wrong", [{"text": 5}, {"tokens": "x"}, {"tokens_per_second": None}, {"seconds": float("nan")}, {"finish": []}]
)
def test_an_answer_that_was_edited_into_none_is_left_out(tmp_path, wrong):
    path = tmp_path / "one.jsonl"
    with Journal(path) as journal:
        journal.append(HEAD)
        journal.append({**answer_row(0, "base", SHORT), **wrong})
        journal.append(answer_row(1, "base", SHORT))
    kept = read_comparison(path)
    assert (list(kept.answers), kept.damaged) == ([(1, "base")], 1)
