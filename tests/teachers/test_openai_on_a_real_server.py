"""The OpenAI teacher on the server that comes with mlx-lm, with the starter model in it."""

import socket
import subprocess
import sys
import threading

import pytest

from tui_tuner.progress import StopToken
from tui_tuner.teachers.choosing import available_teachers
from tui_tuner.teachers.openai_server import OpenAIServer, openai_address
from tui_tuner.teachers.openai_teacher import open_openai_teacher
from tui_tuner.teachers.teacher import Request

pytestmark = pytest.mark.starter

LISTS = {"type": "array", "items": {"type": "string"}}


@pytest.fixture
def place(starter, tmp_path):
    """Where the server listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlx_lm", "server", "--model", str(starter), "--port", str(port)]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, cwd=tmp_path, text=True)
    try:
        assert server.stderr is not None
        # It says so on stderr once it listens; a server that dies closes the pipe and ends the loop.
        assert any("Starting httpd" in line for line in server.stderr)
        threading.Thread(target=server.stderr.read, daemon=True).start()  # or the pipe fills, and the server stands
        yield f"localhost:{port}"
    finally:
        server.kill()
        server.wait()


def request(question, **more):
    return Request(({"role": "user", "content": question},), temperature=0.0, **more)


def test_it_is_found_and_answers_and_says_when_it_was_cut_off(place):
    assert any(choice.kind == "openai" and choice.url == place for choice in available_teachers("none", [place]))
    teacher = open_openai_teacher(place, "")
    answers = {}
    asked = [request("Say hello.", max_tokens=40), request("Tell a long story.", max_tokens=5, schema=LISTS)]
    teacher.ask(asked, answers.__setitem__, StopToken())
    teacher.close()
    assert answers[0].text.strip()
    assert answers[1].finish == "length"
    assert answers[1].tokens == 5
    server = OpenAIServer(openai_address(place))
    again = server.chat("default_model", asked[1], stop=StopToken())
    server.close()
    assert again == answers[1]
