import subprocess
import sys
import textwrap
import threading

import pytest

from tui_tuner.engine import Engine, running_engine
from tui_tuner.errors import EngineBusy, TeacherRefused
from tui_tuner.jobs import Job
from tui_tuner.progress import Notice


def test_everything_runs_on_one_thread_in_order():
    with running_engine() as engine:
        names = [engine.submit(lambda n=n: (n, threading.current_thread().name)) for n in range(5)]
        assert [name.result(10) for name in names] == [(n, "mlx") for n in range(5)]


def test_one_heavy_job_at_a_time():
    go_on = threading.Event()
    with running_engine() as engine:
        first = engine.submit_heavy("training", lambda: go_on.wait(10))
        with pytest.raises(EngineBusy, match="training"):
            engine.submit_heavy("fusing", lambda: None)
        go_on.set()
        assert first.result(10)
        assert engine.busy_with == ""
        assert engine.submit_heavy("fusing", lambda: 1).result(10) == 1


def test_an_error_belongs_to_who_waits_and_the_engine_goes_on():
    with running_engine() as engine:
        with pytest.raises(ZeroDivisionError):
            engine.submit(lambda: 1 / 0).result(10)
        assert engine.submit(lambda: 2).result(10) == 2


def test_a_closed_engine_takes_nothing():
    engine = Engine()
    engine.close()
    with pytest.raises(EngineBusy):
        engine.submit(lambda: None)


def test_a_process_that_ran_a_compiled_step_ends_well():
    code = """
        from tui_tuner.engine import running_engine
        def work():
            import mlx.core as mx
            step = mx.compile(lambda x: mx.exp(x) + 1)
            return step(mx.ones((8, 8))).sum().item()
        with running_engine() as engine:
            print(engine.submit(work).result())
    """
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr


def run(work):
    heard = []
    job = Job("training", work, heard.append, None).start()
    assert job.wait(10)
    return job, heard


def test_a_job_says_how_it_ended():
    job, heard = run(lambda emit, stop: emit(Notice("hello")) or 7)
    assert job.result == 7
    assert [event.kind for event in heard] == ["notice", "job_ended"]
    assert (heard[-1].outcome, heard[-1].exit_code) == ("done", 0)


def test_a_failure_a_person_can_act_on_keeps_its_advice():
    def work(emit, stop):
        raise TeacherRefused("no such model", where="ollama", advice="Pull it.")

    _, heard = run(work)
    assert (heard[-1].outcome, heard[-1].message, heard[-1].advice, heard[-1].exit_code) == (
        "failed",
        "ollama: no such model",
        "Pull it.",
        1,
    )


def test_a_defect_is_an_event_too():
    _, heard = run(lambda emit, stop: 1 / 0)
    assert heard[-1].outcome == "failed"
    assert "ZeroDivisionError" in heard[-1].message


def test_a_stopped_job_is_not_a_failure():
    began = threading.Event()

    def work(emit, stop):
        began.set()
        stop.wait(30)

    heard = []
    job = Job("training", work, heard.append, None).start()
    assert began.wait(10)
    job.stop()
    assert job.wait(10)
    assert (heard[-1].outcome, heard[-1].exit_code) == ("stopped", 130)
