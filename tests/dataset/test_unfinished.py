"""Questions that break off are not kept, and good ones in whatever language are."""

import json

import pytest
from dataset.teachers_by_rule import Heard, RuleTeacher, plan_in

from tui_tuner.choices import OPENING_PHRASES, UNFINISHED_ENDINGS
from tui_tuner.dataset.instructions import write_instructions
from tui_tuner.dataset.unfinished import unfinished_word
from tui_tuner.progress import Notice, StopToken

ENDS = """the site|WordPress|a new page|my account|this for|it made of|you from|I log in to|that about|an image
vitamin A|vitamin a|plan a|hepatitis a|the difference between a and the|the word the|the article an|"the"|'a'
it like|they talking about|I paid for|option (a)|series a|Schedule A|it all|yours|mine|theirs|ours""".replace(
    "\n", "|"
).split("|")
OTHERS = """Qu'est-ce qu'il y a ?|Quel âge a-t-il ?|Combien de pages y en a ?|Il y en a ?|Qui l'a ?|Où est-ce qu'on va ?
Wann fängt es an?|Wie fange ich an?|Kommst du an?|Was geht dich das an?|Will er an?|Woran liegt es?|Was ziehe ich an?
Wo melde ich mich an?|Wie rufe ich dich an?|Wie schalte ich es an?|Was ist das?|Wer ist da?|Worum geht es?|Wie heißt du?
¿Cómo se llega a?|¿Qué hay?|¿A quién le das la?|¿Dónde está la?|¿Qué es una página?|¿Cuánto cuesta?|¿Y tú?|¿Quién va?
Onde fica a?|O que é isso?|Quem vem lá?|Como posso mudar a senha?|Do que se trata a?|Che cos'è?|A chi serve?|Dove va?
Chi l'ha?|Cosa c'è a?|Hvor er du?|Hva heter du?|I hvilken by bor du?|Er det en bok?|Kan jeg bytte tema?|Vad är det?
Hur mår du?|Var bor du?|Heb je er een?|Is er een?|Waar is een?|Hoe heet je?|Was is het?|Mikä tämä on?|Missä hän on?
Co to jest a?|Do kogo to?|Kde je a?|Jak to zrobić?|Hol van a?|Mi ez a?|Ki az az a?|Bu ne?|Nasıl eklerim?|Can nerede?
Где он?|Как добавить страницу?|Что это такое?|图书馆在哪里？|这是什么？|これは何ですか？|駅はどこですか？
이것은 무엇입니까?|ما هذا؟|أين المكتبة؟|איפה הספרייה?|यह क्या है?|นี่คืออะไร?
Đây là gì?|Ini apa?|Di mana a?|Nini hii?|Πού είναι;""".replace("\n", "|").split("|")


def good_questions():
    english = [f"{phrase} {end}?" for place, phrase in enumerate(OPENING_PHRASES) for end in ENDS[place % 4 :: 4]]
    return [*english, *(f"What is {end}?" for end in ENDS), *OTHERS]


def test_none_of_two_hundred_good_questions_is_refused():
    questions = good_questions()
    assert len(set(questions)) >= 200
    assert [question for question in questions if unfinished_word(question, UNFINISHED_ENDINGS)] == []


@pytest.mark.parametrize(
    ("question", "word"),
    [
        ("What is a?", "a"),
        ("How to the?", "the"),
        ("How do I add the ?", "the"),
        ("Is it okay to use a?", "a"),
        ("Can I change my", "my"),
        ("I need to open your…", "your"),
        ("What are the best plugins for every?", "every"),
        ("How do I build an?", "an"),
    ],
)
def test_what_breaks_off_is_seen(question, word):
    assert unfinished_word(question, UNFINISHED_ENDINGS) == word
    assert unfinished_word(question, ()) == ""


def test_a_run_does_not_keep_them_and_says_how_many(tmp_path):
    listed = ["What is a?", "How do I add the?", "What is a number?", "How do I count sheep?"]
    heard = Heard()
    teacher = RuleTeacher(questions=lambda _request: json.dumps(listed), continues=False)
    kept = write_instructions(plan_in(tmp_path, instructions=2), teacher, emit=heard.append, stop=StopToken())
    assert kept == listed[2:]
    told = [notice.text for notice in heard.of(Notice)]
    assert any("2 questions break off" in text and "What is a?" in text for text in told)
