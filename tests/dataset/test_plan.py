import pytest
from dataset.teachers_by_rule import SEEDS

from tui_tuner.dataset.plan import plan_dataset
from tui_tuner.errors import DatasetError
from tui_tuner.files import write_json, write_json_lines
from tui_tuner.project import create_project


def test_a_plan_needs_a_topic_or_questions_or_examples(tmp_path):
    project = create_project(tmp_path / "p")
    with pytest.raises(DatasetError) as caught:
        plan_dataset(project)
    assert "topic" in caught.value.advice
    assert plan_dataset(project.with_settings("dataset", {"topic": "counting"})).choice.topic == "counting"
    write_json(project.data / "instructions.json", ["Why?"])
    assert plan_dataset(project).seed_examples == ()


def test_a_plan_takes_the_seed_examples_and_the_batch_size_of_the_training(tmp_path):
    project = create_project(tmp_path / "p").with_settings("training", {"batch_size": "6"})
    write_json_lines(project.data / "seeds.jsonl", [example.as_row() for example in SEEDS])
    plan = plan_dataset(project)
    assert (plan.seed_examples, plan.batch_size, plan.data) == (SEEDS, 6, project.data)


def test_seeds_differ_by_part_and_by_the_choice(tmp_path):
    project = create_project(tmp_path / "p").with_settings("dataset", {"topic": "counting"})
    plan = plan_dataset(project)
    other = plan_dataset(project.with_settings("dataset", {"topic": "counting", "seed": "1"}))
    assert plan.seed_of("answer", 1) == plan_dataset(project).seed_of("answer", 1)
    assert len({plan.seed_of("answer", 1), plan.seed_of("answer", 2), other.seed_of("answer", 1)}) == 3
