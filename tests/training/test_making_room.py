"""Training asks this machine for its memory, and not to fall asleep."""

from __future__ import annotations

import contextlib
import dataclasses

import pytest
import tiny_project
from teachers.small_ollama import MISTRAL, SmallOllama
from training.school import QUICK

from tui_tuner.choices import DatasetChoice
from tui_tuner.errors import Stopped
from tui_tuner.progress import Notice, StageProgress
from tui_tuner.training import machine_news, preparing, train
from tui_tuner.training.events import TrainStep
from tui_tuner.training.history import read_history
from tui_tuner.training.plan import plan_run

ONE_STEP = dataclasses.replace(QUICK, iters=1)


@pytest.fixture
def ollama():
    with SmallOllama(MISTRAL) as server:
        server.loaded = {"mistral:7b"}
        yield server


def test_a_run_has_ollama_free_its_memory_before_the_model_is_loaded(school, ollama, monkeypatch):
    held = []
    load_model = preparing.load_model

    def load(*arguments, **named):
        held.append(set(ollama.loaded))
        return load_model(*arguments, **named)

    monkeypatch.setattr(preparing, "load_model", load)
    plan = dataclasses.replace(school.plan(choice=ONE_STEP), free_ollama=(ollama.place,))
    school.train(plan)
    assert held == [set()]
    notices = [text for _time, text in read_history(plan.run).notices]
    assert any("Ollama gave back 4.4 GB of memory: mistral:7b" in text for text in notices)


def test_it_is_said_again_where_a_resumed_run_does_it_again(school, ollama):
    plan = dataclasses.replace(school.plan(), free_ollama=(ollama.place,))
    with pytest.raises(Stopped):
        school.train(plan, stop_when=lambda event: isinstance(event, TrainStep))
    ollama.loaded = {"mistral:7b"}
    school.events.clear()
    school.train(plan)
    assert ["Ollama gave back" in notice.text for notice in school.seen(Notice)].count(True) == 1


def test_an_ollama_that_does_not_answer_is_no_reason_to_fail(school):
    plan = dataclasses.replace(school.plan(choice=ONE_STEP), free_ollama=("127.0.0.1:9",))
    assert school.train(plan).finished


def test_the_project_says_whether(tmp_path):
    project = tiny_project.make(tmp_path)
    without = project.with_settings("machines", {"free_ollama": "false"})
    assert plan_run(without, tmp_path).free_ollama == ()
    plan = plan_run(project, tmp_path)
    assert (plan.free_ollama, plan.keep_awake) == (("", ""), True)
    project = project.with_choice("dataset", DatasetChoice(teacher="ollama", url="localhost:7; studio.local"))
    project = project.with_settings("machines", {"keep_awake": "false"})
    plan = plan_run(project, tmp_path)
    assert (plan.free_ollama, plan.keep_awake) == (("", "localhost:7", "studio.local"), False)


@pytest.mark.parametrize("wanted", [True, False])
def test_the_machine_is_kept_awake_from_loading_to_the_end(school, monkeypatch, wanted):
    story = []

    @contextlib.contextmanager
    def awake(*, wanted):
        story.append(("awake", wanted))
        yield
        story.append(("may sleep",))

    monkeypatch.setattr(train, "kept_awake", awake)
    plan = dataclasses.replace(school.plan(choice=ONE_STEP), keep_awake=wanted)
    school.train(plan, stop_when=lambda event: story.append(type(event)))
    assert story[0] == ("awake", wanted)
    assert story[1] is StageProgress
    assert story[-1] == ("may sleep",)


def test_a_display_that_is_on_brings_advice(school, monkeypatch):
    monkeypatch.setattr(machine_news, "display_is_on", lambda: True)
    school.train(school.plan(choice=ONE_STEP))
    (notice,) = [notice for notice in school.seen(Notice) if "display" in notice.text]
    assert notice.level == "info"
    assert "pmset displaysleepnow" in notice.text
