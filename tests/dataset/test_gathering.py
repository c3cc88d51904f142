import random

import pytest

from tui_tuner.dataset.examples import Example, asked_and_answered
from tui_tuner.dataset.gathering import gather
from tui_tuner.errors import Stopped
from tui_tuner.models.prompts import Message
from tui_tuner.progress import StopToken

GARDEN = "How often do I water the roses behind the old garden wall?"


def example(question, source="rule"):
    return asked_and_answered(question, "Often.", source)


def gathered(seeds=(), imported=(), answered=(), near_duplicate=0.8):
    return gather(seeds, imported, answered, near_duplicate=near_duplicate, stop=StopToken())


def test_seed_examples_go_before_what_was_brought_along_and_that_before_answers():
    seed, brought, answer = (example(f"{GARDEN}{mark}", mark) for mark in ("", "!", " ?"))
    found = gathered([seed], [brought], [answer])
    assert found.kept == ()
    assert [(one.example.source, one.resembles) for one in found.set_aside] == [("!", GARDEN), (" ?", GARDEN)]
    assert gathered([], [brought], [answer]).kept == (brought,)


def test_the_order_in_which_answers_were_finished_does_not_matter():
    answers = [example(f"{opening} {GARDEN[4:]}") for opening in ("How", "Hows", "Howso")] + [example("Why?")]
    mixed = random.Random(1).sample(answers, len(answers))
    assert gathered(answered=answers) == gathered(answered=mixed)
    assert len(gathered(answered=answers).kept) == 2


def test_a_threshold_of_one_sets_only_equal_questions_aside():
    pair = [example(GARDEN), example(GARDEN.replace("roses", "rosess")), example(GARDEN.upper())]
    assert len(gathered(imported=pair, near_duplicate=1).kept) == 2


def test_conversations_that_only_begin_alike_are_both_kept():
    def chat(second):
        turns = [("user", "Hello!"), ("assistant", "Hello."), ("user", second), ("assistant", "Yes.")]
        return Example(tuple(Message(role=role, content=content) for role, content in turns), "rule")

    assert len(gathered(imported=[chat("Is rain wet?"), chat("May I pay by card?"), chat("Is rain wet")]).kept) == 2


def test_it_can_be_stopped():
    stop = StopToken()
    stop.request()
    with pytest.raises(Stopped):
        gather([], [example(GARDEN)], [], near_duplicate=0.8, stop=stop)
