"""A run watched from its folder while somebody else does it."""

from __future__ import annotations

import json
import os
import threading

import pytest

from tui_tuner.errors import Stopped
from tui_tuner.progress import Notice, StopToken
from tui_tuner.project import create_project
from tui_tuner.project_lock import is_worked_on, project_lock
from tui_tuner.training.events import CheckpointSaved, TrainingEnded, TrainStep, Validation
from tui_tuner.training.history import read_history
from tui_tuner.training.run_tail import METRICS, RunTail
from tui_tuner.training.watching import watch


def saved(number: int) -> bytes:
    return json.dumps({"time": 5.0, **CheckpointSaved(number, "x", 5.0).as_json()}).encode() + b"\n"


def seen(news) -> list[int]:
    return [event.iteration for event, _when in news.events]


def test_lines_are_heard_as_they_are_finished(tmp_path):
    tail = RunTail(tmp_path)
    assert tail.news().events == []
    with (tmp_path / METRICS).open("ab", buffering=0) as file:
        file.write(saved(1) + saved(2)[:-4])
        assert seen(tail.news()) == [1]
        file.write(saved(2)[-4:])
        assert seen(tail.news()) == [2]
    assert seen(tail.news()) == []


def test_a_file_that_was_cut_back_is_read_again_even_where_it_has_grown_longer_since(tmp_path):
    path, tail = tmp_path / METRICS, RunTail(tmp_path)
    path.write_bytes(saved(1) + saved(2) + saved(3))
    assert seen(tail.news()) == [1, 2, 3]
    path.write_bytes(saved(1) + saved(20) + saved(30) + saved(40))
    news = tail.news()
    assert news.again
    assert seen(news) == [1, 20, 30, 40]


def test_spoilt_lines_are_named_by_their_place_also_when_they_come_later(tmp_path):
    path, tail = tmp_path / METRICS, RunTail(tmp_path)
    path.write_bytes(saved(1))
    tail.news()
    with path.open("ab") as file:
        file.write(b"{torn\n" + saved(2) + b"\xff\n")
    ((_saved, _when), (notice, _none)) = tail.news().events
    assert notice == Notice("unreadable lines in metrics.jsonl: 2, 4", "warning")


def test_whether_somebody_works_on_a_project(tmp_path):
    project = create_project(tmp_path / "p")
    assert not is_worked_on(project)
    with project_lock(project):
        assert is_worked_on(project)
    assert not is_worked_on(project)


def test_a_run_is_watched_to_its_end_and_looks_as_it_did_to_who_trained_it(school):
    project = create_project(school.folder)
    plan = school.plan()
    begun = threading.Event()

    def work() -> None:
        with project_lock(project):
            school.train(plan, stop_when=lambda event: begun.set() or False)

    worker = threading.Thread(target=work)
    worker.start()
    assert begun.wait(60)
    heard = list(watch(project, plan.run, StopToken()))
    worker.join()
    kinds = (TrainStep, Validation, TrainingEnded)
    trained = [event for event in school.events if isinstance(event, kinds)]
    assert [event for event in heard if isinstance(event, kinds)] == trained
    assert read_history(plan.run).ended == trained[-1]


def test_watching_a_run_that_nobody_does_ends_with_what_there_is_and_can_be_stopped_before(school):
    project = create_project(school.folder)
    plan = school.plan()
    school.train(plan, stop_when=lambda event: False)
    assert isinstance(list(watch(project, plan.run, StopToken()))[-1], TrainingEnded)
    os.truncate(plan.run / METRICS, 600)
    stop = StopToken()
    stop.request()
    with project_lock(project), pytest.raises(Stopped):
        list(watch(project, plan.run, stop))
