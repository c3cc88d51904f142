"""When the work is over, however it ends, no model stays in a server's memory: training is going to need it."""

import signal
import subprocess
import sys
import time

import pytest
import tiny_project
from teachers.misbehaving_server import WITHIN
from teachers.small_ollama import MISTRAL, QWEN, SmallOllama

from tui_tuner.app import TunerApp
from tui_tuner.settings import Settings
from tui_tuner.teachers import choosing


@pytest.fixture
def servers():
    with SmallOllama(MISTRAL, QWEN, seconds=0.05) as one, SmallOllama(MISTRAL, QWEN, seconds=0.05) as other:
        yield one, other


def project_on(tmp_path, servers, instructions=40):
    project = tiny_project.make(tmp_path, data=False)
    return project.with_settings(
        "dataset",
        {
            "teacher": "ollama",
            "teacher_model": "mistral:7b; qwen3:4b",
            "url": "; ".join(server.place for server in servers),
            "instructions": str(instructions),
        },
    )


def until(true):
    deadline = time.monotonic() + 6 * WITHIN
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def all_were_used_and_none_stayed(servers):
    assert {model for server in servers for model in server.asked} == {"mistral:7b", "qwen3:4b"}
    assert [server.loaded for server in servers] == [set(), set()]


def both_models_write(servers):
    return len({model for server in servers for model in server.asked}) == 2


@pytest.mark.parametrize("number", [None, signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_command_evicts_them_at_its_end_and_when_it_is_stopped(tmp_path, servers, number):
    # So many that a signal comes in time on a busy machine too.
    project = project_on(tmp_path, servers, 4000 if number else 20)
    dataset = project.choices.dataset
    settings = {"teacher": "ollama", "teacher_model": dataset.teacher_model, "url": dataset.url}
    settings["instructions"] = str(dataset.instructions)
    assignments = [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
    command = [sys.executable, "-m", "tui_tuner", "data", "--project", str(project.folder), *assignments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if number is not None:
        until(lambda: both_models_write(servers) or process.poll() is not None)
        process.send_signal(number)
    _out, err = process.communicate(timeout=120)
    assert process.returncode == (130 if number else 0), err
    all_were_used_and_none_stayed(servers)


async def test_the_app_evicts_them_when_it_is_quit(tmp_path, servers, monkeypatch):
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")
    monkeypatch.setattr(choosing, "USUAL_PORTS", (9,))
    app = TunerApp(project_on(tmp_path, servers, 400), Settings(last_step="dataset"))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            await app.workers.wait_for_complete()
            app.screen.focus_body()
            await pilot.press("g")
            until(lambda: both_models_write(servers))
            app.stop_and_exit()
            await app.workers.wait_for_complete()
    finally:
        app.close()
    all_were_used_and_none_stayed(servers)
