import pytest
from teachers.misbehaving_server import WITHIN, MisbehavingServer, reply, stream, text
from teachers.small_ollama import MISTRAL, SmallOllama

from tui_tuner.errors import TeacherRefused, TeacherUnavailable
from tui_tuner.models.replies import Sampling
from tui_tuner.progress import StopToken
from tui_tuner.teachers.model_in_ollama import ModelInOllama
from tui_tuner.teachers.server_errors import TooLong

ASKED = [{"role": "user", "content": "how do I start?"}]
TAGS, SHOWN = reply({"models": [MISTRAL]}), reply({"model_info": {"llama.context_length": 900}})


def test_it_is_asked_as_a_model_in_this_process_is():
    with SmallOllama({**MISTRAL, "name": "mistral:latest"}) as server:
        model = ModelInOllama("mistral", server.place)
        sampling = Sampling(30, 0.5, top_p=0.9, seed=7, top_k=40, min_p=0.1, repetition_penalty=1.2)
        heard = []
        said = model.stream_reply(ASKED, sampling, heard.append, StopToken())
        model.stream_reply(ASKED, Sampling(30), heard.append, StopToken())
        model.close()
    assert said.finish == "stop" and "how do I start" in said.text
    sampled, plain = [body["options"] for body in server.bodies]
    assert server.bodies[0]["model"] == "mistral:latest"
    wanted = {"num_predict": 30, "temperature": 0.5, "seed": 7, "top_p": 0.9, "top_k": 40, "min_p": 0.1}
    assert {**wanted, "repeat_penalty": 1.2}.items() <= sampled.items()
    assert {"temperature": 0.0, "top_p": 1.0, "top_k": 0, "min_p": 0.0, "repeat_penalty": 1.0}.items() <= plain.items()


def test_stopped_it_gives_what_was_written():
    stop, heard = StopToken(), []

    def hear(piece):
        heard.append(piece)
        stop.request()

    with MisbehavingServer(TAGS, SHOWN) as server:
        server.then(server.silent({"message": {"content": "one "}, "done": False}))
        model = ModelInOllama("mistral:7b", f"localhost:{server.port}")
        said = model.stream_reply(ASKED, Sampling(30), hear, stop)
        assert server.client_gone.wait(WITHIN)
        model.close()
    assert (said.text, said.finish, said.tokens, heard) == ("one ", "stopped", 1, ["one "])


def test_loading_is_told_apart_from_answering():
    last = {"eval_count": 4, "eval_duration": 2_000_000_000, "load_duration": 3_000_000_000}
    with MisbehavingServer(TAGS, SHOWN, text("one", **last)) as server:
        model = ModelInOllama("mistral:7b", f"localhost:{server.port}")
        said = model.stream_reply(ASKED, Sampling(30), lambda _piece: None, StopToken())
        model.close()
    assert (said.tokens_per_second, model.load_seconds) == (2.0, 3.0)


def test_what_is_not_there_or_does_not_fit_is_said():
    with SmallOllama(MISTRAL, context=50) as server:
        missing, small = ModelInOllama("phi", server.place), ModelInOllama("mistral:7b", server.place)
        with pytest.raises(TeacherRefused, match="no model phi") as caught:
            missing.find()
        assert "ollama pull phi" in caught.value.advice
        long = [{"role": "user", "content": "so " * 60}]
        with pytest.raises(TooLong, match="at least 60 tokens"):
            small.stream_reply(long, Sampling(30), lambda _piece: None, StopToken())
        missing.close()
        small.close()
    with pytest.raises(TeacherUnavailable):
        ModelInOllama("mistral:7b", server.place).find()


@pytest.mark.parametrize(("capabilities", "asked"), [(["completion", "thinking"], True), (["completion"], False)])
def test_only_a_model_that_can_think_is_asked_to(capabilities, asked):
    shown = reply({"model_info": {"llama.context_length": 900}, "capabilities": capabilities})
    rows = [
        {"message": {"thinking": "hm"}},
        {"message": {"content": "So."}},
        {"message": {"content": ""}, "done": True},
    ]
    with MisbehavingServer(TAGS, shown, stream(*rows)) as server:
        model = ModelInOllama("mistral:7b", f"localhost:{server.port}")
        made = model.stream_reply(ASKED, Sampling(30, thinking=True), lambda _piece: None, StopToken())
        model.close()
    assert server.asked[-1].body["think"] is asked
    assert made.text == ("<think>\nhm\n</think>\n\nSo." if asked else "So.")
