import json

import pytest
from dataset.teachers_by_rule import SEEDS, FailingAt, Heard, RuleTeacher, asked_for, counting_answer, plan_in

from tui_tuner.dataset.answer_request import SHOWN
from tui_tuner.dataset.answers import write_answers
from tui_tuner.dataset.events import ExampleRefused, ExampleWritten
from tui_tuner.dataset.journals import AnswerJournals
from tui_tuner.dataset.plan import way_of_answering
from tui_tuner.errors import Stopped, TeacherRefused, TeacherUnavailable
from tui_tuner.files import read_json_lines
from tui_tuner.progress import Notice, StageProgress, StopToken
from tui_tuner.teachers.teacher import Answer

QUESTIONS = [f"How do I count to {n}?" for n in range(10)]
STYLE = {"answer_beginning": "In short:", "answer_must_contain": ("In short:", "Try this:")}


def write(plan, teacher, heard=None, stop=None, questions=QUESTIONS):
    heard = Heard() if heard is None else heard
    with AnswerJournals(plan.data, heard.append, way_of_answering(plan.choice)) as journals:
        return write_answers(plan, questions, teacher, journals, emit=heard.append, stop=stop or StopToken())


def rows(path):
    found, bad = read_json_lines(path)
    assert not bad
    return found


def test_every_question_gets_its_answer_on_the_disk_before_it_is_counted(tmp_path):
    heard = Heard()

    def emit(event):
        heard.append(event)
        if isinstance(event, ExampleWritten):
            last = rows(tmp_path / "answers.jsonl")[-1]
            assert last["messages"][0]["content"] == event.question
            assert len(rows(tmp_path / "answers.jsonl")) == event.done

    plan, teacher = plan_in(tmp_path), RuleTeacher()
    with AnswerJournals(tmp_path, emit, way_of_answering(plan.choice)) as journals:
        outcome = write_answers(plan, QUESTIONS, teacher, journals, emit=emit, stop=StopToken())
    assert (outcome.kept, outcome.refused, outcome.reasons) == (10, 0, {})
    assert asked_for(teacher) == QUESTIONS
    assert rows(tmp_path / "answers.jsonl")[0] == {
        "messages": [
            {"role": "user", "content": "How do I count to 0?"},
            {"role": "assistant", "content": "In short: How do I count to 0, yes. Try this: begin today."},
        ],
        "source": "rule",
        "tokens": 13,
    }
    last = heard.of(StageProgress)[-1]
    assert (last.stage, last.done, last.total, last.ended) == ("Answers", 10, 10, True)


def test_the_style_and_seed_examples_are_told_but_not_stored(tmp_path):
    teacher = RuleTeacher()
    write(plan_in(tmp_path, seeds=SEEDS, style="Be brief.", max_tokens=33, temperature=0.2, **STYLE), teacher)
    request = teacher.asked[0]
    assert request.messages[0] == {"role": "system", "content": "Be brief."}
    assert {turn["content"] for turn in request.messages[1:-1]} == {
        text for seed in SEEDS for text in (seed.question, seed.answer)
    }
    assert (request.beginning, request.max_tokens, request.temperature) == ("In short:", 33, 0.2)
    assert "Be brief." not in (tmp_path / "answers.jsonl").read_text()


def test_a_teacher_that_cannot_continue_is_told_the_beginning(tmp_path):
    teacher = RuleTeacher(continues=False)
    write(plan_in(tmp_path, style="Be brief.", **STYLE), teacher)
    assert teacher.asked[0].beginning == ""
    assert teacher.asked[0].messages[0]["content"] == 'Be brief.\n\nBegin every answer with "In short:"'


def test_few_of_many_seed_examples_are_shown_the_same_to_all_of_a_round(tmp_path):
    teacher = RuleTeacher()
    many = tuple(SEEDS[n % 3] for n in range(20))
    write(plan_in(tmp_path, seeds=many), teacher)
    lessons = {tuple(turn["content"] for turn in request.messages[:-1]) for request in teacher.asked}
    assert len(lessons) == 1
    assert len(lessons.pop()) == 2 * SHOWN


