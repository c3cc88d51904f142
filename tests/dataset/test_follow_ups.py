import json
from collections import Counter

import pytest
from dataset.teachers_by_rule import (
    SEEDS,
    FailingAt,
    Heard,
    RuleTeacher,
    asks_for_follow_up,
    conversing,
    counting_answer,
    plan_in,
)

from tui_tuner.dataset.events import ExampleWritten, FollowUpRefused, FollowUpWritten
from tui_tuner.dataset.examples import Example
from tui_tuner.dataset.follow_up_request import WORDS
from tui_tuner.dataset.make import make_dataset
from tui_tuner.dataset.review import Review, identity
from tui_tuner.dataset.reviewing import read_review_rows
from tui_tuner.errors import Stopped, TeacherRefused
from tui_tuner.files import read_json_lines, write_json
from tui_tuner.progress import Notice, StageProgress, StopToken
from tui_tuner.teachers.teacher import Answer

QUESTIONS = [f"How do I count to {n}?" for n in range(6)]
STYLE = {"answer_beginning": "In short:", "answer_must_contain": ("In short:", "Try this:")}


def make(data, teacher=None, heard=None, stop=None, **choice):
    write_json(data / "instructions.json", QUESTIONS)
    teacher = teacher or RuleTeacher(answers=conversing(), continues=False)
    plan = plan_in(data, **{"topic": "", "turns": 2, "batch_size": 1, **choice})
    heard = Heard() if heard is None else heard
    return teacher, make_dataset(plan, teacher, emit=heard.append, stop=stop or StopToken())


def rows(path):
    found, bad = read_json_lines(path)
    assert not bad
    return found


def learned(data):
    return [row["messages"] for name in ("train.jsonl", "valid.jsonl") for row in rows(data / name)]


def lengths(data):
    return Counter(len(messages) for messages in learned(data))


@pytest.mark.parametrize("turns", [1, 2, 4])
def test_each_conversation_has_its_turns_and_ends_with_an_answer(tmp_path, turns):
    heard = Heard()
    teacher, report = make(tmp_path, heard=heard, turns=turns)
    assert lengths(tmp_path) == {2 * turns: 6}
    for messages in learned(tmp_path):
        assert [message["role"] for message in messages] == ["user", "assistant"] * turns
    assert (report.answers, report.follow_ups, report.short) == (6, 6 * (turns - 1), 0)
    assert len(teacher.asked) == 6 * (2 * turns - 1)
    stages = [event.stage for event in heard.of(StageProgress) if event.ended]
    assert stages == ["Questions", "Answers", "Follow-ups"][: 2 if turns == 1 else 3]
    if turns > 1:
        last = heard.of(StageProgress)[-1]
        assert (last.done, last.total, last.unit) == (6 * (turns - 1), 6 * (turns - 1), "follow-ups")
        assert sorted(event.done for event in heard.of(FollowUpWritten)) == list(range(1, 6 * (turns - 1) + 1))


def test_the_question_is_asked_for_in_the_guides_words_and_the_style_is_for_answers_alone(tmp_path):
    teacher, _report = make(tmp_path, RuleTeacher(answers=conversing(), continues=False), seeds=SEEDS, style="Be kind.")
    asking = next(request for request in teacher.asked if asks_for_follow_up(request))
    assert [turn["role"] for turn in asking.messages] == ["user", "assistant", "user"]
    assert WORDS == ("What is a likely follow-up question or request? Return just the text of one question or request.")
    follow_up = f"What is step 3 of {asking.messages[0]['content']}"
    answering = next(request for request in teacher.asked if request.messages[-1]["content"] == follow_up)
    assert answering.messages[0] == {"role": "system", "content": "Be kind."}
    assert answering.messages[-3:-1] == asking.messages[:2]
    assert not any("Be kind." in path.read_text() for path in tmp_path.glob("*.jsonl"))


def test_a_teacher_that_continues_is_given_an_opening_phrase(tmp_path):
    teacher, _report = make(tmp_path, RuleTeacher(answers=conversing()), opening_phrases=("May I", "Should I"))
    begun = [request.beginning for request in teacher.asked if asks_for_follow_up(request)]
    assert set(begun) <= {"May I", "Should I"}
    assert all(messages[2]["content"].startswith(("May I", "Should I")) for messages in learned(tmp_path))


def test_every_step_is_on_the_disk_before_it_is_counted(tmp_path):
    heard = Heard()

    def emit(event):
        heard.append(event)
        if isinstance(event, FollowUpWritten):
            last = rows(tmp_path / "follow_ups.jsonl")[-1]
            assert [turn["content"] for turn in last["messages"]] == [event.follow_up, event.answer]
            assert len(rows(tmp_path / "follow_ups.jsonl")) == event.done

    write_json(tmp_path / "instructions.json", QUESTIONS)
    plan = plan_in(tmp_path, topic="", turns=3)
    make_dataset(plan, RuleTeacher(answers=conversing()), emit=emit, stop=StopToken())
    assert {event.turn for event in heard.of(FollowUpWritten)} == {2, 3}


