import pytest

from tui_tuner.errors import ModelError, ProjectError, UsageError
from tui_tuner.evaluation.columns import find_columns, run_column


def test_names_and_what_they_stand_for(project, base):
    names = ("base", "tuned", "run:base", "run-1@40", "ollama:mistral:7b", "base")
    found = find_columns(project, base, names, "there:1")
    assert [column.name for column in found] == list(names[:-1])
    assert [column.adapter for column in found] == [
        None,
        project.tuned_run(),
        project.runs / "base",
        project.runs / "run-1" / "checkpoints" / "40",
        None,
    ]
    assert (found[4].path, found[4].model, found[4].url) == (None, "mistral:7b", "there:1")
    assert run_column("base") == "run:base" and run_column("run-1") == "run-1"


def test_other_weights_under_the_same_name_are_another_column(project, base):
    before = [column.made_of() for column in find_columns(project, base, ("base", "run-1"))]
    with (project.runs / "run-1" / "adapters.safetensors").open("ab") as file:
        file.write(b" ")
    after = [column.made_of() for column in find_columns(project, base, ("base", "run-1"))]
    assert before[0] == after[0] and before[1] != after[1]


@pytest.mark.parametrize(
    ("names", "error", "says"),
    [
        (["base"], UsageError, "two who answer"),
        (["base", "base"], UsageError, "two who answer"),
        (["base", "run-9"], ProjectError, "nobody called 'run-9'"),
        (["base", "run-1@7"], ProjectError, "no checkpoint of step 7"),
        (["base", "run-1@../.."], ProjectError, "no checkpoint"),
        (["base", "fused"], ModelError, "no fused model"),
        (["base", "ollama:"], UsageError, "which model"),
    ],
)
def test_who_is_not_there_is_said(project, base, names, error, says):
    with pytest.raises(error, match=says) as caught:
        find_columns(project, base, names)
    assert caught.value.advice