def test_a_stopped_run_goes_on_and_asks_for_nothing_twice(tmp_path):
    stop = StopToken()

    def say(request):
        if len(teacher.asked) == 6:
            stop.request()
        return counting_answer(request)

    teacher = RuleTeacher(answers=say)
    with pytest.raises(Stopped):
        write(plan_in(tmp_path), teacher, stop=stop)
    assert len(rows(tmp_path / "answers.jsonl")) == 6
    heard, rest = Heard(), RuleTeacher()
    # Other settings now: what is answered stays as it is.
    outcome = write(plan_in(tmp_path, temperature=0.1, style="Shout."), rest, heard)
    assert outcome.kept == 10
    assert asked_for(rest) == QUESTIONS[6:]
    assert heard.of(StageProgress)[0].done == 6


def test_a_paused_run_holds_and_goes_on(tmp_path):
    import threading

    stop, held = StopToken(), threading.Event()

    def say(request):
        if len(teacher.asked) == 3:
            stop.pause()
            held.set()
        return counting_answer(request)

    teacher = RuleTeacher(answers=say, at_once=1)
    work = threading.Thread(target=write, args=(plan_in(tmp_path), teacher), kwargs={"stop": stop})
    work.start()
    assert held.wait(10)
    work.join(0.05)
    assert work.is_alive()
    assert len(teacher.asked) == 3
    stop.unpause()
    work.join(10)
    assert len(rows(tmp_path / "answers.jsonl")) == 10


def test_a_torn_line_is_asked_again_and_said(tmp_path):
    write(plan_in(tmp_path), RuleTeacher(), questions=QUESTIONS[:4])
    journal = tmp_path / "answers.jsonl"
    journal.write_bytes(journal.read_bytes()[:-20])
    heard, teacher = Heard(), RuleTeacher()
    assert write(plan_in(tmp_path), teacher, heard).kept == 10
    assert asked_for(teacher) == QUESTIONS[3:]
    assert "torn" in heard.of(Notice)[0].text
    assert len(rows(journal)) == 10


def test_a_line_damaged_by_hand_is_said_and_left_alone(tmp_path):
    write(plan_in(tmp_path), RuleTeacher(), questions=QUESTIONS[:4])
    journal = tmp_path / "answers.jsonl"
    lines = journal.read_text().splitlines()
    journal.write_text("\n".join([lines[0], "{oops", '{"messages": []}', *lines[2:], ""]))
    heard, teacher = Heard(), RuleTeacher()
    write(plan_in(tmp_path), teacher, heard)
    assert asked_for(teacher) == [QUESTIONS[1], *QUESTIONS[4:]]
    assert "2 lines" in heard.of(Notice)[0].text
    assert "{oops" in journal.read_text()


def test_refused_answers_are_kept_with_their_reason_asked_twice_more_then_given_up(tmp_path):
    def say(request):
        question = request.messages[-1]["content"]
        if question == QUESTIONS[2]:
            return "No style at all."
        if question == QUESTIONS[5] and len(seeds_of(teacher, question)) == 1:
            return Answer("In short: it goes on and", "length", 80)
        return counting_answer(request)

    heard, teacher = Heard(), RuleTeacher(answers=say)
    outcome = write(plan_in(tmp_path, **STYLE), teacher, heard)
    assert (outcome.kept, outcome.refused) == (9, 1)
    assert outcome.reasons == {"not_in_style": 3, "cut_off": 1}
    refused = rows(tmp_path / "rejects.jsonl")
    assert refused[0]["question"] == QUESTIONS[2]
    assert refused[0]["answer"] == "No style at all."
    assert (refused[0]["reason"], refused[0]["source"]) == ("not_in_style", "rule")
    assert "In short:" in refused[0]["detail"]
    assert len(heard.of(ExampleRefused)) == 4
    assert len(set(seeds_of(teacher, QUESTIONS[2]))) == 3
    assert heard.of(StageProgress)[-1].done == 10

    again = RuleTeacher(answers=say)
    assert write(plan_in(tmp_path, **STYLE), again).refused == 1
    assert asked_for(again) == []


