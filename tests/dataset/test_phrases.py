from collections import Counter

from tui_tuner.choices import OPENING_PHRASES
from tui_tuner.dataset.phrases import Phrases


def test_every_phrase_is_due_equally_often():
    due = Counter(Phrases(OPENING_PHRASES, [], seed=1).due(3 * len(OPENING_PHRASES)))
    assert set(due.values()) == {3}


def test_phrases_already_used_wait_for_the_others():
    phrases = Phrases(["Can I", "How do I", "Why"], ["Can I swim?", "Can I run?", "How do I swim?"], seed=1)
    assert Counter(phrases.due(3)) == {"Why": 2, "How do I": 1}


def test_the_longest_phrase_is_the_one_that_counts():
    phrases = Phrases(["Can I", "Can I change"], [], seed=1)
    assert phrases.opening_of("can i change my name?") == "Can I change"
    assert phrases.opening_of("Can I sing?") == "Can I"
    assert phrases.opening_of("Can icebergs sing?") == ""


def test_a_phrase_that_never_works_is_asked_for_less_often():
    phrases = Phrases(["Good", "Bad"], [], seed=1)
    asked = Counter()
    for number in range(60):
        (phrase,) = phrases.due(1)
        asked[phrase] += 1
        if phrase == "Good":
            phrases.count(f"Good {number}?")
        else:
            phrases.failed("Bad")
    assert asked["Good"] >= 19
    assert phrases.used == {"Good": asked["Good"]}


def test_without_phrases_questions_open_freely():
    assert Phrases(["", " "], [], seed=1).due(2) == ["", ""]


def test_an_opening_phrase_alone_asks_nothing():
    phrases = Phrases(["Can I", "What is"], [], seed=1)
    assert phrases.asks_nothing("What is ...?")
    assert not phrases.asks_nothing("What is SEO?")
