import itertools
import json
from collections import Counter

import pytest
from dataset.teachers_by_rule import SEEDS, FailingAt, Heard, RuleTeacher, counting_questions, listed_questions, plan_in

from tui_tuner.choices import OPENING_PHRASES
from tui_tuner.dataset.asking import LIST_SCHEMA
from tui_tuner.dataset.events import InstructionWritten
from tui_tuner.dataset.instructions import read_instructions, write_instructions
from tui_tuner.errors import DatasetError, Stopped, TeacherRefused, TeacherUnavailable
from tui_tuner.files import write_json, write_text
from tui_tuner.progress import Notice, StageProgress, StopToken


def write(plan, teacher, heard=None, stop=None):
    heard = Heard() if heard is None else heard
    return write_instructions(plan, teacher, emit=heard.append, stop=stop or StopToken())


@pytest.mark.parametrize("continues", [True, False])
def test_questions_are_written_until_there_are_enough(tmp_path, continues):
    heard = Heard()
    teacher = RuleTeacher(None if continues else listed_questions(), continues=continues)
    questions = write(plan_in(tmp_path, instructions=30), teacher, heard)
    assert len(set(questions)) == 30
    assert json.loads((tmp_path / "instructions.json").read_text()) == questions
    assert [event.text for event in heard.of(InstructionWritten)] == questions
    last = heard.of(StageProgress)[-1]
    assert (last.stage, last.done, last.total, last.ended) == ("Questions", 30, 30, True)


def test_a_teacher_that_continues_begins_with_the_phrases_in_balance(tmp_path):
    questions = write(plan_in(tmp_path, instructions=2 * len(OPENING_PHRASES), seed=5), RuleTeacher())
    opened = Counter(next(phrase for phrase in OPENING_PHRASES if q.startswith(f"{phrase} count")) for q in questions)
    assert set(opened) == set(OPENING_PHRASES)
    assert max(opened.values()) - min(opened.values()) <= 1


def test_seed_questions_are_shown_as_earlier_turns_and_never_asked_again(tmp_path):
    known = SEEDS[0].question
    teacher = RuleTeacher(lambda request: known.upper(), at_once=2)
    with pytest.raises(DatasetError):
        write(plan_in(tmp_path, seeds=SEEDS, opening_phrases=("May I",)), teacher)
    turns = teacher.asked[0].messages
    assert {turn["content"] for turn in turns if turn["role"] == "assistant"} > {seed.question for seed in SEEDS}
    assert turns[-1] == {"role": "user", "content": "Write one question about counting."}
    assert teacher.asked[0].beginning == "May I"


def test_other_teachers_get_the_guides_prompt_with_phrases_examples_and_what_is_known(tmp_path):
    write_json(tmp_path / "instructions.json", ["How do I begin to count?"])
    teacher = RuleTeacher(listed_questions(20), continues=False, at_once=1)
    write(plan_in(tmp_path, seeds=SEEDS, instructions=9, opening_phrases=("How do I", "Can I")), teacher)
    (request,) = teacher.asked
    prompt = request.messages[-1]["content"]
    assert prompt.startswith("Please list in JSON format 10 frequently asked questions about counting")
    assert '"Can I"' in prompt
    assert "single dimension array of only questions" in prompt
    assert SEEDS[1].question in prompt
    assert "Do not repeat these:\n- How do I begin to count?" in prompt
    assert request.schema == LIST_SCHEMA


def test_known_questions_are_dropped_whatever_their_punctuation(tmp_path):
    lists = iter(
        [["How do I count?", "how do i COUNT", "“How do I count?”", "Why count at all?"], ["Who counts here?"]]
    )
    teacher = RuleTeacher(lambda request: json.dumps(next(lists)), continues=False, at_once=1)
    assert write(plan_in(tmp_path, instructions=3), teacher) == [
        "How do I count?",
        "Why count at all?",
        "Who counts here?",
    ]


def test_a_teacher_without_new_ideas_is_left_with_a_notice(tmp_path):
    heard = Heard()
    teacher = RuleTeacher(lambda request: f"{request.beginning} count again?")
    questions = write(plan_in(tmp_path, instructions=500, opening_phrases=("Can I", "How do I")), teacher, heard)
    assert sorted(questions) == ["Can I count again?", "How do I count again?"]
    (notice,) = heard.of(Notice)
    assert notice.level == "warning"
    assert "2 of 500" in notice.text
    assert len(teacher.question_rounds) < 10


def test_a_teacher_with_few_but_steady_new_ideas_is_not_left(tmp_path):
    fresh, asked = counting_questions(), iter(range(10_000))
    teacher = RuleTeacher(lambda request: fresh(request) if next(asked) % 4 == 0 else "Can I count?")
    assert len(write(plan_in(tmp_path, instructions=40), teacher)) == 40


