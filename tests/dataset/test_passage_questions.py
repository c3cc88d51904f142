import json
from collections import Counter

import pytest
from dataset.passages_by_rule import ABOUT, PASSAGES, passage_about, passage_teacher, subject_of
from dataset.teachers_by_rule import SEEDS, FailingAt, Heard, RuleTeacher, plan_in

from tui_tuner.choices import OPENING_PHRASES
from tui_tuner.dataset.asking import LIST_SCHEMA
from tui_tuner.dataset.events import InstructionWritten
from tui_tuner.dataset.passage_questions import TRIES, read_passage_questions, write_passage_questions
from tui_tuner.errors import Stopped, TeacherUnavailable
from tui_tuner.files import read_json_lines
from tui_tuner.progress import Notice, StageProgress, StopToken


def plan_for(data, passages=PASSAGES, **choice):
    from dataclasses import replace

    return replace(plan_in(data, topic="", **choice), passages=tuple(passages))


def write(plan, teacher, heard=None, stop=None, others=()):
    heard = Heard() if heard is None else heard
    return write_passage_questions(plan, teacher, others, emit=heard.append, stop=stop or StopToken())


def rows(data):
    return read_json_lines(data / "passage_questions.jsonl")[0]


@pytest.mark.parametrize("continues", [True, False])
def test_each_passage_gets_its_questions(tmp_path, continues):
    heard = Heard()
    questions = write(plan_for(tmp_path), passage_teacher(continues=continues), heard)
    assert len(questions) == 2 * len(PASSAGES)
    assert Counter(passage.id for passage in questions.values()) == {passage.id: 2 for passage in PASSAGES}
    assert all(passage.heading.split(" > ")[1].casefold() in question for question, passage in questions.items())
    assert sorted(event.text for event in heard.of(InstructionWritten)) == sorted(questions)
    assert heard.of(InstructionWritten)[0].place == "guide.md:1"
    last = heard.of(StageProgress)[-1]
    assert (last.stage, last.done, last.total, last.ended) == ("Passages", 10, 10, True)


def test_the_journal_says_where_each_question_came_from(tmp_path):
    questions = write(plan_for(tmp_path), passage_teacher(continues=False))
    assert [row["passage"] for row in rows(tmp_path)] == [
        {"id": one.id, "file": "guide.md", "heading": one.heading, "line": one.line} for one in PASSAGES
    ]
    assert [question for row in rows(tmp_path) for question in row["questions"]] == list(questions)
    assert read_passage_questions(tmp_path)[PASSAGES[0].id] == list(questions)[:2]


def test_a_teacher_that_continues_begins_with_the_phrases_in_balance(tmp_path):
    teacher = passage_teacher()
    questions = write(plan_for(tmp_path), teacher)
    opened = Counter(next(phrase for phrase in OPENING_PHRASES if one.startswith(f"{phrase} ")) for one in questions)
    assert len(opened) == len(OPENING_PHRASES)
    assert all(request.beginning in OPENING_PHRASES for request in teacher.asked)


def test_it_is_shown_texts_with_questions_from_the_seed_examples_or_from_elsewhere(tmp_path):
    teacher = passage_teacher()
    write(plan_for(tmp_path, seeds=SEEDS), teacher)
    shown = [turn["content"] for turn in teacher.asked[0].messages]
    assert {shown[1], shown[3], shown[5]} == {seed.question for seed in SEEDS}
    teacher = passage_teacher()
    write(plan_for(tmp_path / "without"), teacher)
    assert "rice" in teacher.asked[0].messages[1]["content"]


def test_a_small_teachers_question_that_has_nothing_of_the_passage_is_not_kept(tmp_path):
    teacher = RuleTeacher(lambda request: f"{request.beginning} replace the hygrometer?")
    assert write(plan_for(tmp_path, PASSAGES[:1]), teacher) == {}


def test_other_teachers_are_asked_for_all_of_a_passage_in_one_list(tmp_path):
    teacher = passage_teacher(continues=False)
    write(plan_for(tmp_path, questions_per_passage=5), teacher)
    assert len(teacher.asked) == len(PASSAGES)
    prompt = teacher.asked[0].messages[-1]["content"]
    assert prompt.startswith(f"{PASSAGES[0].heading}\n\n{PASSAGES[0].text}")
    assert "JSON format 5 questions" in prompt
    assert teacher.asked[0].schema == LIST_SCHEMA


