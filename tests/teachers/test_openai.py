import json

import pytest
from teachers.misbehaving_server import MisbehavingServer, hang_up, raw, reply

from tui_tuner.errors import TeacherRefused, TeacherUnavailable
from tui_tuner.progress import StopToken
from tui_tuner.teachers.openai_server import OpenAIServer, openai_address
from tui_tuner.teachers.openai_teacher import OpenAITeacher, key_for, open_openai_teacher
from tui_tuner.teachers.server_errors import ServerAway, Unfinished
from tui_tuner.teachers.teacher import Answer, Request

SCHEMA = {"type": "array", "items": {"type": "string"}}
WHY = Request(({"role": "user", "content": "Why?"},), max_tokens=9, temperature=0.5, seed=3, schema=SCHEMA)


def piece(text="", finish=None, **more):
    return {"choices": [{"delta": {"content": text}, "finish_reason": finish}], **more}


def events(*rows, before=b"", done=b"data: [DONE]\n\n"):
    """Server-sent events, as these servers write them."""
    lines = b"".join(b"data: " + json.dumps(row).encode() + b"\n\n" for row in rows)

    def behave(asked):
        asked.start_stream()
        asked.chunk(before + lines + done)
        asked.end_stream()

    return behave


SPOKEN = events(piece("Be"), piece("cause", "stop"))


def ask(server, request=WHY, **more):
    return OpenAIServer(server.address, **more).chat("m", request, stop=StopToken())


def test_an_answer_comes_in_pieces_with_its_end_and_its_tokens():
    usage = {"choices": [], "usage": {"completion_tokens": 7}}
    spoken = events(piece("Be"), piece("cause"), piece(finish="stop"), usage, before=b": keepalive 1/2\n\n")
    heard = []
    with MisbehavingServer(spoken) as server:
        answer = OpenAIServer(server.address).chat("m", WHY, stop=StopToken(), on_text=heard.append)
        body = server.asked[0].body
    assert answer == Answer("Because", "stop", 7)
    assert heard == ["Be", "cause"]
    assert server.asked[0].path == "/v1/chat/completions"
    assert (body["model"], body["max_tokens"], body["temperature"], body["seed"]) == ("m", 9, 0.5, 3)
    assert body["response_format"]["json_schema"]["schema"] == SCHEMA


def test_a_cut_off_answer_says_so():
    with MisbehavingServer(events(piece("Be", "length"))) as server:
        assert ask(server).finish == "length"


def test_a_server_that_does_not_stream_is_understood():
    whole = {"choices": [{"message": {"content": "Because"}, "finish_reason": "stop"}]}
    with MisbehavingServer(reply(whole)) as server:
        assert ask(server).text == "Because"


def test_a_server_that_refuses_schemas_is_asked_without_one_from_then_on():
    refusal = reply({"error": "response_format is not supported"}, 400)
    with MisbehavingServer(refusal, SPOKEN) as server:
        asker = OpenAIServer(server.address)
        for _time in range(2):
            assert asker.chat("m", WHY, stop=StopToken()).text == "Because"
        assert ["response_format" in asked.body for asked in server.asked] == [True, False, False]


def test_the_model_is_asked_not_to_think_where_the_server_can_say_so():
    thought = events(piece("<think>hm</think>\n\nBecause", "stop"))
    with MisbehavingServer(thought) as server:
        assert ask(server).text == "Because"
        assert server.asked[0].body["chat_template_kwargs"] == {"enable_thinking": False}


def test_a_server_that_knows_schemas_but_not_thinking_still_gets_its_schemas():
    refusal = reply({"error": "unrecognized argument: chat_template_kwargs"}, 400)
    with MisbehavingServer(refusal, refusal, SPOKEN) as server:
        asker = OpenAIServer(server.address)
        for _time in range(2):
            assert asker.chat("m", WHY, stop=StopToken()).text == "Because"
        last = server.asked[-2:]
    assert all("response_format" in asked.body and "chat_template_kwargs" not in asked.body for asked in last)


