import socket
import threading
import time

import pytest
from teachers.misbehaving_server import (
    WITHIN,
    MisbehavingServer,
    garbage,
    hang_up,
    raw,
    reply,
    reset,
    stream,
    text,
    torn,
)

from tui_tuner.errors import Stopped, TeacherRefused, TeacherUnavailable
from tui_tuner.progress import StageProgress, StopToken, ignore_event
from tui_tuner.teachers.json_server import JsonServer
from tui_tuner.teachers.ollama import OllamaModel, OllamaServer
from tui_tuner.teachers.ollama_address import Address
from tui_tuner.teachers.server_errors import ServerAway, Unfinished
from tui_tuner.teachers.teacher import Request

PIECE = {"message": {"role": "assistant", "content": "Hel"}, "done": False}
ASK = Request(({"role": "user", "content": "Hello?"},), max_tokens=20, temperature=0, seed=7)


def chat(server, request=ASK, **more):
    return OllamaServer(server.address).chat("mistral:7b", request, stop=StopToken(), **more)


def failure(*behaviours, kind=TeacherUnavailable):
    with MisbehavingServer(*behaviours) as server, pytest.raises(kind) as caught:
        chat(server)
    return caught.value


def test_an_answer_arrives_in_pieces_and_whole():
    heard = []
    with MisbehavingServer(text("Hel", "lo", eval_count=2, eval_duration=500_000_000, load_duration=10**9)) as server:
        answer = chat(server, on_text=heard.append)
    assert (answer.text, answer.finish, answer.tokens) == ("Hello", "stop", 2)
    assert (answer.seconds, answer.load_seconds, answer.prompt_tokens) == (0.5, 1.0, 0)
    assert heard == ["Hel", "lo"]


def test_what_ollama_has_no_fixed_default_for_is_always_said():
    with MisbehavingServer(text("x")) as server:
        chat(server, num_ctx=8192)
        body = server.asked[0].body
    assert body["options"] == {"num_ctx": 8192, "num_predict": 20, "seed": 7, "temperature": 0.0}
    assert (body["model"], body["think"], body["truncate"], body["stream"]) == ("mistral:7b", False, False, True)
    assert body["shift"] is False
    assert "format" not in body


def test_a_schema_is_handed_over():
    schema = {"type": "object", "properties": {"q": {"type": "string"}}}
    with MisbehavingServer(text("{}")) as server:
        chat(server, Request(ASK.messages, schema=schema))
        assert server.asked[0].body["format"] == schema


def test_an_answer_cut_off_at_its_longest_says_so():
    with MisbehavingServer(text('{"q": "wh', done_reason="length")) as server:
        assert chat(server).finish == "length"


def test_an_error_within_a_stream_is_no_answer():
    error = failure(stream(PIECE, {"error": "an error was encountered while running the model"}))
    assert "while running the model" in error.what


def test_a_stream_without_its_last_word_is_no_answer_but_keeps_what_came():
    error = failure(stream(PIECE, PIECE), kind=Unfinished)
    assert error.text == "HelHel"


@pytest.mark.parametrize("broken", [reset(PIECE), torn(PIECE), hang_up])
def test_a_broken_connection_passes(broken):
    error = failure(broken)
    assert not isinstance(error, ServerAway | Unfinished)


def test_a_line_torn_by_the_end_of_the_stream_passes():
    assert "middle of a line" in failure(garbage(b'{"message": {"content": "a')).what


@pytest.mark.parametrize("line", [b"<html>hello</html>\n", b"[1]\n", b'{"done": tr\n', b"[" * 100_000 + b"\n"])
def test_a_line_that_is_not_a_json_object_does_not_pass(line):
    assert "not an answer of Ollama" in failure(garbage(line), kind=TeacherRefused).what


def test_a_line_without_end_does_not_fill_the_memory():
    def endless(asked):
        asked.start_stream()
        while True:
            asked.chunk(b"x" * 1_000_000)

    assert "without end" in failure(endless, kind=TeacherRefused).what


def test_a_full_queue_is_worth_waiting_for():
    busy = {"error": "server busy, please try again.  maximum pending requests exceeded"}
    assert "busy" in failure(reply(busy, 503), kind=ServerAway).what


def test_nobody_there_is_worth_waiting_for_and_says_how_to_start_it():
    with MisbehavingServer(hang_up) as server:
        address = server.address
    with pytest.raises(ServerAway) as caught:
        OllamaServer(address).version()
    assert "ollama serve" in caught.value.advice
    assert f"localhost:{address.port}" in caught.value.where


