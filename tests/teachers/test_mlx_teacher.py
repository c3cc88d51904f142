import threading

import pytest
import tiny_model

from tui_tuner.choices import DatasetChoice
from tui_tuner.dataset.examples import asked_and_answered
from tui_tuner.dataset.make import make_dataset
from tui_tuner.dataset.plan import DatasetPlan
from tui_tuner.engine import running_engine
from tui_tuner.errors import ModelError, Stopped
from tui_tuner.progress import StopToken, ignore_event
from tui_tuner.teachers.mlx_teacher import MLXTeacher, model_name
from tui_tuner.teachers.teacher import Request, Teacher

NO_SYSTEM = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system turn') }}{% endif %}"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return tiny_model.make(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def teacher(tiny):
    teacher: Teacher = MLXTeacher(tiny)
    yield teacher
    teacher.close()


def request(question="Why?", **settings):
    style = settings.pop("style", "")
    system = ({"role": "system", "content": style},) if style else ()
    chosen = {"max_tokens": 6, "temperature": 1.0, **settings}
    return Request((*system, {"role": "user", "content": question}), **chosen)


def ask(teacher, *requests, stop=None):
    answers = {}
    teacher.ask(requests, answers.__setitem__, stop or StopToken())
    return [answers[place] for place in range(len(requests))]


def test_every_request_is_answered_in_its_place_with_its_beginning(teacher):
    answers = ask(teacher, *(request(f"Why {n}?", beginning=f"Since {n}") for n in range(40)))
    assert [answer.text.startswith(f"Since {n}") for n, answer in enumerate(answers)] == [True] * 40
    assert all(0 < answer.tokens <= 6 or answer.finish == "stop" for answer in answers)
    assert teacher.continues


def test_the_same_requests_give_the_same_answers_and_other_seeds_others(teacher, tiny):
    requests = [request(f"Why {n}?", seed=n) for n in range(4)]
    first = ask(teacher, *requests)
    assert ask(MLXTeacher(tiny), *requests) == first
    assert ask(teacher, *(request(f"Why {n}?", seed=n + 1) for n in range(4))) != first


def test_requests_of_different_lengths_keep_their_own(teacher):
    answers = ask(teacher, *(request("Why?", max_tokens=n, temperature=0.0) for n in (2, 9, 2, 5)))
    assert answers[0] == answers[2]
    cut = [answer.tokens for answer in answers if answer.finish == "length"]
    assert set(cut) <= {2, 5, 9}
    assert cut


def test_a_template_without_system_turns_gets_the_style_in_the_first_turn(teacher, tmp_path):
    folder = tiny_model.make(tmp_path / "mistral", template=NO_SYSTEM + tiny_model.TEMPLATE)
    answers = ask(MLXTeacher(folder), request(style="Be brief.", temperature=0.0))
    assert answers == ask(teacher, request("Be brief.\n\nWhy?", temperature=0.0))
    assert ask(teacher, request(style="Be brief.", temperature=0.0)) != answers


def test_a_stop_ends_it_and_what_was_given_is_whole(teacher):
    stop, given = StopToken(), {}

    def on_answer(place, answer):
        given[place] = answer
        stop.request()

    requests = [request(f"Why {n}?", max_tokens=400 if n else 1) for n in range(3)]
    with pytest.raises(Stopped):
        teacher.ask(requests, on_answer, stop)
    assert list(given) == [0]


def test_the_model_is_loaded_when_first_asked_and_freed_when_closed(tiny, tmp_path):
    import mlx.core as mx

    missing = MLXTeacher(tmp_path / "missing")
    with pytest.raises(ModelError):
        ask(missing, request())
    missing.close()
    weights = (tiny / "model.safetensors").stat().st_size
    before = mx.get_active_memory()
    teacher = MLXTeacher(tiny)
    assert mx.get_active_memory() == before
    ask(teacher, request())
    assert mx.get_active_memory() - before > 0.9 * weights
    teacher.close()
    assert mx.get_active_memory() - before < 0.01 * weights


def test_it_works_on_the_engines_thread_and_has_the_models_name(tiny):
    with running_engine() as engine:
        teacher = MLXTeacher(tiny)
        future = engine.submit(lambda: (ask(teacher, request()), teacher.close(), threading.current_thread().name))
        answers, _closed, thread = future.result(60)
    assert (len(answers), thread) == (1, "mlx")
    assert teacher.name == f"{tiny.name} in this process"


def test_a_snapshot_is_called_like_its_repository(tmp_path):
    hub = tmp_path / "models--mlx-community--Mistral-7B-Instruct-v0.3-4bit" / "snapshots" / "0a1b2c"
    assert model_name(hub) == "mlx-community/Mistral-7B-Instruct-v0.3-4bit"
    assert model_name(tmp_path / "starter") == "starter"


@pytest.mark.starter
def test_the_starter_model_writes_questions_and_answers_in_the_style(starter, tmp_path):
    seeds = [
        ("Can I grow herbs on a windowsill?", "In short: most herbs like a sunny window. Try this: start with basil."),
        ("How do I get rid of slugs?", "In short: slugs hide in damp places. Try this: lay out a wet board at dusk."),
        ("Why do my tomatoes split?", "In short: they split after sudden rain. Try this: water a little every day."),
        ("When should I plant garlic?", "In short: garlic wants a cold winter. Try this: plant cloves in October."),
    ]
    choice = DatasetChoice(
        topic="growing plants in a small garden",
        instructions=4,
        opening_phrases=("How do I", "Can I", "When should I", "Why do my"),
        answer_beginning="In short:",
        answer_must_contain=("In short:", "Try this:"),
        max_tokens=64,
        temperature=0.5,
    )
    examples = tuple(asked_and_answered(*pair, "seed") for pair in seeds)
    teacher = MLXTeacher(starter)
    report = make_dataset(DatasetPlan(tmp_path, choice, examples, 4), teacher, emit=ignore_event, stop=StopToken())
    teacher.close()
    assert report.instructions == 4
    assert report.answers >= 3
    assert report.train + report.valid == report.answers + 4
