import random
from pathlib import Path

import pytest

from tui_tuner.choices import DatasetChoice, QualityChoice
from tui_tuner.dataset.examples import Example, asked_and_answered
from tui_tuner.dataset.gathering import gather
from tui_tuner.dataset.plan import DatasetPlan
from tui_tuner.dataset.review import Decision, identity
from tui_tuner.errors import Stopped
from tui_tuner.models.prompts import Message
from tui_tuner.progress import StopToken

GARDEN = "How often do I water the roses behind the old garden wall?"


def example(question, source="rule"):
    return asked_and_answered(question, "Often.", source)


def gathered(seeds=(), imported=(), answered=(), decisions=None, **quality):
    plan = DatasetPlan(Path("data"), DatasetChoice(), tuple(seeds), quality=QualityChoice(**quality))
    return gather(plan, imported, answered, decisions or {}, StopToken())


def test_seed_examples_go_before_what_was_brought_along_and_that_before_answers():
    seed, brought, answer = (example(f"{GARDEN}{mark}", mark) for mark in ("", "!", " ?"))
    found = gathered([seed], [brought], [answer])
    assert found.kept == ()
    assert [(one.example.source, one.objection.reason) for one in found.set_aside] == [
        ("!", "near_duplicate"),
        (" ?", "near_duplicate"),
    ]
    assert GARDEN in found.set_aside[0].objection.text
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
        gather(DatasetPlan(Path("data"), DatasetChoice()), [example(GARDEN)], [], {}, stop)


def test_a_person_goes_before_every_check():
    bad, good, twin = (
        asked_and_answered("Why is that so?", "As an AI language model, no.", "a"),
        example("Why?"),
        example("why"),
    )
    edited = asked_and_answered("Why is that so?", "Because of the wind.", "a")
    assert gathered(imported=[bad, good, twin]).kept == (good,)
    accepted = {
        identity(bad): Decision("accept"),
        identity(twin): Decision("accept"),
        identity(good): Decision("reject"),
    }
    found = gathered(imported=[bad, good, twin], decisions=accepted)
    assert found.kept == (bad, twin)
    assert found.reasons == {"by_hand": 1}
    assert gathered(imported=[bad], decisions={identity(bad): Decision("edit", edited)}).kept == (edited,)


def test_what_is_set_aside_keeps_its_reason():
    found = gathered(imported=[asked_and_answered("Why is that so?", "As an AI language model, no.", "mine.csv:3")])
    assert found.set_aside[0].as_row() == {
        **found.set_aside[0].example.as_row(),
        "source": "mine.csv:3",
        "id": identity(found.set_aside[0].example),
        "reason": "refusal",
        "detail": found.set_aside[0].objection.text,
    }
