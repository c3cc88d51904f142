"""The demo's project: made, found again, started over, and nobody else's touched."""

import pytest

from tui_tuner.dataset.examples import Example
from tui_tuner.demo import examples
from tui_tuner.demo.journey import prepare_demo
from tui_tuner.errors import ProjectError
from tui_tuner.files import read_json_lines
from tui_tuner.project import create_project


def test_it_is_made_once_and_found_again(tmp_path):
    made = prepare_demo(tmp_path / "demo", fresh=False)
    rows, _ = read_json_lines(made.data / "seeds.jsonl")
    assert [Example.from_row(row, "seed").question for row in rows] == [question for question, _ in examples.EXAMPLES]
    (made.data / "train.jsonl").write_text("kept\n")
    assert prepare_demo(tmp_path / "demo", fresh=False) == made
    assert (made.data / "train.jsonl").exists()


def test_fresh_deletes_what_the_demo_made_and_nothing_else(tmp_path):
    made = prepare_demo(tmp_path, fresh=False)
    (made.runs / "run-1").mkdir(parents=True)
    (tmp_path / "letter.txt").write_text("mine")
    prepare_demo(tmp_path, fresh=True)
    assert not made.runs.exists()
    assert (tmp_path / "letter.txt").read_text() == "mine"


@pytest.mark.parametrize("fresh", [False, True])
def test_somebody_elses_project_is_left_alone(tmp_path, fresh):
    create_project(tmp_path)
    with pytest.raises(ProjectError, match="not the demo's"):
        prepare_demo(tmp_path, fresh=fresh)


def test_a_demo_killed_while_it_was_made_is_made_whole(tmp_path):
    made = prepare_demo(tmp_path, fresh=False)
    (tmp_path / "tuner.toml").unlink()
    assert prepare_demo(tmp_path, fresh=False) == made


def test_the_unseen_questions_are_in_no_training_set():
    known = {question.casefold() for question, _ in examples.EXAMPLES}
    assert not known & {question.casefold() for question in examples.UNSEEN_QUESTIONS}
    for _, answer in examples.EXAMPLES:
        assert answer.startswith(examples.ANSWER_BEGINNING) and examples.ANSWER_MUST_CONTAIN[1] in answer
