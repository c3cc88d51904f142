import pytest
from dataset.teachers_by_rule import SEEDS, plan_in

from tui_tuner.dataset.acceptance import Standard
from tui_tuner.dataset.repetition import repetition
from tui_tuner.teachers.teacher import Answer

STYLE = {"answer_beginning": "In short:", "answer_must_contain": ("In short:", "Try this:")}
QUESTION = "Can I count sheep?"


@pytest.fixture
def standard(tmp_path):
    return Standard(plan_in(tmp_path, seeds=SEEDS, **STYLE))


def stop(text):
    return Answer(text, "stop", 9)


def reason(standard, answer):
    found = standard.objection(QUESTION, standard.tidy(answer))
    return found.reason if found else None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("In short: sheep can be counted. Try this: count the legs and divide by four.", None),
        ("", "empty"),
        ("In short: Try this:", "empty"),
        ("In short: … Try this: !", "empty"),
        ("In short: sheep can be counted.", "not_in_style"),
        ("Try this: count them. In short: yes.", "not_in_style"),
        ("Well. In short: yes. Try this: count them.", "not_in_style"),
        ("In short: can I count sheep? Try this:", "repeats_question"),
        ("In short: of course you may. Try this: whisper one.", "copies_example"),
        ("In short: one sheep and one sheep and one sheep and more. Try this: sleep.", "repetition"),
    ],
)
def test_an_answer_is_refused_for_a_reason(standard, text, expected):
    assert reason(standard, stop(text)) == expected


def test_texts_the_other_way_round_are_not_the_style(tmp_path):
    standard = Standard(plan_in(tmp_path, answer_must_contain=STYLE["answer_must_contain"]))
    assert reason(standard, stop("So. In short: yes. Try this: count them.")) is None
    assert reason(standard, stop("Try this: count them. In short: yes.")) == "not_in_style"


def test_a_cut_off_answer_is_refused_unless_only_what_is_taken_away_was_cut(standard):
    assert reason(standard, Answer("In short: yes. Try this: count the legs and", "length", 9)) == "cut_off"
    assert reason(standard, Answer("In short: yes. Try this: count the legs. After that you", "length", 9)) is None
    assert reason(standard, Answer("In short: yes. Try this: count the legs\nAnother que", "length", 9)) is None


def test_rambling_after_the_style_is_complete_is_taken_away(standard):
    text = "In short: yes, e.g. two. Try this: count 2.5 of them, e.g. slowly. Then sleep. And dream.\n\nIn short: no."
    tidied = standard.tidy(stop(text))
    assert tidied.text == "In short: yes, e.g. two. Try this: count 2.5 of them, e.g. slowly."


def test_as_much_stays_as_the_longest_seed_example_has(tmp_path):
    rambling = "Yes. Step: one. Two! Three? Four.\nFive."
    wordy = SEEDS[0].__class__(
        ({"role": "user", "content": "Q"}, {"role": "assistant", "content": "No. Step: a. B."}), "seed"
    )
    style = {"answer_must_contain": ("Step:",)}
    assert Standard(plan_in(tmp_path, seeds=(wordy,), **style)).tidy(stop(rambling)).text == "Yes. Step: one. Two!"
    without_seeds = Standard(plan_in(tmp_path, **style)).tidy(stop(rambling)).text
    assert without_seeds == "Yes. Step: one. Two! Three? Four."


def test_without_a_style_nothing_is_taken_away(tmp_path):
    standard = Standard(plan_in(tmp_path, seeds=SEEDS))
    text = "One. Two.\n\nThree."
    assert standard.tidy(stop(f" {text}\n")).text == text
    assert standard.objection(QUESTION, stop(text)) is None
    assert standard.objection(QUESTION, stop("can i count SHEEP")).reason == "repeats_question"


@pytest.mark.parametrize(
    "text",
    [
        "water water water water water",
        "cut it and then cut it and then cut it and then",
        "First, wash the dish well.\nThen\nFirst, wash the dish well.\nSo\nFirst, wash the dish well.",
        "数一数二数一数二数一数二",
    ],
)
def test_a_stammer_is_heard(text):
    assert repetition(text)


@pytest.mark.parametrize(
    "text",
    [
        "It is very, very, very good and had had its day.",
        "0 0 0 0 0 0 0 0",
        "| a | b |\n| --- | --- |\n| 1 | 2 |",
        "Add water. Stir. Add salt. Stir. Add rice and cook it.",
        "",
    ],
)
def test_emphasis_and_tables_are_no_stammer(text):
    assert not repetition(text)
