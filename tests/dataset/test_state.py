import json
import shutil

import pytest
from dataset.teachers_by_rule import SEEDS, RuleTeacher, asks_for_follow_up, conversing, counting_answer

from tui_tuner.dataset.instructions import read_instructions
from tui_tuner.dataset.make import make_dataset
from tui_tuner.dataset.plan import plan_dataset
from tui_tuner.dataset.state import DatasetState, dataset_state
from tui_tuner.errors import Stopped
from tui_tuner.files import read_json_lines, write_json, write_json_lines, write_text
from tui_tuner.progress import StopToken, ignore_event
from tui_tuner.project import create_project, open_project, save_project


@pytest.fixture
def project(tmp_path):
    return create_project(tmp_path / "p").with_settings("dataset", {"topic": "counting", "instructions": "8"})


def make(project, teacher=None, stop=None):
    make_dataset(plan_dataset(project), teacher or RuleTeacher(), emit=ignore_event, stop=stop or StopToken())


def test_an_empty_project_is_new(project):
    assert dataset_state(project) == DatasetState(0, 0, 0, 8, 0, 0, "new")


def test_the_stages_follow_the_files(project):
    write_json(project.data / "instructions.json", ["Why count?", "Who counts?"])
    assert dataset_state(project).stage == "questions"
    stop = StopToken()

    def say(request):
        if len(teacher.asked) > 12:
            stop.request()
        return counting_answer(request)

    teacher = RuleTeacher(answers=say, at_once=1)
    with pytest.raises(Stopped):
        make(project, teacher, stop)
    state = dataset_state(project)
    assert (state.instructions, state.stage, state.train) == (8, "answers", 0)
    assert 0 < state.answers < 8
    make(project)
    assert dataset_state(project) == DatasetState(8, 8, 0, 8, 7, 1, "ready")
    more = project.with_settings("dataset", {"instructions": "20"})
    assert dataset_state(more).stage == "ready"
    write_json(project.data / "instructions.json", [f"Count to {n}?" for n in range(30)])
    assert dataset_state(more).stage == "answers"


def test_missing_follow_ups_are_seen_and_so_are_turns_no_longer_wanted(project):
    make(project)
    longer = project.with_settings("dataset", {"turns": "3"})
    assert dataset_state(longer).stage == "follow_ups"
    make(longer, RuleTeacher(answers=conversing()))
    assert dataset_state(longer) == DatasetState(8, 8, 0, 8, 7, 1, "ready", follow_ups=16)
    assert dataset_state(project).stage == "answers"
    make(project)
    assert dataset_state(project).stage == "ready"


def test_another_format_has_to_be_written_first(project):
    make(project)
    other = project.with_settings("dataset", {"format": "guide"})
    assert dataset_state(other).stage == "answers"
    make(other)
    assert dataset_state(other).stage == "ready"


def test_follow_ups_given_up_are_not_missing_until_a_setting_has_changed(project):
    longer = project.with_settings("dataset", {"turns": "2"})
    make(longer, RuleTeacher(answers=lambda request: "" if asks_for_follow_up(request) else counting_answer(request)))
    assert dataset_state(longer) == DatasetState(8, 8, 0, 8, 7, 1, "ready", follow_ups=0)
    assert dataset_state(longer.with_settings("dataset", {"temperature": "1.5"})).stage == "follow_ups"


def test_given_up_questions_and_seed_examples_are_not_missing(project):
    write_json_lines(project.data / "seeds.jsonl", [example.as_row() for example in SEEDS])
    make(project, RuleTeacher(answers=lambda request: "" if " 3?" in request.messages[-1]["content"] else "Yes."))
    assert dataset_state(project) == DatasetState(8, 7, 1, 8, 9, 1, "ready", seeds=3)


def test_given_up_questions_are_open_again_once_a_setting_has_changed(project):
    make(project, RuleTeacher(answers=lambda request: "" if " 3?" in request.messages[-1]["content"] else "Yes."))
    assert (dataset_state(project).refused, dataset_state(project).stage) == (1, "ready")
    warmer = project.with_settings("dataset", {"temperature": "1.5"})
    assert (dataset_state(warmer).refused, dataset_state(warmer).stage) == (0, "answers")


def test_files_that_cannot_be_read_count_as_empty(project):
    write_text(project.data / "instructions.json", "{")
    (project.data / "answers.jsonl").mkdir()
    assert dataset_state(project).stage == "new"


def test_what_is_brought_along_later_or_nearly_repeats_another_does_not_confuse_it(project):
    make(project)
    row = {**SEEDS[0].as_row(), "source": "mine.csv:2"}
    write_json_lines(project.data / "imported.jsonl", [row, row])
    assert dataset_state(project).stage == "answers"
    make(project)
    state = dataset_state(project)
    assert (state.stage, state.train + state.valid) == ("ready", 9)


def test_training_files_made_by_hand_are_ready(project):
    write_json_lines(project.data / "train.jsonl", [SEEDS[0].as_row()])
    assert dataset_state(project).stage == "ready"


def test_as_many_other_examples_make_the_training_files_old(project):
    brought = project.with_settings("dataset", {"topic": ""})
    write_json_lines(project.data / "imported.jsonl", [example.as_row() for example in SEEDS])
    make(brought)
    assert dataset_state(brought).stage == "ready"
    other = json.dumps([example.as_row() for example in SEEDS]).replace("In short", "In brief")
    write_json_lines(project.data / "imported.jsonl", json.loads(other))
    assert dataset_state(brought).stage == "answers"
    make(brought)
    assert dataset_state(brought).stage == "ready"


def test_as_many_other_questions_make_the_training_files_old(project):
    make(project)
    questions = read_instructions(project.data / "instructions.json")
    write_json(project.data / "instructions.json", [*questions[:-1], "Why count at all?"])
    assert dataset_state(project).stage == "answers"
    make(project)
    assert dataset_state(project).stage == "ready"


@pytest.mark.parametrize("name", ["answers.jsonl", "follow_ups.jsonl", "review.jsonl", "seeds.jsonl"])
def test_a_file_changed_by_hand_makes_the_training_files_old(project, name):
    make(project)
    rows = read_json_lines(project.data / name)[0]
    write_json_lines(project.data / name, [*rows[1:], {"by": "hand"}])
    assert dataset_state(project).stage != "ready"


def test_what_changes_during_the_work_counts_as_changed(project):
    rows = [example.as_row() for example in SEEDS]
    write_json_lines(project.data / "imported.jsonl", rows)

    def answer(request):
        write_json_lines(project.data / "imported.jsonl", [*rows[1:], rows[0]])
        return counting_answer(request)

    make(project, RuleTeacher(answers=answer))
    assert dataset_state(project).stage == "answers"


def test_a_project_that_was_copied_is_as_ready_as_it_was(project, tmp_path):
    save_project(project)
    make(project)
    shutil.copytree(project.folder, tmp_path / "copy", copy_function=shutil.copyfile)
    assert dataset_state(open_project(tmp_path / "copy")).stage == dataset_state(project).stage == "ready"
