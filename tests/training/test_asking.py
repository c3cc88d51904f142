"""What is asked of a run by way of its folder."""

from __future__ import annotations

import json
import threading

import pytest
from training.school import QUICK, rows
from training.story import EVENTS, started, write

from tui_tuner.errors import Stopped, TrainingError
from tui_tuner.progress import StopToken
from tui_tuner.training.asking import ASKED, Asking, obeying
from tui_tuner.training.events import TrainingContinued, TrainingEnded, TrainingPaused, TrainStep
from tui_tuner.training.history import read_history
from tui_tuner.training.train import train


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "run-1"
    write(folder, [started(time=7.25)])
    return folder


class Told(StopToken):
    """A token that says when it was told something."""

    def __init__(self):
        super().__init__()
        self.told = threading.Event()

    def request(self):
        super().request()
        self.told.set()

    def pause(self):
        super().pause()
        self.told.set()

    def unpause(self):
        super().unpause()
        self.told.set()


@pytest.mark.parametrize(
    ("wish", "paused", "stopped"), [("pause", True, False), ("go on", False, False), ("stop", False, True)]
)
def test_a_wish_is_heard_and_obeyed(run, wish, paused, stopped):
    stop = Told()
    with obeying(run, 7.25, stop, every=0.001):
        asked = Asking(run, read_history(run), wish)
        assert stop.told.wait(10)
        assert (stop.paused, stop.requested) == (paused, stopped)
        assert asked.heard()
    assert list(run.glob("*asked*")) == [], "nothing of it is left"


def test_what_was_left_behind_or_is_meant_for_another_session_is_not_obeyed(run):
    Asking(run, read_history(run), "stop")
    stop = Told()
    with obeying(run, 7.25, stop, every=0.001):
        assert not (run / ASKED).exists(), "what was asked before is forgotten"
        for asked in ({"session": 7.0, "wish": "stop"}, {"session": 7.25, "wish": "dance"}, ["stop"], "{torn"):
            text = asked if isinstance(asked, str) else json.dumps(asked)
            (run / ASKED).write_text(text)
            while (run / ASKED).exists():
                threading.Event().wait(0.001)
        Asking(run, read_history(run), "pause")
        assert stop.told.wait(10)
        assert not stop.requested


def test_where_nobody_hears_it_the_wish_is_withdrawn(run, monkeypatch):
    asked = Asking(run, read_history(run), "stop")
    assert not asked.heard()
    monkeypatch.setattr(asked, "_until", 0.0)
    with pytest.raises(TrainingError, match="nobody trains run-1"):
        asked.heard()
    assert not (run / ASKED).exists()


def test_a_run_that_is_over_is_not_asked(run):
    write(run, EVENTS)
    with pytest.raises(TrainingError, match="nobody trains run-1"):
        Asking(run, read_history(run), "pause")
    assert not (run / ASKED).exists()


def test_a_run_is_paused_goes_on_and_is_stopped_from_its_folder_alone(school, monkeypatch):
    monkeypatch.setattr(obeying.__wrapped__, "__defaults__", (0.001,))
    plan = school.plan(run="asked", choice=QUICK, valid=rows(4, begin=20))
    events, waiting, stop = [], [], Told()

    def emit(event):
        events.append(event)
        wish = None
        if isinstance(event, TrainStep) and event.iteration == 2:
            wish = "pause"
        elif isinstance(event, TrainingPaused):
            waiting.append(Asking(plan.run, read_history(plan.run), "go on"))  # heard while the run waits
        elif isinstance(event, TrainStep) and event.iteration == 5:
            wish = "stop"
        if wish:
            stop.told.clear()
            Asking(plan.run, read_history(plan.run), wish)
            assert stop.told.wait(10)

    with pytest.raises(Stopped):
        train(plan, emit=emit, stop=stop)
    assert [event.iteration for event in events if isinstance(event, TrainingPaused | TrainingContinued)] == [2, 2]
    assert [(event.iteration, event.finished) for event in events if isinstance(event, TrainingEnded)] == [(5, False)]
    assert waiting[0].heard()