def test_an_unknown_model_says_how_to_get_it():
    error = failure(reply({"error": "model 'mistral:7b' not found"}, 404), kind=TeacherRefused)
    assert "mistral:7b" in error.what
    assert "ollama pull" in error.advice


def test_a_refused_host_name_says_what_to_do():
    assert "localhost" in failure(raw(b"", 403), kind=TeacherRefused).advice


def test_a_server_of_another_kind_is_told_by_its_unknown_routes():
    assert "does not know" in failure(raw(b"404 page not found", 404), kind=TeacherRefused).what


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("llama runner process has terminated: exit status 2", TeacherUnavailable),
        ("POST predict: Post http://127.0.0.1:9/completion: EOF", TeacherUnavailable),
        ("invalid JSON schema in format", TeacherRefused),
        ("option 'num_ctx' must be of type integer", TeacherRefused),
        ("model requires more system memory (5.5 GiB) than is available (3.2 GiB)", TeacherRefused),
    ],
)
def test_an_inner_error_passes_only_where_the_same_request_may_succeed(message, kind):
    assert type(failure(reply({"error": message}, 500), kind=kind)) is kind


def test_what_a_server_says_cannot_act_on_the_terminal():
    error = failure(reply({"error": "bad\x1b]52;c;aGk=\x07 \x1b[31mred\nline"}, 400), kind=TeacherRefused)
    assert "\x1b" not in str(error)
    assert "bad red line" in error.what


def test_no_answer_for_too_long_passes():
    with MisbehavingServer() as server:
        server.then(server.silent())
        with pytest.raises(TeacherUnavailable, match="in time"):
            OllamaServer(server.address, answer_within=0.2).chat("m", ASK, stop=StopToken())


@pytest.mark.parametrize("rows", [(), (PIECE,)], ids=["before the first word", "between two words"])
def test_stopping_takes_effect_at_once_and_reaches_the_server(rows):
    with MisbehavingServer() as server:
        server.then(server.silent(*rows))
        stop = StopToken()

        def stop_when_asked():
            server.was_asked.wait(WITHIN)
            stop.request()

        threading.Thread(target=stop_when_asked).start()
        began = time.monotonic()
        with pytest.raises(Stopped):
            OllamaServer(server.address).chat("m", ASK, stop=stop)
        assert time.monotonic() - began < 2
        assert server.client_gone.wait(WITHIN)


def test_a_proxy_of_the_environment_does_not_stand_before_this_machine(monkeypatch):
    with MisbehavingServer(hang_up) as nobody:
        dead = f"http://127.0.0.1:{nobody.port}"
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, dead)
    with MisbehavingServer(reply({"version": "0.13.5"})) as server:
        assert OllamaServer(server.address).version() == "0.13.5"


@pytest.mark.parametrize("address", [Address("ftp"), Address(host="x" * 70), Address(host="a:b")])
def test_an_impossible_address_is_named(address):
    with pytest.raises(TeacherRefused, match="not an address"):
        OllamaServer(address).version()


def test_a_name_that_is_not_known_says_so(monkeypatch):
    def unknown(*_arguments, **_more):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(ServerAway, match="no machine of this name"):
        OllamaServer(Address(host="studio")).version()


def test_https_to_a_plain_server_says_so():
    with MisbehavingServer(hang_up) as server, pytest.raises(TeacherRefused, match="no safe connection"):
        OllamaServer(Address("https", port=server.port)).version()


def test_something_else_on_the_port_is_told_apart():
    with MisbehavingServer(raw(b"<html>It works!</html>"), reply({"hello": 1})) as server:
        ollama = OllamaServer(server.address)
        with pytest.raises(TeacherRefused, match="It works"):
            ollama.version()
        with pytest.raises(TeacherRefused, match="not an Ollama"):
            ollama.version()