@pytest.mark.parametrize("asked_before", range(6, 25, 3))
def test_a_stopped_run_goes_on_and_pays_for_nothing_twice(tmp_path, asked_before):
    stop = StopToken()

    def say(request):
        if len(teacher.asked) == asked_before:
            stop.request()
        return conversing()(request)

    teacher = RuleTeacher(answers=say)
    with pytest.raises(Stopped):
        make(tmp_path, teacher, stop=stop, turns=3)
    rest, _report = make(tmp_path, RuleTeacher(answers=conversing()), turns=3)
    assert len(teacher.asked) + len(rest.asked) == 6 * 5
    assert lengths(tmp_path) == {6: 6}


def test_more_turns_later_extend_the_examples_and_fewer_cut_them_without_losing_them(tmp_path):
    make(tmp_path, turns=1)
    answers = (tmp_path / "answers.jsonl").read_bytes()
    teacher, _report = make(tmp_path, turns=2)
    assert len(teacher.asked) == 12
    two = learned(tmp_path)
    teacher, _report = make(tmp_path, turns=4)
    assert len(teacher.asked) == 24
    assert [messages[:4] for messages in learned(tmp_path)] == two
    teacher, report = make(tmp_path, turns=2)
    assert (teacher.asked, report.follow_ups) == ([], 6)
    assert learned(tmp_path) == two
    teacher, _report = make(tmp_path, turns=4)
    assert teacher.asked == []
    assert lengths(tmp_path) == {8: 6}
    assert (tmp_path / "answers.jsonl").read_bytes() == answers


def test_the_sides_of_the_split_do_not_change_with_the_turns(tmp_path):
    make(tmp_path, turns=1)
    held_out = {row["messages"][0]["content"] for row in rows(tmp_path / "valid.jsonl")}
    make(tmp_path, turns=3)
    assert {row["messages"][0]["content"] for row in rows(tmp_path / "valid.jsonl")} == held_out


def follow_up_instead(words):
    return lambda request: words(request) if asks_for_follow_up(request) else counting_answer(request)


@pytest.mark.parametrize(
    ("proposed", "reason"),
    [
        ("", "empty"),
        ("How do I count to 3", "repeats_question"),
        ("how do i count to 5?", "near_duplicate"),
        ("I'm sorry, but I can't think of one?", "refusal"),
        ("Why and why and why and why and why?", "repetition"),
        ("Почему считать нужно именно так?", "wrong_script"),
        (Answer("What about counting to a very", "length", 60), "empty"),
    ],
)
def test_a_follow_up_refused_three_times_leaves_the_example_as_it_is(tmp_path, proposed, reason):
    def say(request):
        of_three = request.messages[0]["content"] == QUESTIONS[3]
        return proposed if asks_for_follow_up(request) and of_three else conversing()(request)

    heard = Heard()
    _teacher, report = make(tmp_path, RuleTeacher(answers=say, continues=False), heard)
    assert lengths(tmp_path) == {2: 1, 4: 5}
    assert (report.follow_ups, report.short, report.follow_up_rejects) == (5, 1, {reason: 3})
    assert [event.question for event in heard.of(FollowUpRefused)] == [QUESTIONS[3]] * 3
    assert any("1 example has fewer turns" in notice.text for notice in heard.of(Notice))
    refused = [row for row in rows(tmp_path / "follow_up_steps.jsonl") if "reason" in row]
    assert {row["text"] for row in refused} == {proposed.text if isinstance(proposed, Answer) else proposed}
    again, report = make(tmp_path, RuleTeacher(answers=say, continues=False))
    assert (again.asked, report.short) == ([], 1)
    warmer, _report = make(tmp_path, temperature=1.5)
    assert len(warmer.asked) == 2
    assert lengths(tmp_path) == {4: 6}


def test_the_answer_to_a_follow_up_is_checked_like_every_other(tmp_path):
    def say(request):
        if request.messages[-1]["content"].startswith("What is step 3 of How do I count to 2"):
            return "Without any style."
        if request.messages[-1]["content"].startswith("What is step 3 of How do I count to 4"):
            return request.messages[-2]["content"]
        return conversing()(request)

    _teacher, report = make(tmp_path, RuleTeacher(answers=say, continues=False), **STYLE)
    assert lengths(tmp_path) == {2: 2, 4: 4}
    assert report.follow_up_rejects == {"not_in_style": 3, "repetition": 3}
    # The question that was paid for is not asked for again when only its answer is missing.
    rest, _report = make(tmp_path, temperature=0.1, **STYLE)
    assert [asks_for_follow_up(request) for request in rest.asked] == [False, False]


