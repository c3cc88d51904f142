"""The samples: right answers, and a training that does not notice them."""

from __future__ import annotations

import dataclasses

import mlx.core as mx
import pytest
from mlx_lm.tuner.utils import linear_to_lora_layers
from training.school import QUICK, chat, rows, write_rows

from tui_tuner.dataset.held_out import held_out_openings, held_out_questions
from tui_tuner.errors import Stopped
from tui_tuner.models.generation import batch_replies
from tui_tuner.models.loading import apply_adapter, load_model
from tui_tuner.models.replies import Sampling
from tui_tuner.progress import Notice, StopToken
from tui_tuner.training import samples
from tui_tuner.training.checkpoint import CHECKPOINTS
from tui_tuner.training.events import SampleAnswered, TrainingPaused, TrainStep, Validation
from tui_tuner.training.history import read_history
from tui_tuner.training.random_key import random_key
from tui_tuner.training.samples import Sampler, messages_of, sample_prompts

DROPOUT = dataclasses.replace(QUICK, dropout=0.1, samples=3, sample_tokens=12)


def without_moments(found):
    return [dataclasses.replace(sample, time=0.0) for sample in found]


def plainly_answered(model, adapter, plan):
    loaded = load_model(model)
    if adapter is not None:
        apply_adapter(loaded.model, adapter)
    prompts = sample_prompts(plan.choice, plan.data, loaded)
    found = {}
    sampling = Sampling(plan.choice.sample_tokens)
    batch_replies(loaded, [messages_of(turns) for turns in prompts], sampling, found.__setitem__, StopToken())
    return [found[place].text for place in range(len(prompts))]


@pytest.mark.parametrize("layers", [2, -1], ids=["with kept states", "all layers"])
def test_the_answers_are_those_of_the_plain_model_with_the_adapter_as_it_was(school, layers):
    choice = dataclasses.replace(DROPOUT, learning_rate=1e-2, num_layers=layers)
    plan = school.plan(choice=choice, valid=rows(5, begin=20))
    for last in (4, 8, 12):
        longer = dataclasses.replace(plan, choice=dataclasses.replace(choice, iters=last))
        school.train(longer)
        kept = plan.run / CHECKPOINTS / str(last)
        answers = [sample.answer for sample in school.seen(SampleAnswered) if sample.iteration == last]
        assert len(answers) == 3
        assert answers == plainly_answered(plan.model, kept, plan)
    first = [sample.answer for sample in school.seen(SampleAnswered) if sample.iteration == 0]
    assert first == plainly_answered(plan.model, None, plan)
    assert first != answers, "the model has changed"


def test_losses_and_adapter_are_the_same_to_the_bit_with_samples_and_without(school):
    asked = school.plan(run="asked", choice=DROPOUT)
    school.train(asked)
    silent = school.plan(run="silent", choice=dataclasses.replace(DROPOUT, samples=0))
    school.train(silent)
    one, other = read_history(asked.run), read_history(silent.run)

    assert (len(one.samples), len(other.samples)) == (12, 0)
    assert (one.train, one.valid, one.gradient_norm) == (other.train, other.valid, other.gradient_norm)
    name = "adapters.safetensors"
    assert (asked.run / name).read_bytes() == (silent.run / name).read_bytes()


def test_no_random_number_is_drawn_and_the_model_stays_in_training(tiny):
    loaded = load_model(tiny)
    loaded.model.freeze()
    linear_to_lora_layers(loaded.model, 2, {"rank": 4, "dropout": 0.5, "scale": 20.0})
    loaded.model.train()
    mx.random.seed(7)
    before = random_key()
    heard = []
    sampler = Sampler(loaded, [(("user", "why?"),)], 5)
    for iteration in (3, 4):
        sampler.answer(iteration, tell=heard.append, stop=StopToken())

    assert random_key() == before
    assert all(module.training for module in loaded.model.modules())
    assert (heard[0].iteration, heard[0].place, heard[0].prompt) == (3, 0, "why?")
    assert heard[0].answer == heard[1].answer, "dropout is off"


