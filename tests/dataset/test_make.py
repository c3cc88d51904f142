import json

import pytest
from dataset.teachers_by_rule import SEEDS, Heard, RuleTeacher, listed_questions, plan_in

from tui_tuner.dataset.events import DatasetReady
from tui_tuner.dataset.examples import Example, asked_and_answered
from tui_tuner.dataset.make import make_dataset
from tui_tuner.dataset.review import Review, identity
from tui_tuner.errors import DatasetError
from tui_tuner.files import read_json_lines, write_json, write_json_lines
from tui_tuner.progress import Notice, StageProgress, StopToken
from tui_tuner.teachers.teacher import Answer


def make(plan, teacher, heard=None):
    heard = Heard() if heard is None else heard
    return make_dataset(plan, teacher, emit=heard.append, stop=StopToken())


def rows(path):
    return read_json_lines(path)[0]


@pytest.mark.parametrize("continues", [True, False])
def test_from_a_topic_to_training_files(tmp_path, continues):
    heard = Heard()
    teacher = RuleTeacher(None if continues else listed_questions(), continues=continues)
    report = make(plan_in(tmp_path, seeds=SEEDS, instructions=17), teacher, heard)
    assert (report.instructions, report.answers, report.train, report.valid) == (17, 17, 16, 4)
    assert len(rows(tmp_path / "train.jsonl")) == 16
    assert len(rows(tmp_path / "valid.jsonl")) == 4
    assert all(set(row) == {"messages"} for row in rows(tmp_path / "train.jsonl"))
    assert SEEDS[0].as_row() in rows(tmp_path / "train.jsonl")
    assert heard[-1] == DatasetReady(16, 4, 0, tmp_path)
    ended = [event.stage for event in heard.of(StageProgress) if event.ended]
    assert ended == ["Questions", "Answers"]


def test_the_report_says_what_was_done_and_how(tmp_path):
    teacher = RuleTeacher(answers=lambda request: "" if "count to 3?" in request.messages[-1]["content"] else "Yes.")
    heard = Heard()
    make(plan_in(tmp_path, instructions=8, seed=11), teacher, heard)
    report = json.loads((tmp_path / "report.json").read_text())
    assert {key: report[key] for key in ("instructions", "answers", "refused", "rejects", "teacher", "seed")} == {
        "instructions": 8,
        "answers": 7,
        "refused": 1,
        "rejects": {"empty": 3},
        "teacher": "rule",
        "seed": 11,
    }
    assert report["settings"]["topic"] == "counting"
    assert report["began"] <= report["ended"]
    assert any("rejects.jsonl" in notice.text for notice in heard.of(Notice))


