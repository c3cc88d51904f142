import random

import pytest

from tui_tuner.dataset.examples import asked_and_answered
from tui_tuner.dataset.near_duplicates import NearDuplicates
from tui_tuner.dataset.split import Shares, split_examples
from tui_tuner.errors import DatasetError


def written(number):
    return [asked_and_answered(f"How do I count to {n}?", f"By {n} steps.", "rule") for n in range(number)]


SEEDS = tuple(asked_and_answered(f"Is {n} enough?", "Yes.", "seed") for n in range(16))


def test_the_same_seed_gives_the_same_split_in_whatever_order_the_answers_came():
    examples = written(40)
    mixed = random.Random(3).sample(examples, len(examples))
    shares = Shares(0.1, 0.1, batch_size=4)
    split = split_examples(SEEDS, examples, shares, seed=7)
    assert split_examples(SEEDS, mixed, shares, seed=7) == split
    assert split_examples(SEEDS, examples, shares, seed=8) != split


def test_seed_examples_are_trained_on_and_nothing_is_lost_or_on_both_sides():
    split = split_examples(SEEDS, written(24), Shares(0.25, batch_size=4), seed=0)
    assert (len(split.train), len(split.valid)) == (30, 10)
    assert set(map(id, SEEDS)) <= set(map(id, split.train))
    questions = [example.question for example in (*split.train, *split.valid)]
    assert len(set(questions)) == len(questions) == 40


@pytest.mark.parametrize(
    ("examples", "batch_size", "train", "valid"),
    [(2, 4, 1, 1), (3, 1, 2, 1), (5, 4, 4, 1), (10, 9, 9, 1), (10, 4, 6, 4), (10, 20, 9, 1)],
)
def test_at_least_one_is_held_out_and_a_batch_is_left_where_possible(examples, batch_size, train, valid):
    split = split_examples((), written(examples), Shares(0.4, batch_size=batch_size), seed=0)
    assert (len(split.train), len(split.valid)) == (train, valid)


def test_with_nothing_else_to_hold_out_seed_examples_are():
    split = split_examples(SEEDS, [], Shares(0.1, batch_size=4), seed=0)
    assert (len(split.train), len(split.valid)) == (14, 2)


def test_a_question_answered_twice_or_known_as_a_seed_counts_once():
    twice = [*written(5), asked_and_answered("how do i count to 3", "Again.", "rule"), SEEDS[0]]
    split = split_examples(SEEDS, twice, Shares(0.1, batch_size=4), seed=0)
    assert len(split.train) + len(split.valid) == 16 + 5


def test_one_example_is_not_enough():
    with pytest.raises(DatasetError):
        split_examples((), written(1), Shares(0.1, batch_size=1), seed=0)


def variants(number):
    """As many questions, each twice with hardly a difference."""
    topics = random.Random(1).sample(range(10_000), number)
    return [
        asked_and_answered(
            f"{opening} the {topic} paintings in the long gallery downstairs be cleaned?", "Gently.", "rule"
        )
        for topic in topics
        for opening in ("How should all of", "How shall all of")
    ]


@pytest.mark.parametrize("seed", range(5))
def test_near_duplicates_are_never_on_different_sides(seed):
    split = split_examples((), variants(30), Shares(0.2, 0.2, batch_size=4), seed=seed)
    assert len(split.train) + len(split.valid) + len(split.test) == 60
    sides = [
        {example.question.split(" the ")[1] for example in part} for part in (split.train, split.valid, split.test)
    ]
    assert all(
        len(side) == len(part) / 2 for side, part in zip(sides, (split.train, split.valid, split.test), strict=True)
    )
    assert sides[0].isdisjoint(sides[1]) and sides[0].isdisjoint(sides[2]) and sides[1].isdisjoint(sides[2])


def test_what_resembles_a_seed_example_is_trained_on_with_it():
    examples = variants(10)
    split = split_examples(examples[:1], examples[1:], Shares(0.3), seed=0)
    assert all(example in split.train for example in examples[:2])


