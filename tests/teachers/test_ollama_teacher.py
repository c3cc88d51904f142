import pytest
from teachers.misbehaving_server import MisbehavingServer, hang_up, reply, reset, stream, text

from tui_tuner.errors import Stopped, TeacherRefused, TeacherUnavailable
from tui_tuner.progress import Notice, StopToken
from tui_tuner.teachers.ollama import OllamaModel, OllamaServer
from tui_tuner.teachers.ollama_teacher import OllamaTeacher, choose_model, open_ollama_teacher
from tui_tuner.teachers.slots import Slots
from tui_tuner.teachers.teacher import Answer, Request, Teacher

BUSY = reply({"error": "server busy, please try again.  maximum pending requests exceeded"}, 503)
UNFINISHED = stream({"message": {"content": "same same"}, "done": False})
UNLOADED = reply({"done": True, "done_reason": "unload"})


def request(question="Why?", **more):
    return Request(({"role": "user", "content": question},), **more)


def teacher_of(server, heard=None, waits=(0.0,)):
    emit = (lambda _event: None) if heard is None else heard.append
    return OllamaTeacher(OllamaServer(server.address), "mistral:7b", emit=emit, waits=waits, slots=Slots(most=1))


def ask(teacher, *requests, stop=None):
    answers = []
    teacher.ask(requests, lambda place, answer: answers.append((place, answer)), stop or StopToken())
    return answers


def test_it_is_a_teacher_and_answers_in_turn():
    with MisbehavingServer(text("one", eval_count=1), text("two", done_reason="length", eval_count=5)) as server:
        teacher: Teacher = teacher_of(server)
        assert ask(teacher, request(), request()) == [(0, Answer("one", "stop", 1)), (1, Answer("two", "length", 5))]
        assert teacher.name == f"mistral:7b at localhost:{server.port}"
        assert teacher.continues is False


def test_a_busy_server_is_waited_for_and_the_wait_announced():
    heard = []
    with MisbehavingServer(BUSY, BUSY, BUSY, BUSY, BUSY, BUSY, text("done")) as server:
        assert ask(teacher_of(server, heard), request())[0][1].text == "done"
    assert [event.level for event in heard] == ["warning"] * 6 + ["info"]
    assert "try 6" in heard[5].text
    assert "busy" in heard[0].text


def test_a_server_that_stops_and_starts_again_is_waited_for():
    heard, fresh, answers = [], [], []
    server = MisbehavingServer(text("before"))

    def emit(event):
        heard.append(event)
        if len(heard) == 3:
            fresh.append(MisbehavingServer(text("after"), port=server.port))

    teacher = OllamaTeacher(OllamaServer(server.address), "m", emit=emit, waits=(0.0,), slots=Slots(most=1))

    def on_answer(place, answer):
        answers.append(answer.text)
        if place == 0:
            server.close()

    teacher.ask([request(), request()], on_answer, StopToken())
    fresh[0].close()
    assert answers == ["before", "after"]
    assert [event.level for event in heard] == ["warning", "warning", "warning", "info"]
    assert "waiting, try 3" in heard[2].text


def test_waiting_ends_when_the_person_stops():
    with MisbehavingServer(hang_up) as server:
        pass
    stop = StopToken()
    teacher = OllamaTeacher(
        OllamaServer(server.address), "m", emit=lambda event: stop.request() if isinstance(event, Notice) else None
    )
    with pytest.raises(Stopped):
        ask(teacher, request(), stop=stop)


def test_a_broken_answer_is_asked_again_with_the_same_seed():
    with MisbehavingServer(reset({"message": {"content": "be"}, "done": False}), text("fine")) as server:
        assert ask(teacher_of(server), request(seed=5))[0][1].text == "fine"
        assert [asked.body["options"]["seed"] for asked in server.asked] == [5, 5]


def test_an_answer_that_repeats_itself_is_asked_again_with_another_seed():
    with MisbehavingServer(UNFINISHED, text("fine")) as server:
        assert ask(teacher_of(server), request(seed=5))[0][1] == Answer("fine", "stop", 0)
        seeds = [asked.body["options"]["seed"] for asked in server.asked]
    assert seeds[0] == 5
    assert seeds[1] != 5


def test_an_answer_that_repeats_itself_every_time_is_cut_off_and_the_next_one_asked():
    with MisbehavingServer(*[UNFINISHED] * 4, text("fine")) as server:
        answers = ask(teacher_of(server), request(), request())
    assert [answer for _place, answer in answers] == [Answer("same same", "length", 0), Answer("fine", "stop", 0)]


def test_a_server_that_always_fails_is_given_up():
    crash = reply({"error": "llama runner process has terminated: exit status 2"}, 500)
    with MisbehavingServer(crash) as server:
        ((_place, error),) = ask(teacher_of(server), request())
        assert isinstance(error, TeacherUnavailable)
        assert "runner process" in str(error)
        assert len(server.asked) == 4


def test_what_does_not_pass_is_not_asked_again():
    with MisbehavingServer(reply({"error": "model 'mistral:7b' not found"}, 404)) as server:
        ((_place, error),) = ask(teacher_of(server), request())
        assert isinstance(error, TeacherRefused)
        assert len(server.asked) == 1


def test_the_context_holds_the_longest_request_and_never_shrinks():
    with MisbehavingServer(text("a", prompt_eval_count=4_000)) as server:
        ask(teacher_of(server), request(), request("x" * 30_000, max_tokens=500), request())
        sizes = [asked.body["options"]["num_ctx"] for asked in server.asked]
    assert sizes == [4096, 12288, 12288]


def test_closing_frees_the_memory_it_used():
    with MisbehavingServer(text("a"), UNLOADED) as server:
        teacher = teacher_of(server)
        ask(teacher, request())
        teacher.close()
        assert server.asked[-1].body["keep_alive"] == 0


def test_closing_does_not_touch_a_model_never_asked():
    with MisbehavingServer(UNLOADED) as server:
        teacher_of(server).close()
        assert server.asked == []


def test_closing_forgives_a_server_that_is_gone():
    with MisbehavingServer(text("a")) as server:
        teacher = teacher_of(server)
        ask(teacher, request())
    teacher.close()


MODELS = [
    OllamaModel("nomic-embed-text:latest", 1, "nomic-bert", "", can_chat=False),
    OllamaModel("llama3.2:latest", 1, "llama", "3B"),
    OllamaModel("mistral:7b", 1, "llama", "7B"),
]


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [("", "llama3.2:latest"), ("llama3.2", "llama3.2:latest"), ("mistral:7b", "mistral:7b")],
)
def test_a_model_is_chosen_by_name_or_the_first_that_writes(wanted, chosen):
    assert choose_model(MODELS, wanted, "localhost") == chosen


@pytest.mark.parametrize(
    ("models", "wanted", "command"),
    [(MODELS, "mistral", "ollama pull mistral"), (MODELS[:1], "", "ollama pull"), ([], "", "ollama pull")],
)
def test_a_model_that_is_not_there_says_how_to_get_it(models, wanted, command):
    with pytest.raises(TeacherRefused) as caught:
        choose_model(models, wanted, "localhost")
    assert command in caught.value.advice


def test_a_teacher_is_opened_on_the_projects_server():
    with MisbehavingServer(reply({"models": [{"name": "llama3.2:latest"}]})) as server:
        teacher = open_ollama_teacher(f"localhost:{server.port}", "")
        assert teacher.name == f"llama3.2:latest at localhost:{server.port}"
        teacher.close()