def test_a_stream_without_its_end_is_no_answer_but_keeps_what_came():
    with MisbehavingServer(events(piece("Be"), done=b"")) as server, pytest.raises(Unfinished) as caught:
        ask(server)
    assert caught.value.text == "Be"


@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        (hang_up, TeacherUnavailable),
        (reply({"error": {"message": "queue full"}}, 503), ServerAway),
        (reply({"error": {"message": "no such model"}}, 404), TeacherRefused),
        (raw(b"<html>router</html>"), TeacherRefused),
        (events({"error": {"message": "out of memory"}}), TeacherUnavailable),
    ],
)
def test_failures_are_told_apart(behaviour, kind):
    with MisbehavingServer(behaviour) as server, pytest.raises(kind) as caught:
        ask(server, Request(WHY.messages))
    assert "localhost" in str(caught.value)


def test_the_key_goes_to_the_server_and_into_no_message(monkeypatch):
    monkeypatch.setenv("TUNER_TEACHER_KEY", "sk-secret")
    with MisbehavingServer(reply({"error": {"message": "bad key"}}, 401)) as server:
        with pytest.raises(TeacherRefused) as caught:
            open_openai_teacher(f"localhost:{server.port}", "")
        assert "authorization: bearer sk-secret" in server.asked[0].headers.lower()
    assert "sk-secret" not in str(caught.value)
    assert "TUNER_TEACHER_KEY" in caught.value.advice


@pytest.mark.parametrize(
    ("url", "hosts", "shown"),
    [
        ("localhost:1234", "", True),
        ("192.168.1.7:1234", "", True),
        ("http://studio.local:8080", "", True),
        ("https://api.example.com", "", False),
        ("https://api.example.com", "api.example.com", True),
        ("https://api.example.com/v1", "other.example.com; API.example.com", True),
        ("http://api.example.com", "api.example.com", False),
        ("https://api.example.com.evil.com", "api.example.com", False),
    ],
)
def test_a_key_leaves_the_network_only_for_a_server_named_beside_it(monkeypatch, url, hosts, shown):
    monkeypatch.setenv("TUNER_TEACHER_KEY", "sk-secret")
    monkeypatch.setenv("TUNER_TEACHER_KEY_HOST", hosts)
    assert key_for(openai_address(url)) == ("sk-secret" if shown else "")


def test_without_a_name_the_first_model_that_writes_is_taken():
    listed = {"data": [{"id": "text-embedding-nomic"}, {"id": "qwen3-4b"}]}
    with MisbehavingServer(reply(listed)) as server:
        teacher = open_openai_teacher(f"http://localhost:{server.port}/v1", "")
        assert teacher.name == f"qwen3-4b at localhost:{server.port}"
        assert server.asked[0].path == "/v1/models"


def test_a_server_without_models_says_what_to_do():
    with (
        MisbehavingServer(reply({"data": []})) as server,
        pytest.raises(TeacherRefused, match="no model") as caught,
    ):
        open_openai_teacher(f"localhost:{server.port}", "")
    assert "teacher_model" in caught.value.advice


def test_the_mlx_server_that_cannot_list_its_models_writes_with_the_one_it_was_started_with():
    with MisbehavingServer(raw(b"")) as server:
        assert OpenAIServer(server.address).models() == ["default_model"]


def test_a_busy_server_is_waited_for():
    with MisbehavingServer(reply({"error": "busy"}, 503), hang_up, SPOKEN) as server:
        answers = []
        teacher = OpenAITeacher(OpenAIServer(server.address), "m", waits=(0.0,))
        teacher.ask([WHY], lambda place, answer: answers.append(answer.text), StopToken())
    assert answers == ["Because"]


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("", "http://127.0.0.1:1234"),
        ("localhost", "http://localhost:1234"),
        ("studio.local:8080", "http://studio.local:8080"),
        ("http://localhost:8080/v1/", "http://localhost:8080"),
        ("https://example.com/api/v1", "https://example.com:443/api"),
    ],
)
def test_addresses(text, url):
    assert openai_address(text).url == url
