import dataclasses
from pathlib import Path

import pytest
import tiny_model
import tiny_project

from tui_tuner.dataset.examples import Example, asked_and_answered
from tui_tuner.dataset.learning import Learning
from tui_tuner.dataset.learning_plan import plan_learning
from tui_tuner.dataset.review_tokens import SLICE, count_tokens
from tui_tuner.errors import DatasetError, Stopped
from tui_tuner.files import read_json_lines
from tui_tuner.progress import StopToken


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return tiny_project.make(tmp_path_factory.mktemp("project"))


def counted(project, conversations, stop=None):
    found: list[dict[str, int]] = []
    model = Path(project.choices.model.name)
    count_tokens(project, model, conversations, take=found.append, stop=stop or StopToken())
    return found


@pytest.mark.parametrize("form", ["messages", "completions", "text", "guide"])
def test_they_are_as_many_as_training_reads_of_the_same_rows(project, form):
    project = project.with_settings("dataset", {"format": form})
    examples = [Example.from_row(row, "") for row in read_json_lines(project.data / "train.jsonl")[0]]
    found = counted(project, [(str(place), one) for place, one in enumerate(examples)])
    plan = plan_learning(project, Path(project.choices.model.name))
    learning = Learning(dataclasses.replace(plan, choice=dataclasses.replace(plan.choice, mask_prompt=True)))
    if form == "messages":
        rows: list[int] = []
        learning.measure(
            "train",
            emit=lambda event: rows.extend(row.tokens for row in getattr(event, "rows", ())),
            stop=StopToken(),
        )
        assert list(found[0].values()) == rows
    assert all(len(one.question) < tokens for one, tokens in zip(examples, found[0].values(), strict=True))


def test_they_come_in_slices_and_can_be_stopped(project):
    one = asked_and_answered("Why?", "Because.", "rule")
    found = counted(project, [(str(place), one) for place in range(SLICE + 1)])
    assert [len(some) for some in found] == [SLICE, 1]
    assert {tokens for some in found for tokens in some.values()} == set(found[1].values())
    stop = StopToken()
    stop.request()
    with pytest.raises(Stopped):
        counted(project, [("a", one)], stop)


def test_what_follows_counts_and_what_the_template_refuses_has_none(project, tmp_path):
    one = asked_and_answered("Why?", "Because.", "rule")
    longer = one.followed_by(asked_and_answered("And then?", "Nothing.", "rule").messages)
    asked = one.followed_by(longer.messages[2:3])  # a refused question: it ends with the user
    (found,) = counted(project, [("one", one), ("longer", longer), ("asked", asked)])
    assert 0 < found["one"] < found["asked"] < found["longer"]
    refusing = "{% for message in messages %}{{ raise_exception('no') }}{% endfor %}"
    model = tiny_model.make(tmp_path / "refusing", template=refusing)
    assert counted(project.with_settings("model", {"name": str(model)}), [("one", one)]) == [{"one": 0}]
    bare = tiny_model.make(tmp_path / "bare", template=None)
    with pytest.raises(DatasetError, match="no chat template"):
        counted(project.with_settings("model", {"name": str(bare)}), [("one", one)])
