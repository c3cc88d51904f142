import pytest

from tui_tuner.dataset.examples import asked_and_answered
from tui_tuner.dataset.review import Decision, Review, identity
from tui_tuner.errors import StorageError
from tui_tuner.models.prompts import Message
from tui_tuner.progress import Notice

TURNS = (Message(role="user", content="Why?"), Message(role="assistant", content="Because."))


def test_the_last_decision_counts_also_in_a_later_session(tmp_path):
    path = tmp_path / "review.jsonl"
    review = Review(path)
    review.decide("a", "reject")
    review.decide("b", "accept")
    review.decide("a", "edit", TURNS, "by hand")
    assert review.decisions["a"].edited == asked_and_answered("Why?", "Because.", "by hand")
    assert Review(path).decisions == review.decisions
    assert review.decisions["b"] == Decision("accept")


def test_undo_goes_back_step_by_step_also_over_sessions(tmp_path):
    path = tmp_path / "review.jsonl"
    first = Review(path)
    first.decide("a", "reject")
    first.decide("a", "accept")
    first.decide("b", "reject")
    assert first.undo() == ("b",)
    later = Review(path)
    assert later.decisions == {"a": Decision("accept")}
    assert later.undo() == ("a",)
    assert later.decisions == {"a": Decision("reject")}
    assert later.undo() == ("a",)
    assert later.undo() == ()
    assert Review(path).decisions == {}


def test_what_was_decided_together_is_one_line_and_one_undo_also_in_a_later_session(tmp_path):
    path = tmp_path / "review.jsonl"
    first = Review(path)
    first.decide("b", "accept")
    first.decide_together(["a", "b", "c"], "reject")
    assert first.decisions == dict.fromkeys("abc", Decision("reject"))
    assert path.read_text().count("\n") == 2
    later = Review(path)
    assert later.decisions == first.decisions
    assert later.undo() == ("a", "b", "c")
    assert later.decisions == {"b": Decision("accept")}
    assert Review(path).decisions == {"b": Decision("accept")}


def test_a_group_that_was_torn_by_a_crash_counts_for_none(tmp_path):
    path = tmp_path / "review.jsonl"
    review = Review(path)
    review.decide("a", "accept")
    review.decide_together(["a", "b", "c"], "reject")
    path.write_bytes(path.read_bytes()[:-4])
    assert Review(path).decisions == {"a": Decision("accept")}
    Review(path).decide("d", "reject")
    assert Review(path).decisions == {"a": Decision("accept"), "d": Decision("reject")}


def test_an_edit_that_ends_on_a_question_is_refused_and_not_kept(tmp_path):
    review = Review(tmp_path / "review.jsonl")
    with pytest.raises(ValueError, match="end with an answer"):
        review.decide("a", "edit", TURNS[:1])
    assert review.decisions == {}
    assert not (tmp_path / "review.jsonl").exists()


def test_what_cannot_be_written_does_not_count(tmp_path):
    (tmp_path / "data").write_text("a file where the folder should be")
    review = Review(tmp_path / "none.jsonl")
    review._path = tmp_path / "data" / "review.jsonl"
    with pytest.raises(StorageError):
        review.decide("a", "reject")
    assert review.decisions == {}


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "7",
        "[]",
        '{"decision": "accept", "ids": "ab"}',
        '{"decision": "eat", "id": "a"}',
        '{"decision": "accept"}',
        '{"decision": "edit", "id": "a"}',
    ],
)
def test_damaged_lines_are_said_and_do_not_count(tmp_path, line):
    path = tmp_path / "review.jsonl"
    path.write_text(f'{{"id": "b", "decision": "reject"}}\n{line}\n')
    heard = []
    assert Review(path, heard.append).decisions == {"b": Decision("reject")}
    assert [type(event) for event in heard] == [Notice]


def test_an_example_is_known_by_its_turns_alone():
    one = asked_and_answered("Why?", "Because.", "a")
    assert identity(one) == identity(asked_and_answered("Why?", "Because.", "b"))
    assert identity(one) != identity(asked_and_answered("Why?", "Because!", "a"))
    assert identity(asked_and_answered("\ud800", "x", "")) != identity(asked_and_answered("\ud801", "x", ""))
