import pytest

from tui_tuner.dataset.reading import clean_question, continued_question, follow_up_question, listed_questions

TWO = ["How do I start?", "What is a plugin?"]


@pytest.mark.parametrize(
    "said",
    [
        '["How do I start?", "What is a plugin?"]',
        ' [\n"How do I start?",\n"What is a plugin?"\n]\n',
        'Sure! Here they are:\n\n```json\n["How do I start?", "What is a plugin?"]\n```\nI hope this helps.',
        '```\n["How do I start?", "What is a plugin?"',
        '{"questions": ["How do I start?", "What is a plugin?"]}',
        '{"topic": "sites", "data": {"faq": [{"q": "How do I start?", "a": "So."}, {"q": "What is a plugin?"}]}}',
        '[{"question": "How do I start?", "category": "first steps"}, {"question": "What is a plugin?"}]',
        '[["How do I start?"], ["What is a plugin?"]]',
        '{"1": "How do I start?", "2": "What is a plugin?"}',
        'Here are [two] of them: ["How do I start?", "What is a plugin?"]',
        '["How do I start?", "What is a plugin?",]',
        '["How do I start?" "What is a plugin?"]',
        "['How do I start?', 'What is a plugin?']",
        "1. How do I start?\n2. What is a plugin?",
        "Of course:\n\n1) **How do I start?**\n2) *What is a plugin?*\n\nGood luck!",
        "[1] How do I start?\n2] What is a plugin?",
        "- How do I start?\n* What is a plugin?",
        "Q1: How do I start?\nQ2: What is a plugin?",
        '"How do I start?"\n"What is a plugin?"',
    ],
)
def test_a_list_is_read_in_whatever_form_it_comes(said):
    assert listed_questions(said) == TWO


@pytest.mark.parametrize(
    "said",
    [
        '["How do I start?", "What is a plugin?", "Where do I fi',
        '["How do I start?", "What is a plugin?", ',
        '{"questions": ["How do I start?", "What is a plugin?", "Wh',
        '[{"question": "How do I start?", "category": "first steps"}, {"question": "What is a plugin?"}, {"que',
    ],
)
def test_of_a_list_cut_off_in_the_middle_the_whole_questions_are_kept(said):
    assert listed_questions(said) == TWO


@pytest.mark.parametrize(
    "said", ["", "null", "I cannot do that.", "[1, 2, 3]", "{}", "[" * 100_000, "\x00\ud800", '[""]']
)
def test_what_holds_no_question_gives_none(said):
    assert listed_questions(said) == []


def test_escapes_and_other_scripts_are_read():
    assert listed_questions('["What is \\"SEO\\"?", "\\u4ec0\\u4e48\\u662f\\u63d2\\u4ef6\\uff1f"]') == [
        'What is "SEO"?',
        "什么是插件？",
    ]
    assert listed_questions('["Is half \\ud83d enough?"]') == ["Is half ? enough?"]


@pytest.mark.parametrize(
    ("text", "beginning", "question"),
    [
        ("How do I grow beans? Well, first", "How do I", "How do I grow beans?"),
        ("How do I grow beans?\nAnd then?", "How do I", "How do I grow beans?"),
        ("I need to know when to water.", "I need to", "I need to know when to water."),
        ("How do I even begin. So, I have a garden", "How do I", ""),
        ("How do I even begin. So, I have a garden.", "How do I", ""),
        ("How to grow", "How to", ""),
        ("How do I", "How do I", ""),
        ("How do I\ngrow beans?", "How do I", ""),
        ('"Can I grow   beans?"', "", "Can I grow beans?"),
    ],
)
def test_a_continued_question_ends_where_it_is_asked(text, beginning, question):
    assert continued_question(text, beginning) == question


def test_what_is_no_question_is_cleaned_away():
    assert clean_question(" 12. “How do\n I start?” ") == "How do I start?"
    assert clean_question("Why?") == ""
    assert clean_question("?!") == ""
    assert clean_question("why " * 200) == ""


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("How do I undo that?", "How do I undo that?"),
        ('"How do I undo that?"', "How do I undo that?"),
        ("Follow-up question: How do I undo that?", "How do I undo that?"),
        ('Sure! A likely follow-up question could be: "How do I undo that?"', "How do I undo that?"),
        ("**Question:** How do I undo that?", "How do I undo that?"),
        ("Here is one:\n\nHow do I undo that?\n\nLet me know if you want more.", "How do I undo that?"),
        ("1. How do I undo that?\n2. Why?", "How do I undo that?"),
        ('["How do I undo that?", "Why so?"]', "How do I undo that?"),
        ('```json\n{"question": "How do I undo that?"}\n```', "How do I undo that?"),
        ("Show me an example.", "Show me an example."),
        ('What does the error "404: not found" mean?', 'What does the error "404: not found" mean?'),
        ("What does this question mean: who are you?", "What does this question mean: who are you?"),
        ("这个问题怎么解决？", "这个问题怎么解决？"),
        ("I would ask about it.\nThat is all.", ""),
        ("", ""),
        ("```\n```", ""),
        (
            'One possible follow-up question could be: "How do I go on?" This can be a great opportunity to',
            "How do I go on?",
        ),
        (
            "One follow-up question could be: How do I go on? This includes using fonts. Can I use two?",
            "How do I go on?",
        ),
        ('How can we make a page faster?" to focus on enhancing user experience', "How can we make a page faster?"),
        (
            'What do "back up" and "restore" mean? Are they different?',
            'What do "back up" and "restore" mean? Are they different?',
        ),
        (
            "My page is slow. Is it the pictures? They are large.",
            "My page is slow. Is it the pictures? They are large.",
        ),
    ],
)
def test_the_one_question_in_a_proposal(text, question):
    assert follow_up_question(text) == question
