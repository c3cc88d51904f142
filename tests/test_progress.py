import threading

import pytest

from tui_tuner.errors import Stopped
from tui_tuner.progress import Pace, StageProgress, StopToken


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def test_pace_says_rate_and_time_left():
    heard, clock = [], Clock()
    pace = Pace("Answers", 10, "answers", heard.append, clock=clock)
    for _ in range(4):
        clock.now += 2
        pace.advance()
    last = heard[-1]
    assert (last.done, last.total, last.rate, last.eta_seconds) == (4, 10, 0.5, 12.0)


def test_work_of_an_earlier_session_does_not_flatter_the_rate():
    heard, clock = [], Clock()
    pace = Pace("Answers", 100, "answers", heard.append, done=90, clock=clock)
    assert heard[0].rate is None and heard[0].eta_seconds is None
    clock.now += 10
    pace.advance()
    assert heard[-1].rate == pytest.approx(0.1)
    assert heard[-1].eta_seconds == pytest.approx(90)


def test_rate_follows_a_machine_that_slows_down():
    heard, clock = [], Clock()
    pace = Pace("x", None, "x", heard.append, window=5, clock=clock)
    for _ in range(20):
        clock.now += 0.1
        pace.advance()
    for _ in range(6):
        clock.now += 10
        pace.advance()
    assert heard[-1].rate == pytest.approx(0.1)


def test_events_are_json():
    event = StageProgress("Answers", 1, 2, "answers")
    assert event.as_json()["event"] == "stage_progress"
    assert event.as_json()["stage"] == "Answers"


def test_a_stop_is_heard_at_the_next_check():
    token = StopToken()
    token.check()
    token.request()
    with pytest.raises(Stopped) as caught:
        token.check()
    assert caught.value.exit_code == 130


def test_a_paused_job_waits_and_can_go_on_or_stop():
    token = StopToken()
    token.pause()
    passed = threading.Event()
    thread = threading.Thread(target=lambda: (token.check(), passed.set()))
    thread.start()
    assert token.paused and not passed.wait(0.05)
    token.unpause()
    assert passed.wait(5)
    thread.join()
    token.pause()
    token.request()
    with pytest.raises(Stopped):
        token.check()


def test_wait_ends_early_when_stopped():
    token = StopToken()
    token.request()
    with pytest.raises(Stopped):
        token.wait(60)