def test_examples_that_are_all_alike_are_still_split():
    alike = [
        asked_and_answered(f"Why is the sky above the old harbour so blue{'?' * n}{' ja' * n}", "Air.", "rule")
        for n in range(2)
    ]
    split = split_examples((), alike, Shares(0.5, near_duplicate=0.7), seed=0)
    assert (len(split.train), len(split.valid)) == (1, 1)


@pytest.mark.parametrize(("examples", "valid"), [(20, 4), (19, 2), (100, 10)])
def test_a_whole_batch_is_held_out_where_enough_is_left_to_train_on(examples, valid):
    split = split_examples((), written(examples), Shares(0.1, batch_size=4), seed=0)
    assert (len(split.train), len(split.valid)) == (examples - valid, valid)


def test_a_part_is_kept_for_a_test_where_one_is_wanted():
    split = split_examples((), written(40), Shares(0.1, 0.25), seed=0)
    assert (len(split.train), len(split.valid), len(split.test)) == (26, 4, 10)
    assert split_examples((), written(40), Shares(0.1), seed=0).test == ()


def question_of(number):
    return " ".join(random.Random(number).choices([a + b for a in "bdfgklm" for b in "aeiou"], k=24))


@pytest.mark.parametrize("sizes", [[5, 1], [5, 1, 5], [1, 5, 5, 3, 3], [2, 2, 3, 1, 2, 2], [1] * 13, [1] * 7, [2] * 20])
@pytest.mark.parametrize("shares", [(0.01, 0.5), (0.5, 0.5), (0.1, 0.0), (0.3, 0.1)])
@pytest.mark.parametrize("batch_size", [1, 2, 4, 8])
def test_sizes_are_kept_however_many_questions_belong_together(sizes, shares, batch_size):
    examples = [
        asked_and_answered(f"{question_of(number)}{'!' * copy}{' now' * copy}", "Yes.", "rule")
        for number, size in enumerate(sizes)
        for copy in range(size)
    ]
    split = split_examples((), examples, Shares(*shares, batch_size=batch_size), seed=1)
    total = len(examples)
    assert len(split.train) + len(split.valid) + len(split.test) == total
    assert split.train and split.valid
    if total - min(sizes) >= batch_size:
        assert len(split.train) >= batch_size  # nothing is taken from it that a batch needs
    if total >= 5 * batch_size and min(sizes) == 1 == max(sizes):
        assert len(split.valid) >= batch_size
    if shares[1] and max(sizes) == 1 and total >= batch_size + 2:
        assert split.test  # neither part starves the other


def test_where_everything_resembles_a_seed_example_nothing_else_can_be_held_out():
    examples = variants(2)
    split = split_examples(examples[:1], examples[1:2], Shares(0.3), seed=0)
    assert len(split.train) + len(split.valid) == 2 and split.train


def test_what_resembles_two_that_do_not_resemble_each_other_brings_them_together():
    boats = "why do the old wooden boats in the harbour of this small town"
    ends = ("And", "rot in winter"), ("But", "sink in the winter rain"), ("So", "rot in the winter rain")
    chain = [asked_and_answered(f"{opening} {boats} {end}?", "So.", "rule") for opening, end in ends]
    known = NearDuplicates(0.75)
    assert [known.add(example.asked) for example in chain] == [None, None, 0]
    assert known.resembled_by(2) == (0, 1)
    for seed in range(6):
        split = split_examples((), [*written(9), *chain], Shares(0.4, near_duplicate=0.75), seed=seed)
        assert len({example in split.train for example in chain}) == 1


def test_texts_compared_already_are_not_compared_again(monkeypatch):
    examples = [*SEEDS[:3], *variants(10), *written(9)]
    known = NearDuplicates(0.8)
    for example in examples:
        known.add(example.asked)
    fresh = split_examples(examples[:3], examples[3:], Shares(0.3), seed=1)
    monkeypatch.setattr(NearDuplicates, "add", None)
    assert split_examples(examples[:3], examples[3:], Shares(0.3), seed=1, known=known) == fresh