def test_questions_that_are_there_or_speak_of_the_passage_are_not_kept(tmp_path):
    said = ["Where is backups.txt kept?", "What does the passage say?", "Who reads backups at all?", "Who asks 7?"]
    teacher = RuleTeacher(lambda request: json.dumps(said), continues=False)
    questions = write(plan_for(tmp_path, PASSAGES[:3]), teacher, others=["who asks 7"])
    assert list(questions) == ["Where is backups.txt kept?", "Who reads backups at all?"]
    assert {passage.id for passage in questions.values()} == {PASSAGES[0].id}


def test_a_passage_that_yields_too_few_is_left_with_what_it_has(tmp_path):
    plan = plan_for(tmp_path, PASSAGES[:1])
    teacher = RuleTeacher(lambda request: "[]", continues=False)
    assert write(plan, teacher) == {}
    assert len(teacher.asked) == TRIES
    again = RuleTeacher(lambda request: "[]", continues=False)
    write(plan, again)
    assert again.asked == []
    changed = passage_teacher(continues=False)
    assert len(write(plan_for(tmp_path, PASSAGES[:1], temperature=1.0), changed)) == 2


def test_done_already_nothing_is_asked_and_more_can_be_wanted_later(tmp_path):
    first = write(plan_for(tmp_path), passage_teacher(continues=False))
    silent = passage_teacher(continues=False)
    assert write(plan_for(tmp_path), silent) == first
    assert silent.asked == []
    count = iter(range(1000, 2000))
    more = RuleTeacher(lambda request: json.dumps([f"Why {subject_of(request)} {next(count)}?"]), continues=False)
    assert len(write(plan_for(tmp_path, questions_per_passage=3), more)) == 30
    assert len(more.asked) == 10


def test_a_changed_passage_is_asked_about_anew_and_the_others_keep_their_questions(tmp_path):
    first = write(plan_for(tmp_path), passage_teacher(continues=False))
    count = iter(range(1000, 2000))
    teacher = RuleTeacher(
        lambda request: json.dumps([f"Why {subject_of(request)} {next(count)}?" for _place in range(2)]),
        continues=False,
    )
    after = write(plan_for(tmp_path, [*PASSAGES[1:], passage_about("goats")]), teacher)
    assert [subject_of(request) for request in teacher.asked] == ["goats"]
    assert list(after)[:18] == list(first)[2:]


def test_passages_with_too_few_words_and_the_same_text_twice_are_not_asked_about(tmp_path):
    from dataclasses import replace

    teacher = passage_teacher(continues=False)
    twice = replace(PASSAGES[0], file="copy.md")
    write(plan_for(tmp_path, [PASSAGES[0], twice, replace(PASSAGES[1], words=3)]), teacher)
    assert len(teacher.asked) == 1


def test_a_passage_the_teacher_refuses_is_left_out_and_the_others_go_on(tmp_path):
    heard = Heard()
    teacher = FailingAt(
        lambda request: subject_of(request) == "users", questions=passage_teacher()._questions, continues=False
    )
    assert len(write(plan_for(tmp_path), teacher, heard)) == 18
    assert "guide.md:9" in heard.of(Notice)[0].text
    assert heard.of(StageProgress)[-1].done == len(ABOUT)


def test_a_teacher_that_fails_at_everything_ends_it_and_what_came_before_is_kept(tmp_path):
    class Gone(RuleTeacher):
        def ask(self, requests, on_answer, stop):
            if len(self.asked) >= 4:
                raise TeacherUnavailable("gone")
            super().ask(requests, on_answer, stop)

    with pytest.raises(TeacherUnavailable):
        write(plan_for(tmp_path), Gone(passage_teacher()._questions, continues=False))
    assert len(rows(tmp_path)) == 4
    teacher = passage_teacher(continues=False)
    write(plan_for(tmp_path), teacher)
    assert len(teacher.asked) == 6


def test_stopped_it_goes_on_where_it_was(tmp_path):
    stop = StopToken()
    heard = Heard()

    def emit(event):
        heard.append(event)
        if len(heard.of(InstructionWritten)) == 7:
            stop.request()

    with pytest.raises(Stopped):
        write_passage_questions(plan_for(tmp_path), passage_teacher(), (), emit=emit, stop=stop)
    teacher = passage_teacher()
    assert len(rows(tmp_path)) == 7
    write(plan_for(tmp_path), teacher)
    assert len(rows(tmp_path)) == 20
