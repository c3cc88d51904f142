"""Whether examples fit: in the base model's tokens, exactly as training will say, and in words without them."""

import dataclasses
import json
import random

import pytest
import tiny_model

from tui_tuner.choices import DatasetChoice, ModelChoice
from tui_tuner.dataset.examples import Example, asked_and_answered
from tui_tuner.dataset.make import make_dataset
from tui_tuner.dataset.plan import DatasetPlan
from tui_tuner.dataset.review import Decision, Review, identity
from tui_tuner.dataset.sequence_length import InTokens, InWords, divide, open_length_check
from tui_tuner.errors import Stopped
from tui_tuner.files import read_json, read_json_lines, write_json_lines
from tui_tuner.models.loading import load_tokenizer
from tui_tuner.models.prompts import Message
from tui_tuner.progress import Notice, StopToken, ignore_event
from tui_tuner.training.examples import read_examples

LONGEST = 200
SHORT, CUT, HOPELESS = (
    asked_and_answered(question, answer, "mine.csv:1")
    for question, answer in [
        ("Why?", "So."),
        ("How long?", " ".join(map(str, range(90)))),
        ("tell " * 60 + "me?", "No."),
    ]
)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny_model.make(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="module")
def tokenizer(model):
    return load_tokenizer(model)


def plan(data, model, **changes):
    choice = DatasetChoice(valid_fraction=0.2)
    return DatasetPlan(data, choice, max_seq_length=LONGEST, base_model=ModelChoice(name=str(model)), **changes)


def test_it_says_what_training_says(tokenizer, tmp_path):
    chance = random.Random(3)
    examples = [SHORT, CUT, HOPELESS]
    for _number in range(300):
        turns = []
        for _turn in range(chance.choice([1, 1, 2, 3])):
            letters = chance.choice(["a", "word ", "é", "日", "🚀", "ﷺ"])
            turns.append(Message(role="user", content=letters * chance.randint(1, 70)))
            turns.append(Message(role="assistant", content=letters * chance.randint(1, 70)))
        examples.append(Example(tuple(turns), ""))
    check = InTokens(tokenizer, LONGEST, mask_prompt=True)
    said = [check.objection(example) for example in examples]

    path = tmp_path / "train.jsonl"
    write_json_lines(path, [example.as_row() for example in examples])
    trained = read_examples(
        path, tokenizer, max_seq_length=LONGEST, mask_prompt=True, emit=ignore_event, stop=StopToken()
    )
    refused = {one.line: one.reason for one in trained.refused}
    assert {line for line, objection in enumerate(said, start=1) if objection} == refused.keys()
    assert {objection.reason for objection in said if objection} == {"too_long"}
    assert check.cut == {identity(examples[one.line - 1]) for one in trained.usable if one.cut}
    assert check.cut and refused


def test_short_examples_are_not_counted_at_all(tokenizer, monkeypatch):
    check = InTokens(tokenizer, LONGEST, mask_prompt=True)
    assert check.objection(SHORT) is None  # learns what the template puts around
    counted = []
    monkeypatch.setattr(check._encoder, "whole", lambda *row: counted.append(row))
    assert check.objection(asked_and_answered("Where?", "Here.", "")) is None
    assert counted == []


@pytest.mark.starter
def test_what_is_long_in_bytes_and_short_in_tokens_is_not_tokenized_whole(starter, monkeypatch):
    tokenizer = load_tokenizer(starter)
    check = InTokens(tokenizer, LONGEST, mask_prompt=True)
    assert check.objection(SHORT) is None
    whole = check._encoder.whole
    counted = []
    monkeypatch.setattr(check._encoder, "whole", lambda *row: counted.append(row) or whole(*row))
    words = "reading writing history language mountain different understand "
    for times, looked_at in ((5, 0), (40, 1)):
        example = asked_and_answered("Which words are long?", words * times, "")
        assert check.objection(example) is None
        assert (len(counted), identity(example) in check.cut) == (looked_at, looked_at > 0)


def test_a_template_that_refuses_the_turns_is_another_reason(tmp_path):
    refuses = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}"
    template = refuses + tiny_model.TEMPLATE
    check = InTokens(load_tokenizer(tiny_model.make(tmp_path, template=template)), LONGEST, mask_prompt=True)
    spoken = Example((Message(role="system", content="Be kind."), *SHORT.messages), "")
    found = check.objection(spoken)
    assert found is not None
    assert (found.reason, "no system" in found.text) == ("template", True)
    assert check.objection(SHORT) is None


def test_in_words_only_what_is_too_long_in_any_case_is():
    check = InWords(100)
    assert check.objection(asked_and_answered("Count!", " ".join(map(str, range(100))), "")).reason == "too_long"
    assert check.objection(asked_and_answered("Count!", " ".join(map(str, range(99))), "")) is None