def test_two_runs_with_the_same_seed_and_teacher_give_the_same_files(tmp_path):
    for folder in ("one", "two"):
        make(plan_in(tmp_path / folder, seeds=SEEDS, instructions=25, seed=3), RuleTeacher())
    for name in ("instructions.json", "answers.jsonl", "train.jsonl", "valid.jsonl"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_done_already_it_asks_for_nothing_and_splits_alike(tmp_path):
    plan = plan_in(tmp_path, seeds=SEEDS)
    make(plan, RuleTeacher())
    before = (tmp_path / "train.jsonl").read_bytes()
    teacher = RuleTeacher()
    make(plan, teacher)
    assert teacher.asked == []
    assert (tmp_path / "train.jsonl").read_bytes() == before


def test_what_was_refused_is_asked_again_once_a_setting_has_changed(tmp_path):
    def say(request):
        return Answer("It goes on and", "length", request.max_tokens) if request.max_tokens < 50 else "Yes, like that."

    with pytest.raises(DatasetError, match="8 of 8 questions") as caught:
        make(plan_in(tmp_path, instructions=8, max_tokens=40), RuleTeacher(answers=say))
    assert "max_tokens" in caught.value.advice
    stubborn = RuleTeacher(answers=say)
    with pytest.raises(DatasetError):
        make(plan_in(tmp_path, instructions=8, max_tokens=40), stubborn)
    assert stubborn.asked == []
    report = make(plan_in(tmp_path, instructions=8, max_tokens=60), RuleTeacher(answers=say))
    assert (report.answers, report.refused, report.rejects) == (8, 0, {})
    assert len(rows(tmp_path / "rejects.jsonl")) == 24  # nothing that was refused is forgotten


def test_more_can_be_asked_for_later(tmp_path):
    make(plan_in(tmp_path, instructions=10), RuleTeacher())
    first = rows(tmp_path / "answers.jsonl")
    teacher = RuleTeacher(lambda request: f"{request.beginning} sing {len(teacher.asked)}?")
    report = make(plan_in(tmp_path, instructions=20), teacher)
    assert report.answers == 20
    assert rows(tmp_path / "answers.jsonl")[:10] == first


def test_too_few_for_a_batch_is_said_and_too_few_for_anything_ends_it(tmp_path):
    heard = Heard()
    write_json(tmp_path / "instructions.json", ["Why count?", "Who counts?"])
    report = make(plan_in(tmp_path, topic="", batch_size=4), RuleTeacher(), heard)
    assert (report.train, report.valid) == (1, 1)
    assert "1 example " in heard.of(Notice)[0].text
    with pytest.raises(DatasetError):
        make(plan_in(tmp_path / "none", instructions=3), RuleTeacher(answers=lambda request: ""))
    assert not (tmp_path / "none" / "train.jsonl").exists()


BROUGHT = [
    {"messages": asked_and_answered(question, "Like this.", "").as_row()["messages"], "source": f"mine.csv:{line}"}
    for line, question in enumerate(
        ["Where do I pay my taxes?", "Who feeds the cat at night?", "Where do I pay my taxes", "Is rain wet?"], start=2
    )
]


def test_what_was_brought_along_is_learned_without_any_teacher(tmp_path):
    write_json_lines(tmp_path / "imported.jsonl", BROUGHT)
    report = make(plan_in(tmp_path, topic=""), None)
    assert (report.imported, report.set_aside, report.train, report.valid, report.teacher) == (
        4,
        {"near_duplicate": 1},
        2,
        1,
        "",
    )
    assert [(row["source"], row["reason"]) for row in rows(tmp_path / "set_aside.jsonl")] == [
        ("mine.csv:4", "near_duplicate")
    ]
    learned = rows(tmp_path / "train.jsonl") + rows(tmp_path / "valid.jsonl")
    assert sorted(row["messages"][0]["content"] for row in learned) == sorted(
        row["messages"][0]["content"] for row in (BROUGHT[0], BROUGHT[1], BROUGHT[3])
    )


def test_it_goes_together_with_seed_examples_and_answers_and_a_part_is_kept_for_a_test(tmp_path):
    write_json_lines(tmp_path / "imported.jsonl", BROUGHT)
    heard = Heard()
    report = make(plan_in(tmp_path, seeds=SEEDS, instructions=17, test_fraction=0.1), RuleTeacher(), heard)
    assert report.train + report.valid + report.test == len(SEEDS) + 17 + 3
    assert len(rows(tmp_path / "test.jsonl")) == report.test == 2
    assert any("set_aside.jsonl" in notice.text for notice in heard.of(Notice))
    assert heard.of(DatasetReady)[0].test == 2


def test_a_test_part_no_longer_wanted_is_emptied(tmp_path):
    make(plan_in(tmp_path, instructions=20, test_fraction=0.2), RuleTeacher())
    make(plan_in(tmp_path, instructions=20), RuleTeacher())
    assert rows(tmp_path / "test.jsonl") == []


def test_damaged_lines_of_what_was_brought_along_are_said(tmp_path):
    write_json_lines(tmp_path / "imported.jsonl", [*BROUGHT, {"messages": []}, 7])
    heard = Heard()
    make(plan_in(tmp_path, topic=""), None, heard)
    assert any("2 lines" in notice.text for notice in heard.of(Notice))


def test_a_rejected_example_is_no_longer_learned_and_can_be_taken_back(tmp_path):
    write_json_lines(tmp_path / "imported.jsonl", BROUGHT)
    review = Review(tmp_path / "review.jsonl")
    review.decide(identity(Example.from_row(BROUGHT[1], "")), "reject")
    assert make(plan_in(tmp_path, topic=""), None).set_aside == {"near_duplicate": 1, "by_hand": 1}
    review.undo()
    assert make(plan_in(tmp_path, topic=""), None).set_aside == {"near_duplicate": 1}
