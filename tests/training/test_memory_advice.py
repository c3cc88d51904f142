"""Settings that do not fit, and the nearest that do."""

from __future__ import annotations

import pytest

from tui_tuner.choices import TrainingChoice
from tui_tuner.training.memory_advice import advice_in_words, changes_that_fit, surely_too_much, tight
from tui_tuner.training.memory_estimate import MemoryEstimate

CHOICE = TrainingChoice(batch_size=4, num_layers=16, max_seq_length=2048)


def needs(choice: TrainingChoice) -> MemoryEstimate:
    """Weights of 100, and 1 for each row, layer and 256 tokens; checkpointing halves that."""
    layers = choice.batch_size * choice.num_layers * choice.max_seq_length // 256
    return MemoryEstimate(100, 0, 0, 0, layers // (2 if choice.grad_checkpoint else 1), 0, choice.batch_size, 10)


def words(limit: int, choice: TrainingChoice = CHOICE) -> list[str]:
    return [change.words for change in changes_that_fit(choice, needs, limit, 30)]


def test_what_fits_and_what_surely_does_not():
    assert needs(CHOICE).total == 612
    assert not tight(needs(CHOICE), 700)
    assert tight(needs(CHOICE), 650) and not surely_too_much(needs(CHOICE), 650)
    assert tight(needs(CHOICE), 540) and not surely_too_much(needs(CHOICE), 540)
    assert surely_too_much(needs(CHOICE), 500)


def test_the_nearest_change_of_each_kind_is_offered_and_a_smaller_batch_keeps_its_rows_per_update():
    changes = changes_that_fit(CHOICE, needs, 450, 30)
    assert [change.words for change in changes] == [
        "batch_size 4 → 2, grad_accumulation_steps 1 → 2",
        "grad_checkpoint on",
        "num_layers 16 → 8",
    ]
    assert changes[0].choice.batch_size * changes[0].choice.grad_accumulation_steps == 4
    assert all(not tight(needs(change.choice), 450) for change in changes)
    assert advice_in_words(changes).startswith("What fits: batch_size 4 → 2")


def test_it_goes_no_further_than_it_must():
    assert words(260) == [
        "batch_size 4 → 1, grad_accumulation_steps 1 → 4",
        "num_layers 16 → 4",
        "max_seq_length 2,048 → 512",
    ]


def test_where_one_change_is_not_enough_several_are():
    together = "batch_size 4 → 1, grad_accumulation_steps 1 → 4, grad_checkpoint on, num_layers 16 → 4"
    assert words(130) == [together]
    assert words(123) == [f"{together}, max_seq_length 2,048 → 1,024"]


def test_where_nothing_helps_a_smaller_model_does():
    assert words(90) == []
    assert "smaller base model" in advice_in_words([])


@pytest.mark.parametrize("size", [3, 5])
def test_an_odd_batch_is_reduced_one_by_one(size):
    from dataclasses import replace

    smaller = words(100 + (size - 1) * 150, replace(CHOICE, batch_size=size))[0]
    assert smaller == f"batch_size {size} → {size - 1}"