def test_where_the_model_is_not_here_or_unfit_it_says_that_it_counts_words(tmp_path, model):
    def opened(base_model):
        said = []
        nothing = DatasetPlan(tmp_path, DatasetChoice(), base_model=base_model)
        return open_length_check(nothing, said.append).in_tokens, [notice.text for notice in said]

    assert opened(None) == (False, [])
    assert opened(ModelChoice(name=str(model))) == (True, [])
    in_tokens, said = opened(ModelChoice(name="/nowhere/at/all"))
    assert not in_tokens and "/nowhere/at/all is not on this machine" in said[0]
    silent = tiny_model.make(tmp_path / "silent", template=None)
    assert "no chat template" in opened(ModelChoice(name=str(silent)))[1][0]
    (silent / "tokenizer.json").write_text("{")
    assert "tokenizer" in opened(ModelChoice(name=str(silent)))[1][0]


def test_a_persons_decision_goes_before_it_and_it_can_be_stopped(tokenizer):
    check = InTokens(tokenizer, LONGEST, mask_prompt=True)
    decisions = {identity(HOPELESS): Decision("accept")}
    (kept,), aside = divide(check, [[HOPELESS, SHORT]], decisions, emit=ignore_event, stop=StopToken())
    assert (kept, aside) == ([HOPELESS, SHORT], [])
    stop = StopToken()
    stop.request()
    with pytest.raises(Stopped):
        divide(check, [[SHORT]], {}, emit=ignore_event, stop=stop)


def test_making_a_dataset_sets_aside_what_training_would_refuse(tmp_path, model):
    others = [asked_and_answered(f"What is {n} plus {n}?", f"{2 * n}.", "mine.csv:2") for n in range(10)]
    brought = [CUT, HOPELESS, *others]
    write_json_lines(tmp_path / "imported.jsonl", [{**one.as_row(), "source": one.source} for one in brought])
    heard = []
    report = make_dataset(plan(tmp_path, model), None, emit=heard.append, stop=StopToken())
    assert report.set_aside == {"too_long": 1}
    assert (report.imported, report.train + report.valid) == (12, 11)
    aside, _bad = read_json_lines(tmp_path / "set_aside.jsonl")
    assert [row["messages"][0]["content"] for row in aside] == [HOPELESS.question]
    assert "200 tokens" in aside[0]["detail"]
    texts = [event.text for event in heard if isinstance(event, Notice)]
    assert any("1 example is longer than 200 tokens" in text for text in texts)

    longer = dataclasses.replace(plan(tmp_path, model), max_seq_length=2048)
    assert make_dataset(longer, None, emit=ignore_event, stop=StopToken()).set_aside == {}


def test_what_was_decided_by_hand_is_learned_all_the_same(tmp_path, model):
    write_json_lines(tmp_path / "imported.jsonl", [one.as_row() for one in (SHORT, CUT, HOPELESS)])
    Review(tmp_path / "review.jsonl").decide(identity(HOPELESS), "accept")
    report = make_dataset(plan(tmp_path, model), None, emit=ignore_event, stop=StopToken())
    assert report.set_aside == {}
    assert (
        json.dumps(HOPELESS.as_row()) in (tmp_path / "train.jsonl").read_text() + (tmp_path / "valid.jsonl").read_text()
    )
    assert read_json(tmp_path / "report.json")["set_aside"] == {}


@pytest.mark.parametrize("form", ["messages", "completions", "text", "guide"])
def test_in_every_format_it_sets_aside_what_training_refuses_and_nothing_else(tmp_path, model, tokenizer, form):
    others = [asked_and_answered(f"What is {n} plus {n}?", f"{2 * n}.", "mine.csv:2") for n in range(10)]
    twice = Example((*others[0].messages, *HOPELESS.messages), "")
    write_json_lines(tmp_path / "imported.jsonl", [one.as_row() for one in (CUT, HOPELESS, twice, *others)])
    made = dataclasses.replace(plan(tmp_path, model), choice=DatasetChoice(valid_fraction=0.2, format=form))
    report = make_dataset(made, None, emit=ignore_event, stop=StopToken())
    # A text is learned from its beginning on, so that it is never too long, only cut.
    assert report.set_aside.get("too_long", 0) == (1 if form in ("messages", "completions") else 0)
    for name in ("train.jsonl", "valid.jsonl"):
        settings = {"max_seq_length": LONGEST, "mask_prompt": True, "emit": ignore_event, "stop": StopToken()}
        assert read_examples(tmp_path / name, tokenizer, **settings).refused == []