def seeds_of(teacher, question):
    return [request.seed for request in teacher.asked if request.messages[-1]["content"] == question]


def test_questions_that_are_seed_examples_are_not_asked(tmp_path):
    teacher = RuleTeacher()
    write(plan_in(tmp_path, seeds=SEEDS), teacher, questions=[*QUESTIONS[:2], SEEDS[0].question])
    assert asked_for(teacher) == QUESTIONS[:2]


@pytest.mark.parametrize("at_once", [1, 4])
def test_one_question_the_teacher_fails_at_does_not_end_the_run(tmp_path, at_once):
    def say(request):
        if request.messages[-1]["content"] == QUESTIONS[3]:
            raise TeacherRefused("too long for me")
        return counting_answer(request)

    teacher = RuleTeacher(answers=say, at_once=at_once)
    outcome = write(plan_in(tmp_path), teacher)
    assert (outcome.kept, outcome.refused) == (9, 1)
    (row, *_others) = rows(tmp_path / "rejects.jsonl")
    assert (row["question"], row["reason"], row["detail"]) == (QUESTIONS[3], "teacher_failed", "too long for me")
    assert sorted(asked_for(teacher)).count(QUESTIONS[0]) == 1


def test_an_error_in_an_answers_place_refuses_that_question_and_no_other(tmp_path):
    teacher = FailingAt(lambda request: request.messages[-1]["content"] == QUESTIONS[3], at_once=10)
    outcome = write(plan_in(tmp_path), teacher)
    assert (outcome.kept, outcome.refused) == (9, 1)
    assert asked_for(teacher).count(QUESTIONS[3]) == 3
    assert asked_for(teacher).count(QUESTIONS[0]) == 1


def test_errors_in_a_row_end_the_run_with_everything_kept(tmp_path):
    teacher = FailingAt(lambda request: request.messages[-1]["content"] not in QUESTIONS[:4], at_once=10)
    with pytest.raises(TeacherRefused, match="not this one"):
        write(plan_in(tmp_path), teacher)
    assert len(rows(tmp_path / "answers.jsonl")) == 4
    assert len(rows(tmp_path / "rejects.jsonl")) == 3


def test_a_teacher_that_is_gone_ends_the_run_with_everything_kept(tmp_path):
    def say(request):
        if len(teacher.asked) > 5:
            raise TeacherUnavailable("away")
        return counting_answer(request)

    teacher = RuleTeacher(answers=say)
    with pytest.raises(TeacherUnavailable):
        write(plan_in(tmp_path), teacher)
    assert len(rows(tmp_path / "answers.jsonl")) == 5
    assert len(teacher.asked) < 12
    assert write(plan_in(tmp_path), RuleTeacher()).kept == 10


@pytest.mark.parametrize("name", ["answers.jsonl", "rejects.jsonl"])
def test_a_row_is_one_line_whatever_the_answer_holds(tmp_path, name):
    text = 'a "quote",\n\ta break\u2028 and \x1b[31m 数 '
    plan = plan_in(tmp_path, answer_must_contain=("never",) if name == "rejects.jsonl" else ())
    write(plan, RuleTeacher(answers=lambda request: text + "\ud83d"), questions=QUESTIONS[:1])
    line = (tmp_path / name).read_text().split("\n")[0]
    row = json.loads(line)
    assert (row["answer"] if name == "rejects.jsonl" else row["messages"][1]["content"]) == text + "?"


def test_each_example_names_who_of_several_wrote_it(tmp_path):
    def by_turns(request):
        even = "2" in request.messages[-1]["content"]
        who = "one" if even else "other"
        return Answer("" if "7" in request.messages[-1]["content"] else counting_answer(request), "stop", 5, who)

    write(plan_in(tmp_path), RuleTeacher(answers=by_turns, name="one, other"))
    kept = {row["messages"][0]["content"]: row["source"] for row in rows(tmp_path / "answers.jsonl")}
    assert kept["How do I count to 2?"] == "one"
    assert kept["How do I count to 3?"] == "other"
    assert {row["source"] for row in rows(tmp_path / "rejects.jsonl")} == {"other"}
