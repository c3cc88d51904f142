import pytest
import tiny_model

from tui_tuner.errors import Stopped
from tui_tuner.models import generation
from tui_tuner.models.generation import batch_replies
from tui_tuner.models.loading import load_model
from tui_tuner.models.replies import Sampling
from tui_tuner.progress import StopToken

LESSON = [
    {"role": "user", "content": "Count to three, slowly and with care."},
    {"role": "assistant", "content": "One, two, three."},
]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    return load_model(tiny_model.make(tmp_path_factory.mktemp("tiny")))


def answers(loaded, conversations, stop=None):
    found = {}
    batch_replies(loaded, conversations, Sampling(max_tokens=12), found.__setitem__, stop or StopToken())
    return [(found[place].text, found[place].prompt_tokens) for place in range(len(conversations))]


def test_a_beginning_read_once_changes_no_answer(loaded, monkeypatch):
    conversations = [[*LESSON, {"role": "user", "content": "x" * n}] for n in (1, 9, 30, 9)]
    shared = answers(loaded, conversations)
    monkeypatch.setattr(generation, "WORTH_SHARING", 10**9)
    assert answers(loaded, conversations) == shared


def test_equal_prompts_and_a_long_beginning_are_fine(loaded):
    long = [{"role": "user", "content": "count " * 300}]
    (first, second) = answers(loaded, [long, long])
    assert first == second


def test_a_stop_while_the_beginning_is_read_is_heard(loaded):
    stop = StopToken()
    stop.request()
    with pytest.raises(Stopped):
        answers(loaded, [LESSON[:1], LESSON[:1]], stop)
