import time

import pytest
import tiny_model
from teachers.misbehaving_server import MisbehavingServer, hang_up, reply, text

from tui_tuner.choices import DatasetChoice
from tui_tuner.dataset.make import make_dataset
from tui_tuner.dataset.plan import DatasetPlan
from tui_tuner.errors import TeacherError, TeacherRefused, TeacherUnavailable
from tui_tuner.progress import StopToken, ignore_event
from tui_tuner.teachers import choosing
from tui_tuner.teachers.choosing import QUICKLY, available_teachers, open_teacher
from tui_tuner.teachers.in_turn import ModelsInTurn
from tui_tuner.teachers.mlx_teacher import MLXTeacher
from tui_tuner.teachers.teacher import Request
from tui_tuner.teachers.teacher_choice import TeacherChoice

MODELS = {
    "models": [
        {"name": "mistral:7b", "size": 4_372_824_384, "details": {"family": "llama", "parameter_size": "7.2B"}},
        {"name": "nomic-embed-text:latest", "size": 1, "details": {"family": "nomic-bert"}},
    ]
}
FETCHED = TeacherChoice("mlx", "", "starter", "in this process, fetched first")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return tiny_model.make(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(autouse=True)
def no_ollama(monkeypatch):
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")  # the discard port: nobody listens
    monkeypatch.setattr(choosing, "USUAL_PORTS", (9,))
    monkeypatch.delenv("TUNER_TEACHER_KEY", raising=False)


def test_only_teachers_that_are_there_are_offered_or_the_base_model_which_can_be_fetched(tiny):
    assert available_teachers("no such folder") == []
    assert available_teachers("starter") == [FETCHED]
    (teacher,) = available_teachers(str(tiny))
    assert (teacher.kind, teacher.model, teacher.name, teacher.where) == ("mlx", "", str(tiny), "in this process")
    assert teacher.size == sum(file.stat().st_size for file in tiny.glob("*.safetensors"))
    assert teacher.family == "llama"


def test_the_models_of_ollama_that_can_write_are_offered(tiny, monkeypatch):
    with MisbehavingServer(reply(MODELS)) as server:
        place = f"127.0.0.1:{server.port}"
        where = f"localhost:{server.port}"
        expected = TeacherChoice("ollama", "mistral:7b", "mistral:7b", where, place, 4_372_824_384, "llama", "7.2B")
        assert available_teachers("starter", [place]) == [FETCHED, expected]
        monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{server.port}")
        assert [choice.kind for choice in available_teachers(str(tiny))] == ["mlx", "ollama"]


def test_a_model_that_runs_elsewhere_says_so_and_is_never_taken_unasked():
    cloud = {"name": "big:cloud", "size": 384, "remote_host": "https://ollama.com:443"}
    with MisbehavingServer(reply({"models": [cloud, *MODELS["models"]]})) as server:
        place = f"localhost:{server.port}"
        _base, first, last = available_teachers("starter", [place])
        assert (first.name, last.name) == ("mistral:7b", "big:cloud")
        assert last.where == f"ollama.com, through {place}"
        teacher = open_teacher(DatasetChoice(teacher="ollama", url=place), None, ignore_event)
        assert teacher.name == f"mistral:7b at {place}"


def test_a_server_that_is_no_ollama_is_found_in_its_usual_place_and_not_shown_the_key(monkeypatch):
    monkeypatch.setenv("TUNER_TEACHER_KEY", "sk-secret")
    with MisbehavingServer(reply({"data": [{"id": "qwen3-4b"}]})) as server:
        monkeypatch.setattr(choosing, "USUAL_PORTS", (server.port,))
        place = f"localhost:{server.port}"
        expected = TeacherChoice("openai", "qwen3-4b", "qwen3-4b", place, place)
        assert available_teachers("starter") == [FETCHED, expected]
        assert available_teachers("starter", [place])[-1].url == place
        assert all("sk-secret" not in asked.headers for asked in server.asked)


def test_a_silent_server_is_not_waited_for_long():
    with MisbehavingServer(lambda asked: asked.wait_until_gone()) as server:
        began = time.monotonic()
        assert available_teachers("starter", [f"127.0.0.1:{server.port}"]) == [FETCHED]
    assert time.monotonic() - began < QUICKLY + 2


def test_the_base_model_teaches_unless_another_is_named(tiny, tmp_path):
    teacher = open_teacher(DatasetChoice(), tiny, ignore_event)
    assert isinstance(teacher, MLXTeacher)
    assert teacher.name.startswith(tiny.name)
    other = tiny_model.make(tmp_path / "other")
    assert open_teacher(DatasetChoice(teacher_model=str(other)), tiny, ignore_event).name.startswith("other")


def test_several_models_in_this_process_write_in_turn_the_base_model_among_them(tiny, tmp_path):
    other = tiny_model.make(tmp_path / "other")
    choice = DatasetChoice(teacher_model=f"base; {other}", max_tokens=4)
    teacher = open_teacher(choice, tiny, ignore_event, base_name="base")
    assert isinstance(teacher, ModelsInTurn)
    requests = [Request(({"role": "user", "content": "Why?"},), max_tokens=4, turn=turn) for turn in range(4)]
    answers = {}
    teacher.ask(requests, answers.__setitem__, StopToken())
    teacher.close()
    names = [answers[place].by.partition(" ")[0] for place in range(4)]
    assert names == [tiny.name, "other", tiny.name, "other"]


@pytest.mark.parametrize("choice", [DatasetChoice(), DatasetChoice(teacher_model="nobody/knows-it")])
def test_a_missing_model_is_said(choice):
    with pytest.raises(TeacherError) as caught:
        open_teacher(choice, None, ignore_event)
    assert caught.value.advice


def test_a_missing_server_or_model_there_is_said():
    with pytest.raises(TeacherUnavailable):
        open_teacher(DatasetChoice(teacher="ollama"), None, ignore_event)
    with MisbehavingServer(reply(MODELS)) as server:
        url = f"127.0.0.1:{server.port}"
        with pytest.raises(TeacherRefused) as caught:
            open_teacher(DatasetChoice(teacher="ollama", teacher_model="phi:3b", url=url), None, ignore_event)
    assert "ollama pull phi:3b" in caught.value.advice
    with MisbehavingServer(hang_up) as server, pytest.raises(TeacherError):
        open_teacher(DatasetChoice(teacher="ollama", url=f"127.0.0.1:{server.port}"), None, ignore_event)


def test_a_dataset_is_made_by_a_model_in_ollama(tmp_path):
    questions = text('["How do I count?", "Can I count to ten?", "Why cou', done_reason="length", eval_count=20)
    more = text('["Why count at all?", "Who counts best here?"]', eval_count=20)
    with MisbehavingServer(reply(MODELS), reply({}), questions, more, text("One, two, three.", eval_count=6)) as server:
        choice = DatasetChoice(topic="counting", teacher="ollama", url=f"127.0.0.1:{server.port}", instructions=4)
        teacher = open_teacher(choice, None, ignore_event)
        plan = DatasetPlan(tmp_path, choice, (), 2)
        report = make_dataset(plan, teacher, emit=ignore_event, stop=StopToken())
        teacher.close()
        chats = [asked for asked in server.asked if asked.path == "/api/chat"]
    assert (report.instructions, report.answers, report.teacher) == (4, 4, f"mistral:7b at localhost:{server.port}")
    assert [("format" in asked.body) for asked in chats] == [True, True, False, False, False, False]


@pytest.mark.parametrize(("named", "trusted"), [(False, True), (True, False)])
def test_only_the_base_model_may_run_the_code_that_was_allowed_for_it(tiny, monkeypatch, named, trusted):
    from tui_tuner.models import loading

    asked = {}

    def load(path, *, trust_remote_code=False):
        asked["trusted"] = trust_remote_code
        raise TeacherError("enough")

    monkeypatch.setattr(loading, "load_model", load)
    choice = DatasetChoice(teacher_model=str(tiny) if named else "")
    teacher = open_teacher(choice, tiny, ignore_event, trust_remote_code=True)
    with pytest.raises(TeacherError):
        teacher.ask([Request(({"role": "user", "content": "Why?"},))], lambda *_answer: None, StopToken())
    assert asked["trusted"] is trusted


def test_the_address_of_another_server_is_not_taken_for_ollamas():
    there = {"url": "localhost:1234", "teacher_model": "qwen3-4b"}
    other, ollama = DatasetChoice(teacher="openai", **there), DatasetChoice(teacher="ollama", **there)
    assert (other.ollama_url, other.ollama_model) == ("", "")
    assert (ollama.ollama_url, ollama.ollama_model) == ("localhost:1234", "qwen3-4b")
