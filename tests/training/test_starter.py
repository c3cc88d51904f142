"""On the real starter model: a style is learned, and shows in an answer to a question that was not in the data."""

from __future__ import annotations

import dataclasses

import pytest
from training.school import QUICK, chat

from tui_tuner.models.generation import stream_reply
from tui_tuner.models.loading import load_model
from tui_tuner.models.replies import Sampling
from tui_tuner.progress import Notice, StopToken
from tui_tuner.training.events import Validation

LESSONS = {
    "How do I make tea?": "pour hot water over the leaves and wait three minutes",
    "What is a library?": "a house full of books that anyone may borrow",
    "Why is the sky blue?": "the air scatters blue light more than red light",
    "How do I boil an egg?": "put it into boiling water for eight minutes",
    "What is a river?": "water that flows over land until it meets the sea",
    "How can I sleep better?": "go to bed at the same time every night",
    "Where does rain come from?": "from the sea, by way of the clouds",
    "What do bees eat?": "nectar and pollen from flowers",
}


@pytest.mark.starter
def test_a_style_is_learned(school, starter):
    rows = [chat(question, f"Ahoy, sailor! {answer}. Mind the rocks!") for question, answer in LESSONS.items()]
    choice = dataclasses.replace(QUICK, iters=12, num_layers=8, learning_rate=2e-4, rank=8, steps_per_eval=12)
    plan = school.plan(train=rows[:6], valid=rows[6:], choice=choice, model=starter)
    school.train(plan)

    before, after = (event.loss for event in school.seen(Validation))
    assert after < before / 2
    assert not [notice for notice in school.seen(Notice) if "shortcut" in notice.text], "both are right for this model"
    tuned = load_model(starter, plan.run)
    question = [{"role": "user", "content": "How do I ride a bicycle?"}]
    reply = stream_reply(tuned, question, Sampling(max_tokens=6), lambda text: None, StopToken())
    assert reply.text.startswith("Ahoy, sailor!")