def test_garbage_never_ends_the_work(tmp_path):
    fresh, turn = listed_questions(3), iter(range(1000))
    garbage = ["", "[" * 5000, '{"a": ', "Sorry!", "\x00\x1b[2J"]
    teacher = RuleTeacher(
        lambda request: fresh(request) if (n := next(turn)) % 2 else garbage[n // 2 % 5], continues=False, at_once=1
    )
    assert len(write(plan_in(tmp_path, instructions=12), teacher)) == 12


def test_a_stop_keeps_the_questions_so_far(tmp_path):
    stop, fresh = StopToken(), counting_questions()

    def say(request):
        if len(teacher.asked) == 6:
            stop.request()
        return fresh(request)

    teacher = RuleTeacher(say, at_once=4)
    with pytest.raises(Stopped):
        write(plan_in(tmp_path, instructions=40), teacher, stop=stop)
    kept = read_instructions(tmp_path / "instructions.json")
    assert len(kept) == 6
    rest = RuleTeacher(lambda request: fresh(request), at_once=40)
    questions = write(plan_in(tmp_path, instructions=10), rest)
    assert questions[:6] == kept
    assert len(questions) == 10
    assert len(rest.asked) == 5  # the four that were missing and one to spare


def test_each_answer_is_on_the_disk_before_the_next_one_comes(tmp_path):
    fresh, on_disk = counting_questions(), []

    def say(request):
        on_disk.append(len(read_instructions(tmp_path / "instructions.json")))
        return fresh(request)

    write(plan_in(tmp_path, instructions=6), RuleTeacher(say, at_once=6))
    assert on_disk == list(range(len(on_disk)))


def test_a_request_that_fails_is_said_and_the_others_count(tmp_path):
    heard, turn = Heard(), itertools.count()
    teacher = FailingAt(lambda _request: next(turn) % 2 == 1, at_once=4)
    assert len(write(plan_in(tmp_path, instructions=12), teacher, heard)) == 12
    assert "not this one" in heard.of(Notice)[0].text
    assert not any("hardly finds" in notice.text for notice in heard.of(Notice))


def test_where_every_request_fails_the_error_is_the_runs(tmp_path):
    with pytest.raises(TeacherRefused, match="not this one"):
        write(plan_in(tmp_path, instructions=12), FailingAt(lambda _request: True))


def test_a_failing_teacher_costs_nothing_already_written(tmp_path):
    fresh = counting_questions()

    def say(request):
        if len(teacher.asked) == 7:
            raise TeacherUnavailable("away")
        return fresh(request)

    teacher = RuleTeacher(say)
    with pytest.raises(TeacherUnavailable):
        write(plan_in(tmp_path, instructions=40), teacher)
    assert len(read_instructions(tmp_path / "instructions.json")) == 6


def test_questions_brought_along_are_taken_as_they_are_however_many(tmp_path):
    brought = [f"Question number {n}" for n in range(20)]
    write_json(tmp_path / "instructions.json", [*brought, "question number 3?", "", "  "])
    teacher = RuleTeacher()
    assert write(plan_in(tmp_path, instructions=5), teacher) == brought
    assert write(plan_in(tmp_path, topic="", instructions=50), teacher) == brought
    assert teacher.asked == []


@pytest.mark.parametrize("content", ['{"a": 1}', "[1, 2]", '["a"', "null"])
def test_a_file_that_is_no_list_of_texts_is_named(tmp_path, content):
    write_text(tmp_path / "instructions.json", content)
    with pytest.raises(DatasetError) as caught:
        write(plan_in(tmp_path), RuleTeacher())
    assert str(tmp_path / "instructions.json") in caught.value.where
    assert caught.value.advice


def test_without_seed_examples_questions_about_other_things_show_the_form(tmp_path):
    teacher = RuleTeacher()
    write(plan_in(tmp_path, instructions=1), teacher)
    shown = [turn["content"] for turn in teacher.asked[0].messages if turn["role"] == "assistant"]
    assert len(shown) >= 4
    assert all(text.endswith("?") for text in shown)
    assert not any("counting" in text for text in shown)


def test_an_opening_phrase_given_back_alone_is_no_question(tmp_path):
    # A real 135M model in llama-server answered the guide's prompt like this.
    listed = json.dumps(["Can users", "What is", *(f"What is rule {number}?" for number in range(1, 9))])
    teacher = RuleTeacher(lambda request: listed, continues=False, at_once=1)
    plan = plan_in(tmp_path, instructions=6, opening_phrases=("Can users", "What is"))
    assert all("rule" in question for question in write(plan, teacher))
