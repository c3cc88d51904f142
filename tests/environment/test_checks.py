import threading
import time

import pytest
from teachers.misbehaving_server import MisbehavingServer, hang_up

from tui_tuner.choices import ModelChoice
from tui_tuner.engine import running_engine
from tui_tuner.environment import checks
from tui_tuner.environment.check import CHECKS, CheckDone, CheckResult
from tui_tuner.environment.checks import run_checks
from tui_tuner.errors import ModelError
from tui_tuner.progress import StopToken, ignore_event

LONG = 30.0  # seconds; none of these tests waits for it


@pytest.fixture(autouse=True)
def no_servers(monkeypatch):
    """Neither asks the ports of this machine nor depends on what runs there."""
    with MisbehavingServer(hang_up) as server:
        pass
    monkeypatch.setenv("OLLAMA_HOST", f"localhost:{server.port}")
    done = CheckResult("lm_studio", "LM Studio", "missing", "", "")
    monkeypatch.setattr(checks, "check_lm_studio", lambda: done)


def run(engine=None, emit=ignore_event, stop=None, within=LONG, model="no-such/model-7B", **more):
    results = run_checks(
        ModelChoice(name=model), engine=engine, emit=emit, stop=stop or StopToken(), within=within, **more
    )
    return {result.key: result for result in results}


def test_every_check_reports_once_and_the_results_come_in_order():
    heard = []
    results = run_checks(ModelChoice(), engine=None, emit=heard.append, stop=StopToken(), within=LONG)
    assert [result.key for result in results] == [key for key, _name in CHECKS]
    assert [result.name for result in results] == [name for _key, name in CHECKS]
    assert sorted(event.result.key for event in heard) == sorted(key for key, _name in CHECKS)
    assert all(isinstance(event, CheckDone) for event in heard)


def test_mlx_is_measured_on_the_engine():
    with running_engine() as engine:
        assert "FLOP/s measured" in run(engine)["mlx"].finding


def test_mlx_is_left_alone_while_it_trains():
    release = threading.Event()
    with running_engine() as engine:
        training = engine.submit_heavy("training", release.wait)
        result = run(engine)["mlx"]
        release.set()
        training.result()
    assert result.state == "ok"
    assert "busy training" in result.finding
    assert "measured" in result.finding


def test_without_an_engine_mlx_is_not_measured():
    assert "not measured" in run()["mlx"].finding


def test_a_check_that_hangs_keeps_nobody_waiting(monkeypatch):
    release = threading.Event()
    monkeypatch.setattr(checks, "check_python", release.wait)
    began = time.monotonic()
    results = run(within=0.5)
    assert time.monotonic() - began < 3
    release.set()
    assert (results["python"].state, results["python"].finding) == ("warning", "no answer within 0.5 s")
    assert "no answer" not in results["disk"].finding


def test_an_engine_that_hangs_is_not_asked_later(monkeypatch):
    measured, release = [], threading.Event()
    monkeypatch.setattr(checks, "measure", measured.append)
    with running_engine() as engine:
        hanging = engine.submit(release.wait)  # light work: it does not count as busy
        result = run(engine, within=0.5)["mlx"]
        release.set()
        hanging.result()
    assert (result.state, result.finding[:9]) == ("warning", "no answer")
    assert measured == []


def test_a_check_that_fails_is_a_warning_with_what_happened(monkeypatch):
    def broken():
        raise ValueError("odd \x1b[31mthing")

    def refuse(_name):
        raise ModelError("cannot read the cache", advice="Mend it.")

    monkeypatch.setattr(checks, "check_macos", broken)
    monkeypatch.setattr(checks, "find_base", refuse)
    results = run()
    assert results["macos"].finding == "could not be checked: ValueError: odd thing"
    assert (results["base_model"].finding, results["base_model"].why) == ("cannot read the cache", "Mend it.")


def test_the_base_model_is_looked_for_once(monkeypatch):
    asked = []
    monkeypatch.setattr(checks, "find_base", asked.append)
    assert run(model="some/model-7B")["base_model"].state == "missing"
    assert [model.name for model in asked] == ["some/model-7B"]


def test_stopping_returns_what_is_known_by_then():
    stop = StopToken()
    results = run(emit=lambda _event: stop.request(), stop=stop)
    assert len(results) == 1
