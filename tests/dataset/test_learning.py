"""What the model would learn from: counted as training counts, at the chosen sequence length and at others."""

import json

import pytest
import tiny_project

from tui_tuner.dataset.learning import Learning, RowsMeasured
from tui_tuner.dataset.learning_plan import plan_learning
from tui_tuner.dataset.token_counts import LengthRange, histogram, passes
from tui_tuner.errors import DatasetError, Stopped
from tui_tuner.models.loading import load_tokenizer
from tui_tuner.progress import StopToken, ignore_event
from tui_tuner.training.examples import read_examples

ROWS = [
    {"messages": [{"role": "user", "content": "q" * asked}, {"role": "assistant", "content": "a" * answered}]}
    for asked, answered in [(10, 20), (10, 400), (300, 5), (600, 30), (5, 1), (2500, 9)]
]
ROWS.append({"messages": [{"role": "user", "content": "and then?"}]})


@pytest.fixture
def project(tmp_path):
    project = tiny_project.make(tmp_path)
    (project.data / "train.jsonl").write_text("".join(json.dumps(row) + "\n\n" for row in ROWS))
    return project


def learning(project, **settings):
    for name, value in settings.items():
        project = project.with_settings("training", {name: value})
    return Learning(plan_learning(project, project.folder.parent / "model"))


@pytest.mark.parametrize("longest", ["64", "512", "2048", "9000"])
@pytest.mark.parametrize("mask", ["true", "false"])
def test_it_counts_what_training_trains_on_at_every_length(project, longest, mask):
    looked = learning(project, max_seq_length=longest, mask_prompt=mask)
    totals = looked.measure("train", emit=ignore_event, stop=StopToken())

    tokenizer = load_tokenizer(looked.plan.model)
    for at in totals.lengths:
        trained = read_examples(
            project.data / "train.jsonl",
            tokenizer,
            max_seq_length=at.length,
            mask_prompt=mask == "true",
            emit=ignore_event,
            stop=StopToken(),
        )
        cut = sum(example.cut for example in trained.usable)
        assert (at.cut, at.refused) == (cut, len(trained.refused))
        assert (at.tokens, at.learned) == (trained.tokens, trained.supervised)
        if at.length == int(longest):
            assert (totals.examples, totals.cut) == (len(trained.usable), cut)
            assert (totals.tokens, totals.learned) == (trained.tokens, trained.supervised)
            assert sum(totals.refused.values()) == len(trained.refused)
            assert totals.epochs == pytest.approx(6 / -(-len(trained.usable) // 2))
    without_tokens = 1 if mask == "true" else 0  # the row without an answer
    assert totals.rows == sum(one.examples for one in totals.histogram) + without_tokens


def test_it_says_row_by_row_why_one_is_not_trained_on(project):
    heard = []
    looked = learning(project, max_seq_length="512")
    looked.measure("train", emit=heard.append, stop=StopToken())
    rows = [row for event in heard if isinstance(event, RowsMeasured) for row in event.rows]
    assert [row.line for row in rows] == [1, 3, 5, 7, 9, 11, 13]
    assert [bool(row.refused) for row in rows] == [False, False, False, True, False, True, True]
    assert "512 tokens" in rows[3].refused
    assert "no answer" in rows[6].refused
    assert rows[6].tokens == 0


def test_the_other_files_count_too_and_only_training_has_passes(project):
    looked = learning(project)
    assert looked.parts == ("train", "valid")
    totals = looked.measure("valid", emit=ignore_event, stop=StopToken())
    assert (totals.rows, totals.examples, totals.epochs) == (2, 2, 0.0)


def test_it_stops_when_asked_to(project):
    stop = StopToken()
    stop.request()
    with pytest.raises(Stopped):
        learning(project).measure("train", emit=ignore_event, stop=stop)


def test_without_training_files_it_says_what_to_do(project):
    (project.data / "train.jsonl").unlink()
    with pytest.raises(DatasetError) as caught:
        learning(project)
    assert "tuner data" in caught.value.advice


def test_the_histogram_has_round_ranges_and_holds_every_example():
    found = histogram([0, 99, 100, 250, 799], 9)
    assert found[0] == LengthRange(0, 99, 2)
    assert [one.examples for one in found] == [2, 1, 1, 0, 0, 0, 0, 1]
    assert histogram([], 8) == ()


def test_a_single_giant_does_not_flatten_the_histogram():
    found = histogram([*range(100, 200), 90_000], 8)
    assert len(found) == 8
    assert sum(one.examples for one in found) == 101
    assert max(one.examples for one in found) <= 60
    assert (found[-1].last, found[-1].examples >= 1) == (90_000, True)


def test_few_steps_and_many_are_told_in_words(project):
    few = learning(project, iters="1").measure("train", emit=ignore_event, stop=StopToken())
    assert passes(few, 1) == "1 step sees 33% of them once"
    many = learning(project, iters="9").measure("train", emit=ignore_event, stop=StopToken())
    assert passes(many, 9) == "9 steps see each 3.0 times"
    assert passes(learning(project).measure("valid", emit=ignore_event, stop=StopToken()), 9) == ""