def test_models_are_listed_whatever_is_left_out():
    rows = [
        {
            "name": "mistral:7b",
            "model": "mistral:7b",
            "size": 4_113_301_824,
            "details": {"family": "llama", "parameter_size": "7.2B"},
        },
        {"name": "nomic-embed-text:latest", "size": 5, "details": {"family": "nomic-bert"}},
        {"name": "new", "capabilities": ["embedding"], "details": None},
        {"name": "big:cloud", "size": 384, "remote_model": "big", "remote_host": "https://ollama.com:443"},
        "nonsense",
    ]
    with MisbehavingServer(reply({"models": rows}), reply({"models": None})) as server:
        ollama = OllamaServer(server.address)
        assert ollama.models() == [
            OllamaModel("mistral:7b", 4_113_301_824, "llama", "7.2B"),
            OllamaModel("nomic-embed-text:latest", 5, "nomic-bert", "", can_chat=False),
            OllamaModel("new", 0, "", "", can_chat=False),
            OllamaModel("big:cloud", 384, "", "", remote="ollama.com"),
        ]
        assert ollama.models() == []


def test_evicting_asks_for_no_time_in_memory():
    with MisbehavingServer(reply({"done": True, "done_reason": "unload"})) as server:
        OllamaServer(server.address).evict("mistral:7b")
        asked = server.asked[0]
    assert (asked.path, asked.body["keep_alive"], asked.body["model"]) == ("/api/generate", 0, "mistral:7b")
    assert "prompt" not in asked.body


def layer(digest, total, completed=None):
    row = {"status": f"pulling {digest[7:19]}", "digest": digest, "total": total}
    return row if completed is None else {**row, "completed": completed}


BIG, SMALL, OLD = ("sha256:" + letter * 64 for letter in "abc")


def pull(*rows, heard=None):
    with MisbehavingServer(stream(*rows)) as server:
        OllamaServer(server.address).pull("m", emit=ignore_event if heard is None else heard.append, stop=StopToken())


def test_a_pull_reports_every_layer_to_its_end():
    heard = []
    pull(
        {"status": "pulling manifest"},
        layer(BIG, 4_000_000),
        layer(BIG, 4_000_000, 1_000_000),
        layer(BIG, 4_000_000, 4_000_000),
        layer(BIG, 4_000_000, 4_000_000),
        layer(OLD, 1_000_000, 1_000_000),
        layer(SMALL, 2_000_000, 500_000),
        {"status": "verifying sha256 digest"},
        {"status": "success"},
        heard=heard,
    )
    assert all(isinstance(event, StageProgress) for event in heard)
    ends = {event.stage: (event.done, event.total, event.unit) for event in heard if event.ended}
    assert ends == {
        "m: pulling aaaaaaaaaaaa": (4, 4, "MB"),
        "m: pulling cccccccccccc": (1, 1, "MB"),
        "m: pulling bbbbbbbbbbbb": (2, 2, "MB"),
    }
    assert len([event for event in heard if event.ended]) == 3
    big = [event for event in heard if "aaaa" in event.stage and not event.ended]
    assert [event.done for event in big] == [0, 1, 4]
    assert big[1].rate is not None
    assert big[1].eta_seconds is not None


def test_only_success_is_success():
    with pytest.raises(TeacherUnavailable, match="ended early, at: verifying"):
        pull(layer(BIG, 4, 4), {"status": "verifying sha256 digest"})


@pytest.mark.parametrize(
    ("message", "kind", "advice"),
    [
        ("pull model manifest: file does not exist", TeacherRefused, "ollama pull NAME"),
        ("write /root/.ollama/models/blobs/x: no space left on device", TeacherRefused, "space"),
        ("max retries exceeded: dial tcp: lookup registry.ollama.ai: no such host", TeacherUnavailable, ""),
    ],
)
def test_a_pull_that_fails_under_status_200_says_why(message, kind, advice):
    with pytest.raises(kind, match=message[-12:]) as caught:
        pull({"status": "pulling manifest"}, {"error": message})
    assert type(caught.value) is kind
    assert advice in caught.value.advice


def test_stopping_a_pull_closes_its_connection():
    with MisbehavingServer() as server:
        server.then(server.silent(layer(BIG, 4_000_000, 1)))
        stop = StopToken()
        with pytest.raises(Stopped):
            OllamaServer(server.address).pull("m", emit=lambda _event: stop.request(), stop=stop)
        assert server.client_gone.wait(WITHIN)


def test_another_kind_of_server_is_asked_the_same_way():
    with MisbehavingServer(reply({"error": {"message": "no such route"}}, 404)) as server:
        with pytest.raises(TeacherRefused, match=r"404.*no such route") as caught:
            JsonServer("LM Studio", server.address).ask("GET", "/v1/models")
        assert caught.value.where.startswith("LM Studio at localhost")
