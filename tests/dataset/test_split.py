import random

import pytest

from tui_tuner.dataset.examples import asked_and_answered
from tui_tuner.dataset.split import split_examples
from tui_tuner.errors import DatasetError


def written(number):
    return [asked_and_answered(f"How do I count to {n}?", f"By {n} steps.", "rule") for n in range(number)]


SEEDS = tuple(asked_and_answered(f"Is {n} enough?", "Yes.", "seed") for n in range(16))


def test_the_same_seed_gives_the_same_split_in_whatever_order_the_answers_came():
    examples = written(40)
    mixed = random.Random(3).sample(examples, len(examples))
    settings = {"valid_fraction": 0.1, "batch_size": 4}
    split = split_examples(SEEDS, examples, **settings, seed=7)
    assert split_examples(SEEDS, mixed, **settings, seed=7) == split
    assert split_examples(SEEDS, examples, **settings, seed=8) != split


def test_seed_examples_are_trained_on_and_nothing_is_lost_or_on_both_sides():
    split = split_examples(SEEDS, written(24), valid_fraction=0.25, batch_size=4, seed=0)
    assert (len(split.train), len(split.valid)) == (30, 10)
    assert set(map(id, SEEDS)) <= set(map(id, split.train))
    questions = [example.question for example in (*split.train, *split.valid)]
    assert len(set(questions)) == len(questions) == 40


@pytest.mark.parametrize(
    ("examples", "batch_size", "train", "valid"),
    [(2, 4, 1, 1), (3, 1, 2, 1), (5, 4, 4, 1), (10, 9, 9, 1), (10, 4, 6, 4), (10, 20, 9, 1)],
)
def test_at_least_one_is_held_out_and_a_batch_is_left_where_possible(examples, batch_size, train, valid):
    split = split_examples((), written(examples), valid_fraction=0.4, batch_size=batch_size, seed=0)
    assert (len(split.train), len(split.valid)) == (train, valid)


def test_with_nothing_else_to_hold_out_seed_examples_are():
    split = split_examples(SEEDS, [], valid_fraction=0.1, batch_size=4, seed=0)
    assert (len(split.train), len(split.valid)) == (14, 2)


def test_a_question_answered_twice_or_known_as_a_seed_counts_once():
    twice = [*written(5), asked_and_answered("how do i count to 3", "Again.", "rule"), SEEDS[0]]
    split = split_examples(SEEDS, twice, valid_fraction=0.1, batch_size=4, seed=0)
    assert len(split.train) + len(split.valid) == 16 + 5


def test_one_example_is_not_enough():
    with pytest.raises(DatasetError):
        split_examples((), written(1), valid_fraction=0.1, batch_size=1, seed=0)
