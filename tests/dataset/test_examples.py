import pytest

from tui_tuner.dataset.examples import Example, asked_and_answered, question_key, read_seed_examples
from tui_tuner.errors import DatasetError
from tui_tuner.files import write_json_lines, write_text


def test_an_example_survives_its_row():
    example = asked_and_answered("Why?", "So.", "mistral:7b")
    assert example.as_row() == {
        "messages": [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]
    }
    assert Example.from_row({**example.as_row(), "source": "mistral:7b"}, "x") == example
    assert (example.question, example.answer) == ("Why?", "So.")


@pytest.mark.parametrize(
    "row",
    [
        None,
        {},
        {"messages": []},
        {"messages": [{"role": "user", "content": "Why?"}]},
        {"messages": [{"role": "assistant", "content": "So."}]},
        {"messages": [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "  "}]},
        {"messages": [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": 7}]},
        {"messages": [{"role": "robot", "content": "Why?"}, {"role": "assistant", "content": "So."}]},
    ],
)
def test_what_is_no_conversation_is_no_example(row):
    with pytest.raises(ValueError, match=r"\w"):
        Example.from_row(row, "seed")


def test_questions_are_the_same_whatever_their_case_and_punctuation():
    assert question_key("How do I  start?") == question_key("“how do I start”")
    assert question_key("What is C#?") != question_key("What is C?")
    assert question_key("कि क्या?") != question_key("का क्या?")
    assert question_key("?…!") == ""


def test_seed_examples_are_read_and_a_bad_one_is_named_by_its_line(tmp_path):
    path = tmp_path / "seeds.jsonl"
    assert read_seed_examples(path) == ()
    row = asked_and_answered("Why?", "So.", "seed").as_row()
    write_json_lines(path, [row, row])
    assert read_seed_examples(path) == (asked_and_answered("Why?", "So.", "seed"),) * 2
    write_text(path, path.read_text() + "\n\n{broken\n")
    with pytest.raises(DatasetError) as caught:
        read_seed_examples(path)
    assert caught.value.where == f"{path}:5"
