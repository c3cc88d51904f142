import json

import pytest
from dataset.teachers_by_rule import RuleTeacher, counting_questions, listed_questions, plan_in

from tui_tuner.choices import DatasetChoice
from tui_tuner.configuration import parse_value
from tui_tuner.dataset.instructions import write_instructions
from tui_tuner.dataset.question_prompts import LIST, filled
from tui_tuner.dataset.trying import prompt_sent, try_prompt
from tui_tuner.errors import ConfigurationError, TeacherRefused
from tui_tuner.files import write_json
from tui_tuner.progress import StopToken, ignore_event
from tui_tuner.project import create_project, open_project


def told(plan, *, continues):
    """What the first request of a real run says last."""
    rule = counting_questions() if continues else listed_questions(20)
    teacher = RuleTeacher(rule, rule, continues=continues, at_once=1)
    write_instructions(plan, teacher, emit=ignore_event, stop=StopToken())
    return teacher.asked[0].messages[-1]["content"]


def test_the_guides_prompt_with_the_guides_audience(tmp_path):
    plan = plan_in(
        tmp_path,
        topic="WordPress",
        audience="all levels of users working on WordPress websites",
        instructions=20,
        opening_phrases=("How do I",),
    )
    assert told(plan, continues=False) == (
        "Please list in JSON format 25 frequently asked questions about WordPress from all levels of users working on "
        "WordPress websites.\n\n"
        'The questions should start with any of the following: "How do I".\n\n'
        "You do not need to provide an answer or category to each question. "
        "The list should be a single dimension array of only questions."
    )


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({}, "Write one question about counting."),
        ({"audience": "children"}, "Write one question about counting that could come from children."),
        ({"one_question_prompt": "As {audience}, ask about {topic}!"}, "As people of all levels, ask about counting!"),
    ],
)
def test_a_teacher_that_continues_is_told_about_the_audience_too(tmp_path, choice, words):
    plan = plan_in(tmp_path, instructions=1, **choice)
    assert told(plan, continues=True) == words


def test_ones_own_prompt_is_sent_with_its_places_filled_in(tmp_path):
    own = 'Give me {number} as {"a": [1]}.\n\nAbout {topic}.\n\nLike:\n{examples}\n\nNot:\n{known}'
    plan = plan_in(tmp_path, instructions=4, question_prompt=own)
    assert told(plan, continues=False) == 'Give me 5 as {"a": [1]}.\n\nAbout counting.'


@pytest.mark.parametrize(
    ("prompt", "values", "text"),
    [
        ("{a}", {"a": ""}, ""),
        ("x {a}\n\ny {b}", {"a": "", "b": "1"}, "y 1"),
        ("x {a} {b}\n \ny", {"a": "", "b": "1"}, "x  1\n\ny"),
        ("{a}", {"a": "{b}", "b": "no"}, "{b}"),
        ("{unknown} {{a}}", {"a": "1"}, "{unknown} {1}"),
    ],
)
def test_paragraphs_without_anything_to_say_are_left_out(prompt, values, text):
    assert filled(prompt, values) == text


def test_the_built_in_words_are_a_good_setting_and_an_unknown_placeholder_is_not(tmp_path):
    assert parse_value(DatasetChoice, "question_prompt", LIST) == LIST
    with pytest.raises(ConfigurationError, match=r"\{nmber\}") as caught:
        parse_value(DatasetChoice, "question_prompt", "List {nmber} questions")
    assert "{number}" in caught.value.advice
    project = create_project(tmp_path / "p")
    manifest = project.folder / "tuner.toml"
    manifest.write_text(manifest.read_text().replace('question_prompt = ""', 'question_prompt = "{phrase}"', 1))
    with pytest.raises(ConfigurationError) as caught:
        open_project(project.folder)
    assert "tuner.toml:" in caught.value.where


def test_a_try_judges_as_a_run_would_and_writes_nothing(tmp_path):
    write_json(tmp_path / "instructions.json", ["How do I count sheep?"])
    listed = ["How do I count cows?", "how do I count SHEEP", "How do I", "Why?", "How do I count cows", "Is ten big?"]
    teacher = RuleTeacher(lambda _request: json.dumps(listed), continues=False)
    plan = plan_in(tmp_path, opening_phrases=("How do I",))
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    tried = try_prompt(plan, teacher, stop=StopToken())
    assert tried.questions == ("How do I count cows?", "Is ten big?")
    assert [text for text, _why in tried.dropped] == [
        "Why?",
        "how do I count SHEEP",
        "How do I",
        "How do I count cows",
    ]
    assert "How do I count sheep?" in dict(tried.dropped)["how do I count SHEEP"]
    assert tried.prompt == prompt_sent(plan, continues=False)
    assert len(teacher.asked) == 1
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_try_of_one_question_at_a_time_shows_what_was_none(tmp_path):
    answers = iter(["How do I count?", "I do not know. Really. No.", "Can I count twice?"])
    teacher = RuleTeacher(lambda _request: next(answers, ""))
    tried = try_prompt(plan_in(tmp_path), teacher, stop=StopToken())
    assert tried.questions == ("How do I count?", "Can I count twice?")
    assert tried.dropped[0][0] == "I do not know. Really. No."
    assert tried.prompt.endswith("…")
    assert tried.prompt == prompt_sent(plan_in(tmp_path), continues=True)
    again = RuleTeacher()
    try_prompt(plan_in(tmp_path), again, tries=1, stop=StopToken())
    assert again.asked[0].seed != teacher.asked[0].seed


def test_a_teacher_that_fails_at_a_try_says_why(tmp_path):
    def refuse(_request):
        raise TeacherRefused("no such model")

    with pytest.raises(TeacherRefused):
        try_prompt(plan_in(tmp_path), RuleTeacher(refuse), stop=StopToken())
