"""Models in the memory of this machine's Ollama make room for training; nobody else's do."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from teachers.small_ollama import MISTRAL, QWEN, SmallOllama

from tui_tuner.errors import Stopped
from tui_tuner.progress import Notice, StopToken
from tui_tuner.teachers import making_room
from tui_tuner.teachers.making_room import make_room
from tui_tuner.teachers.ollama import LoadedModel, OllamaServer
from tui_tuner.teachers.ollama_address import parse_host


@pytest.fixture
def ollama(monkeypatch):
    with SmallOllama(MISTRAL, QWEN) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.place)
        yield server


def test_what_a_server_holds_is_told_with_its_size(ollama):
    ollama.loaded = {"mistral:7b"}
    server = OllamaServer(parse_host(ollama.place))
    assert server.loaded() == [LoadedModel("mistral:7b", 4_372_824_384)]


def test_all_it_holds_is_freed_and_said(ollama):
    ollama.loaded = {"mistral:7b", "qwen3:4b"}
    (notice,) = make_room(("",), StopToken())
    assert ollama.loaded == set()
    text = "Ollama gave back 6.9 GB of memory: mistral:7b, qwen3:4b; asked again, it loads it again"
    assert notice == Notice(text)


def test_an_ollama_that_holds_nothing_is_not_asked_for_anything(ollama):
    assert make_room(("", ollama.place), StopToken()) == []
    assert ollama.evictions == []


def test_a_model_that_is_answering_is_named(ollama, monkeypatch):
    monkeypatch.setattr(making_room, "GONE_WITHIN", 0.2)
    monkeypatch.setattr(making_room, "LOOK_EVERY", 0.01)
    ollama.loaded, ollama.busy = {"mistral:7b", "qwen3:4b"}, {"qwen3:4b"}
    freed, held = make_room(("",), StopToken())
    assert "4.4 GB of memory: mistral:7b" in freed.text
    assert held == Notice("Ollama still holds 2.5 GB of memory: qwen3:4b is being used", "warning")


def test_a_stop_is_not_kept_waiting_by_a_busy_model(ollama):
    ollama.loaded = ollama.busy = {"qwen3:4b"}
    stop = StopToken()
    stop.request()
    with pytest.raises(Stopped):
        make_room(("",), stop)


def test_an_ollama_elsewhere_is_left_alone(ollama, monkeypatch):
    asked = []
    monkeypatch.setattr(OllamaServer, "loaded", lambda self: asked.append(str(self.address)) or [])
    monkeypatch.setenv("OLLAMA_HOST", "studio.local")
    assert make_room(("", "192.168.1.7:11434", ollama.place, "localhost:7"), StopToken()) == []
    assert asked == [ollama.place, "localhost:7"]


class Odd(BaseHTTPRequestHandler):
    answer: object = {}

    def log_message(self, *_arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        content = json.dumps(self.answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.mark.parametrize("answer", [{}, {"models": None}, {"models": ["x", 7]}, {"models": []}, [], "no"])
def test_an_answer_that_says_nothing_frees_nothing(answer):
    server = HTTPServer(("127.0.0.1", 0), type("Answers", (Odd,), {"answer": answer}))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        assert make_room((f"127.0.0.1:{server.server_port}",), StopToken()) == []
    finally:
        server.shutdown()
        server.server_close()


def test_nobody_there_is_no_reason_to_fail():
    assert make_room(("127.0.0.1:9",), StopToken()) == []
