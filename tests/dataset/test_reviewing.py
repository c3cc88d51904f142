import pytest
from dataset.teachers_by_rule import RuleTeacher, plan_in

from tui_tuner.dataset.examples import asked_and_answered
from tui_tuner.dataset.make import make_dataset
from tui_tuner.dataset.review import Review
from tui_tuner.dataset.reviewing import read_review_rows, review_slices
from tui_tuner.files import read_json_lines, write_json_lines
from tui_tuner.models.prompts import Message
from tui_tuner.progress import StopToken, ignore_event

QUESTIONS = ["Where do I pay my taxes?", "Who feeds the cat at night?", "Where do I pay my taxes", "Is rain wet?"]


@pytest.fixture
def data(tmp_path):
    rows = [
        {**asked_and_answered(question, "Like this.", "").as_row(), "source": f"mine.csv:{line}"}
        for line, question in enumerate(QUESTIONS, start=2)
    ]
    write_json_lines(tmp_path / "imported.jsonl", rows)
    return tmp_path


LIKE_THIS = [{"role": "assistant", "content": "Like this."}]


def make(data, teacher=None, **choice):
    plan = plan_in(data, **({"topic": ""} if teacher is None else {}), **choice)
    return make_dataset(plan, teacher, emit=ignore_event, stop=StopToken())


def rows(data):
    return read_review_rows(data, Review(data / "review.jsonl").decisions)


def learned(data):
    found = read_json_lines(data / "train.jsonl")[0] + read_json_lines(data / "valid.jsonl")[0]
    return sorted(row["messages"][0]["content"] for row in found)


def test_each_example_stands_as_the_checks_and_the_person_left_it(data):
    make(data)
    assert [row.standing for row in rows(data)] == ["kept", "kept", "near_duplicate", "kept"]
    assert "Where do I pay" in rows(data)[2].detail
    review = Review(data / "review.jsonl")
    review.decide(rows(data)[1].name, "reject")
    review.decide(rows(data)[2].name, "accept")
    turns = [Message(role="user", content="Is rain dry?"), Message(role="assistant", content="No, it is not.")]
    review.decide(rows(data)[3].name, "edit", turns)
    assert [row.standing for row in rows(data)] == ["kept", "rejected", "accepted", "edited"]
    make(data)
    # What is left of two questions that are equal is one.
    assert learned(data) == ["Is rain dry?", "Where do I pay my taxes"]
    review.undo()
    review.undo()
    review.undo()
    make(data)
    assert [row.standing for row in rows(data)] == ["kept", "kept", "near_duplicate", "kept"]


def test_a_refused_answer_can_be_taken_back(tmp_path):
    teacher = RuleTeacher(
        answers=lambda request: "I cannot help with it." if "3?" in request.messages[-1]["content"] else "Yes."
    )
    make(tmp_path, teacher, instructions=8)
    refused = [row for row in rows(tmp_path) if not row.learned]
    assert [row.standing for row in refused] == ["refusal"]
    Review(tmp_path / "review.jsonl").decide(refused[0].name, "accept")
    make(tmp_path, teacher, instructions=8)
    assert refused[0].example.question in learned(tmp_path)
    assert [row.standing for row in rows(tmp_path) if row.name == refused[0].name] == ["accepted"]


def test_a_near_duplicate_knows_what_it_repeats(data):
    make(data)
    assert rows(data)[2].like == rows(data)[0].name
    Review(data / "review.jsonl").decide(
        rows(data)[0].name, "edit", [{"role": "user", "content": "Where do I pay my taxes?!"}, *LIKE_THIS]
    )
    make(data)
    assert rows(data)[2].like == rows(data)[0].name  # also after an edit, which does not change a name


def test_one_that_is_there_twice_word_for_word_stands_as_kept_and_says_so(data):
    path = data / "imported.jsonl"
    path.write_text(path.read_text() + path.read_text().splitlines()[0] + "\n")
    make(data)
    assert [row.standing for row in rows(data)] == ["kept", "kept", "near_duplicate", "kept"]
    assert "more than once" in rows(data)[0].detail
    assert len(learned(data)) == 3


def test_answers_refused_before_a_good_one_or_under_other_settings_do_not_vanish(data):
    refused = [
        {"question": "Is rain wet?", "answer": "Sorry, no.", "reason": "refusal", "detail": "it refuses", "way": "old"},
        {"question": "Is snow wet?", "answer": "Sorry.", "reason": "refusal", "detail": "it refuses", "way": "now"},
    ]
    write_json_lines(data / "rejects.jsonl", refused)
    found = read_review_rows(data, {}, "now")[4:]
    assert [(row.standing, row.detail) for row in found] == [
        ("answered_since", "it refuses (refused under other settings)"),
        ("refusal", "it refuses"),
    ]


def test_the_first_rows_come_before_the_others_are_read(data):
    path = data / "imported.jsonl"
    path.write_text("".join(path.read_text().replace("taxes", f"{n} taxes") for n in range(200)))
    slices = review_slices(data, {})
    first = next(slices)
    path.unlink()  # it is open: the others still come
    assert len(first) == 200
    assert len(first) + sum(map(len, slices)) == 2 + 2 * 200


def test_damaged_lines_do_not_hide_the_others(data):
    path = data / "imported.jsonl"
    path.write_text('{"messages": 7}\n7\n{\n' + path.read_text())
    (data / "set_aside.jsonl").write_text('[]\n{"id": 7}\n')
    (data / "rejects.jsonl").write_text('{"question": 7, "answer": "x"}\n{"question": "x", "answer": " "}\n')
    assert len(rows(data)) == 4