def test_each_refused_step_is_tried_with_another_seed(tmp_path):
    teacher, _report = make(tmp_path, RuleTeacher(answers=follow_up_instead(lambda _request: "")))
    seeds = Counter((request.messages[0]["content"], request.seed) for request in teacher.asked)
    assert set(seeds.values()) == {1}
    assert len(teacher.asked) == 6 + 18


def test_an_error_at_one_follow_up_costs_no_other(tmp_path):
    teacher = FailingAt(
        lambda request: asks_for_follow_up(request) and request.messages[0]["content"] == QUESTIONS[3],
        answers=conversing(),
    )
    _teacher, report = make(tmp_path, teacher)
    assert (report.short, report.follow_up_rejects) == (1, {"teacher_failed": 3})
    with pytest.raises(TeacherRefused):
        make(tmp_path, FailingAt(lambda _request: True, answers=conversing()), turns=3)
    assert len(rows(tmp_path / "follow_ups.jsonl")) == 5


def test_what_follows_on_another_answer_does_not_follow_on_this_one(tmp_path):
    make(tmp_path)
    path = tmp_path / "answers.jsonl"
    path.write_text(path.read_text().replace("How do I count to 3, yes.", "another answer."))
    teacher, _report = make(tmp_path)
    assert len(teacher.asked) == 2
    assert lengths(tmp_path) == {4: 6}


def test_damaged_lines_are_said_and_asked_again(tmp_path):
    make(tmp_path)
    path = tmp_path / "follow_ups.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join(['{"after": "x"}', "{oops", *lines[1:-1], lines[-1][:-9]]))
    heard = Heard()
    teacher, _report = make(tmp_path, heard=heard)
    assert len(teacher.asked) == 2  # two answers; their questions were kept
    assert lengths(tmp_path) == {4: 6}
    assert any("2 lines" in notice.text for notice in heard.of(Notice))


def decided(data, question, verdict, messages=()):
    example = next(
        example for row in rows(data / "answers.jsonl") if (example := Example.from_row(row, "")).question == question
    )
    Review(data / "review.jsonl").decide(identity(example), verdict, messages)
    return example


def test_a_decision_about_an_example_holds_when_it_grows_and_when_it_is_cut(tmp_path):
    make(tmp_path, turns=1)
    decided(tmp_path, QUESTIONS[1], "reject")
    edited = [{"role": "user", "content": "Mine?"}, {"role": "assistant", "content": "Mine it is."}]
    decided(tmp_path, QUESTIONS[2], "edit", edited)
    decided(tmp_path, QUESTIONS[3], "accept")
    teacher, report = make(tmp_path, turns=3)
    assert len(teacher.asked) == 4 * 4  # neither the rejected nor the edited one
    assert (report.set_aside, lengths(tmp_path)) == ({"by_hand": 1}, {2: 1, 6: 4})
    assert edited in learned(tmp_path)
    grown = {row.written.question: row for row in read_review_rows(tmp_path, reviewed(tmp_path), turns=3)}
    assert [grown[question].standing for question in QUESTIONS[1:5]] == ["rejected", "edited", "accepted", "kept"]
    assert len(grown[QUESTIONS[3]].example.messages) == 6
    Review(tmp_path / "review.jsonl").decide(grown[QUESTIONS[4]].name, "reject")
    make(tmp_path, turns=2)
    assert (lengths(tmp_path), len(learned(tmp_path))) == ({2: 1, 4: 3}, 4)


def reviewed(data):
    return Review(data / "review.jsonl").decisions


def test_a_follow_up_that_makes_it_too_long_is_left_out_and_the_rest_is_learned(tmp_path):
    make(tmp_path, turns=3)
    write_json(tmp_path / "instructions.json", QUESTIONS)
    plan = plan_in(tmp_path, topic="", turns=3)
    shorter = type(plan)(tmp_path, plan.choice, (), 1, plan.quality, 60)
    make_dataset(shorter, RuleTeacher(), emit=lambda _event: None, stop=StopToken())
    assert set(lengths(tmp_path)) == {4}
    assert json.loads((tmp_path / "report.json").read_text())["set_aside"] == {}


def test_two_runs_with_the_same_seed_and_teacher_give_the_same_files(tmp_path):
    for name, at_once in (("one", 4), ("two", 1)):
        make(tmp_path / name, RuleTeacher(answers=conversing(), at_once=at_once), turns=3)
    for name in ("train.jsonl", "valid.jsonl"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_nothing_follows_on_what_a_person_wrote_or_brought_along(tmp_path):
    _teacher, _report = make(tmp_path, seeds=SEEDS)
    assert lengths(tmp_path) == {2: len(SEEDS), 4: 6}


def test_one_turn_makes_no_files_of_follow_ups(tmp_path):
    heard = Heard()
    make(tmp_path, heard=heard, turns=1)
    assert not list(tmp_path.glob("follow_up*"))
    assert len(heard.of(ExampleWritten)) == 6
