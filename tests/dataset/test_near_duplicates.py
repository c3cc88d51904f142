import random

import pytest

from tui_tuner.dataset.near_duplicates import MOST_CANDIDATES, NearDuplicates

WORDS = [
    "river",
    "stone",
    "morning",
    "window",
    "garden",
    "letter",
    "winter",
    "music",
    "train",
    "silver",
    "market",
    "forest",
    "bridge",
    "candle",
    "harbour",
]


def known(*texts, threshold=0.8):
    index = NearDuplicates(threshold)
    for text in texts:
        index.add(text)
    return index


@pytest.mark.parametrize(
    "text",
    [
        "How do I reset my WordPress password?",
        "how do I reset my wordpress password",
        "How do I reset  my WordPress password??",
        "How do I reset my WordPress passwords?",
    ],
)
def test_what_hardly_differs_is_found(text):
    assert known("What is a plugin?", "How do I reset my WordPress password?").like(text) == 1


@pytest.mark.parametrize(
    "text",
    [
        "How do I change my WordPress password?",
        "Can I export all my posts at once?",
        "How do I reset my WordPress password in version 3?",
        "",
        "?!",
        "x",
    ],
)
def test_what_asks_something_else_is_not(text):
    assert known("How do I reset my WordPress password?").like(text) is None


def test_other_numbers_make_another_question():
    index = known("What does the installation guide say about step 3?")
    assert index.like("What does the installation guide say about step 4?") is None
    assert index.like("What does the installation guide say about steps 3?") == 0


def test_a_lower_threshold_finds_more():
    one, other = "How do I reset my WordPress site password?", "How do I reset a WordPress site password?"
    assert known(one, threshold=0.9).like(other) is None
    assert known(one, threshold=0.7).like(other) == 0


def test_adding_says_what_it_resembles_and_keeps_the_places():
    index = NearDuplicates(0.8)
    texts = [
        "Where is the harbour of this town?",
        "Why?",
        "Where is the harbour of that town",
        "where is the harbour of this town",
    ]
    assert [index.add(text) for text in texts] == [None, None, None, 0]
    assert len(index) == 4


def test_each_of_many_texts_is_found_again_by_a_text_that_hardly_differs():
    chance = random.Random(0)
    texts = [" ".join(chance.choices(WORDS, k=30)) for _number in range(300)]
    index = known(*texts)
    assert [index.like(f"{text} indeed") for text in texts] == list(range(300))


def test_more_alike_texts_than_are_compared_do_not_hide_an_equal_one():
    texts = [
        f"Is the {chr(97 + n % 26)}{chr(97 + n // 26)} bridge open on Sundays all year round?"
        for n in range(MOST_CANDIDATES * 3)
    ]
    index = known(*texts)
    assert all(index.like(text) == place for place, text in enumerate(texts))
