"""The real mlx_lm.server on a tiny model, started and ended as a person would."""

import signal
import socket
import subprocess
import sys

import httpx
import pytest
import tiny_model
import tuned_model

from tui_tuner.commands.serve_model import address
from tui_tuner.project import save_project


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture
def project(tmp_path):
    base = tiny_model.make(tmp_path / "base")
    made = tuned_model.project(tmp_path / "project").with_settings("model", {"name": str(base)})
    tuned_model.adapter(made.runs / "run-1", base, model_name=str(base))
    save_project(made)
    return made


def serve(project, *arguments):
    command = [sys.executable, "-m", "tui_tuner", "serve-model", "--project", str(project.folder), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def ask(port, name):
    messages = [{"role": "user", "content": "how do I start"}]
    body = {"model": name, "messages": messages, "max_tokens": 4, "temperature": 0}
    answer = httpx.post(f"http://127.0.0.1:{port}/v1/chat/completions", json=body, timeout=120, trust_env=False)
    assert answer.status_code == 200, answer.text
    assert answer.json()["usage"]["completion_tokens"] > 0
    return answer.json()["choices"][0]["message"]["content"]


@pytest.mark.parametrize(
    ("host", "told"), [("localhost", "localhost"), ("::1", "[::1]"), ("0.0.0.0", socket.gethostname())]
)
def test_the_address_is_one_that_can_be_pasted(host, told):
    assert address(host, 8080) == f"http://{told}:8080/v1"


def test_another_program_can_ask_the_tuned_model(project):
    port = free_port()
    with serve(project, "--port", str(port)) as server:
        try:
            assert server.stdout.readline() == f"tuned run-1 at http://127.0.0.1:{port}/v1\n"
            while "Starting httpd" not in (line := server.stdout.readline()):
                assert line, "it ended"
            answers = [ask(port, name) for name in ("default_model", "gpt-4", project.choices.model.name)]
            assert answers[0] and answers == answers[:1] * 3  # the adapter too, whatever a program calls the model
            listed = httpx.get(f"http://127.0.0.1:{port}/v1/models", timeout=60, trust_env=False)
            assert listed.status_code == 200 and listed.json()["data"]
            with serve(project, "--port", str(port)) as second:
                assert "choose another port" in second.stdout.read() and second.wait() == 2
        finally:
            server.send_signal(signal.SIGTERM)
        assert server.wait(60) == 0


def test_what_cannot_be_served_is_said(project):
    with serve(project, "--port", "99999") as server:
        assert "no port 99999" in server.stdout.read()
    with serve(project, "--model", "fused") as server:
        shown = server.stdout.read()
    assert server.returncode == 2 and "there is no fused model" in shown and "tuned, base" in shown