def test_a_stop_while_answering_asks_again_later_and_changes_nothing(school, monkeypatch):
    whole = school.plan(run="whole", choice=DROPOUT)
    school.train(whole)
    plan = school.plan(run="stopped", choice=DROPOUT)
    ask = Sampler._ask

    def stopped(self, replies, stop):
        ask(self, replies, stop)
        if school.seen(TrainStep):
            raise Stopped("while it answered")

    school.events.clear()
    monkeypatch.setattr(Sampler, "_ask", stopped)
    with pytest.raises(Stopped):
        school.train(plan)
    assert [sample.iteration for sample in school.seen(SampleAnswered)] == [0, 0, 0]
    monkeypatch.undo()
    school.train(plan)

    one, other = read_history(plan.run), read_history(whole.run)
    assert without_moments(one.samples) == without_moments(other.samples)
    assert (one.train, one.valid) == (other.train, other.valid)


def test_a_stop_after_the_answers_does_not_ask_again(school):
    plan = school.plan(choice=DROPOUT)
    with pytest.raises(Stopped):
        school.train(plan, stop_when=lambda event: isinstance(event, Validation) and event.iteration == 4)
    school.train(plan)
    asked = [(sample.iteration, sample.place) for sample in read_history(plan.run).samples]
    assert asked == [(iteration, place) for iteration in (0, 4, 8, 12) for place in range(3)]


def test_a_pause_while_answering_waits_as_between_two_steps(school):
    plan = school.plan(choice=DROPOUT)
    asked_after: list[int] = []

    def pause(event):
        # Paused right after the fourth step: the next question for the token comes from the samples.
        if isinstance(event, TrainStep) and event.iteration == 4:
            school.stop.pause()
        if isinstance(event, TrainingPaused):
            asked_after.append(event.iteration)
            school.stop.unpause()
        return False

    school.train(plan, stop_when=pause)
    assert asked_after == [4]
    places = [type(event).__name__ for event in school.events if getattr(event, "iteration", None) == 4]
    assert places.index("TrainingContinued") < places.index("SampleAnswered")


def test_a_model_that_cannot_answer_is_trained_all_the_same(school, monkeypatch):
    def no_memory(*_arguments, **_named):
        raise RuntimeError("[malloc] Unable to allocate 123 bytes.")

    monkeypatch.setattr(samples, "batch_replies", no_memory)
    assert school.train(school.plan()).finished
    assert [notice.level for notice in school.seen(Notice) if "no samples" in notice.text] == ["warning"]


def test_what_is_asked(tiny, tmp_path):
    loaded = load_model(tiny)
    long, system = chat("why " * 100, "so"), chat("and you?", "me too")
    system["messages"].insert(0, {"role": "system", "content": "be brief"})
    write_rows(tmp_path / "valid.jsonl", [long, chat("one?", "1", "two?", "2"), chat("one?", "uno"), system, [], b"{"])

    def asked(**settings):
        choice = dataclasses.replace(QUICK, max_seq_length=200, **settings)
        return sample_prompts(choice, tmp_path, loaded)

    one, brief = (("user", "one?"),), (("system", "be brief"), ("user", "and you?"))
    assert asked(samples=5) == [one, brief]
    assert asked(samples=1) == [one]
    assert asked(samples=0) == asked(samples=0, sample_prompts=("mine?",)) == []
    assert asked(samples=2, sample_prompts=(" mine? ", "", "x" * 300, "other?")) == [
        (("user", "mine?"),),
        (("user", "other?"),),
    ]


def test_a_model_without_a_chat_template_is_not_asked(school, tmp_path):
    import tiny_model

    bare = tiny_model.make(tmp_path / "bare", template=None)
    plan = school.plan(train=[{"text": "aye aye"}] * 4, valid=[{"text": "no"}], model=bare)
    assert school.train(plan).finished
    assert school.seen(SampleAnswered) == []


def test_questions_of_texts_are_in_the_report(tmp_path):
    write_rows(tmp_path / "valid.jsonl", [{"text": "[INST] Why? [/INST] So."}])
    assert list(held_out_openings(tmp_path)) == []
    (tmp_path / "report.json").write_text('{"held_out_questions": ["Why?", 7, "Why?", "How?"]}')
    assert held_out_questions(tmp_path, 5) == ("Why?", "How?")
    assert held_out_questions(tmp_path, 1) == ("Why?",)


def test_without_a_dataset_there_is_nothing_to_ask(tmp_path):
    assert held_out_questions(tmp_path, 5) == ()
