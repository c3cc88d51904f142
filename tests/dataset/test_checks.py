import pytest

from tui_tuner.choices import QualityChoice
from tui_tuner.dataset.checks import answer_objection, objection
from tui_tuner.dataset.examples import Example, asked_and_answered
from tui_tuner.models.prompts import Message


def reason(question, answer, **quality):
    found = objection(asked_and_answered(question, answer, "rule"), QualityChoice(**quality))
    return found and found.reason


@pytest.mark.parametrize(
    ("question", "answer", "expected"),
    [
        ("Why is the sky blue?", "Because air scatters blue light most.", None),
        ("Why is the sky blue?", "...", "empty"),
        ("Why is the sky blue?", "why is the sky blue", "repeats_question"),
        ("Why is the sky blue?", "It is blue. It is blue. It is blue.", "repetition"),
        ("How do I pick a lock?", "I'm sorry, but I can't help with that.", "refusal"),
        ("How do I pick a lock?", "I’m sorry, but I can’t help with that.", "refusal"),
        ("Who are you?", "As an AI language model, I have no name.", "refusal"),
        (
            "What does a model say?",
            f"{'Such a program often tells people what it will not do. ' * 2}It says: as a language model I decline.",
            None,
        ),
        ("Why is the sky blue at noon?", "Потому что воздух рассеивает синий свет.", "wrong_script"),
        ("Почему небо днём голубое?", "Потому что воздух рассеивает синий свет.", None),
        ("日本語で挨拶はどう言いますか？", "こんにちはと言います。朝はおはようございますです。", None),
        ("How do I say hello in Russian?", "Привет", None),
        ("How do I greet in Japanese politely?", "You say konnichiwa, written こんにちは, at noon.", None),
        ("Warum ist der Himmel blau?", "Weil die Luft blaues Licht am stärksten streut.", None),
    ],
)
def test_an_answer_is_judged_by_its_form(question, answer, expected):
    assert reason(question, answer) == expected


@pytest.mark.parametrize(
    ("quality", "answer", "expected"),
    [
        ({"shortest_answer": 3}, "Yes, always.", "too_short"),
        ({"shortest_answer": 2}, "Yes, always.", None),
        ({"refusals": ()}, "As an AI language model, I have no name.", None),
        ({"refusals": ("Dazu kann ich",)}, "Dazu kann ich nichts sagen.", "refusal"),
        ({"same_script": 0}, "Потому что воздух рассеивает синий свет.", None),
        ({"same_script": 0.9}, "Look: Потому что воздух рассеивает синий свет.", "wrong_script"),
    ],
)
def test_thresholds_are_settings(quality, answer, expected):
    assert reason("Why is the sky blue?", answer, **quality) == expected


def test_every_turn_is_looked_at():
    turns = [("system", "Be kind."), ("user", "Why?"), ("assistant", "So."), ("user", "How?"), ("assistant", " ")]
    example = Example(tuple(Message(role=role, content=content) for role, content in turns), "rule")
    found = objection(example, QualityChoice())
    assert found is not None
    assert found.reason == "empty"


@pytest.mark.parametrize("text", ["\x00", "\ud800 lone", "a" * 100_000, "🙂" * 500, "\u202e abc", "١٢٣"])
def test_odd_texts_are_judged_too(text):
    answer_objection(text, text + " and more", QualityChoice())
    answer_objection("Why is that?", text, QualityChoice())
