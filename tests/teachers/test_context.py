import dataclasses

import pytest
from teachers.misbehaving_server import MisbehavingServer, reply, text
from teachers.small_ollama import MISTRAL, SmallOllama

from tui_tuner.choices import DatasetChoice
from tui_tuner.dataset.examples import asked_and_answered
from tui_tuner.dataset.make import make_dataset
from tui_tuner.dataset.plan import DatasetPlan
from tui_tuner.errors import TeacherRefused
from tui_tuner.files import read_json_lines
from tui_tuner.progress import StopToken, ignore_event
from tui_tuner.teachers.context import Context, least_tokens, most_tokens
from tui_tuner.teachers.ollama import OllamaServer
from tui_tuner.teachers.ollama_address import address_for
from tui_tuner.teachers.ollama_teacher import OllamaTeacher, open_ollama_teacher
from tui_tuner.teachers.server_errors import TooLong
from tui_tuner.teachers.slots import Slots
from tui_tuner.teachers.teacher import Request

SHORT = "word " * 100


def request(*turns, **more):
    """A conversation whose turns are the user's and the assistant's, one after the other."""
    roles = ("user", "assistant")
    messages = tuple({"role": roles[place % 2], "content": turn} for place, turn in enumerate(turns))
    return Request(messages, max_tokens=64, **more)


def lesson(pairs, question="Why is that so?"):
    """Examples to show, each of a hundred words, before a question."""
    return request(*[SHORT, SHORT] * pairs, question)


def teacher_on(server, **more):
    teacher = open_ollama_teacher(server.place, "")
    one_at_a_time = OllamaTeacher(OllamaServer(address_for(server.place)), "mistral:7b", slots=Slots(most=1), **more)
    one_at_a_time._context.limit = teacher._context.limit
    teacher.close()
    return one_at_a_time


def chatting(answer):
    """A server that answers every chat so, and evicts when asked to."""

    def behave(asked):
        (answer if asked.path == "/api/chat" else reply({"done": True, "done_reason": "unload"}))(asked)

    return behave


def ask(teacher, *requests):
    answers = {}
    teacher.ask(requests, answers.__setitem__, StopToken())
    return [answers[place] for place in range(len(requests))]


def test_the_bounds_hold_for_words_letters_and_turns():
    assert least_tokens(request("one two  three\n\nfour")) == 4
    assert least_tokens(request("x" * 50)) == 3
    assert least_tokens(Request(({"role": "system", "content": SHORT}, {"role": "user", "content": "Why?"}))) == 1
    assert most_tokens(request("我爱你")) == 9 + 256 + 16
    assert most_tokens(request("\ud800")) > 0


def test_the_context_stays_within_what_the_model_holds():
    context = Context(limit=3000)
    assert context.size == 3000
    context.make_room(lesson(14))
    assert context.size == 3000
    with pytest.raises(TooLong, match="at least 3004"):
        context.make_room(lesson(15))


@pytest.mark.parametrize(
    ("shown", "length"),
    [
        (
            {"model_info": {"general.architecture": "qwen3", "x.context_length": 5, "qwen3.context_length": 40_960}},
            40_960,
        ),
        ({"model_info": {"llama.context_length": 8192}}, 8192),
        ({"model_info": {"llama.context_length": "many"}}, None),
        ({"model_info": None}, None),
        ({}, None),
    ],
)
def test_the_models_own_length_is_read_where_it_is_said(shown, length):
    with MisbehavingServer(reply(shown)) as server:
        assert OllamaServer(server.address).abilities("m").context_length == length


def test_a_server_that_says_nothing_of_its_models_is_no_obstacle():
    with MisbehavingServer(reply({"models": [MISTRAL]}), reply({"error": "no"}, 400), text("yes")) as server:
        teacher = open_ollama_teacher(f"localhost:{server.port}", "")
        assert ask(teacher, request("Why?"))[0].text == "yes"


def test_an_old_server_that_drops_turns_in_silence_is_found_out():
    # A third of each conversation fits, less than one token for each of its words.
    with SmallOllama(MISTRAL, context=1800, tokens_of_word=3, old=True) as server:
        teacher = teacher_on(server)
        fits, cut = ask(teacher, lesson(2), lesson(8))
        assert fits.text
        assert isinstance(cut, TooLong)
        assert "of at least 1604" in cut.what
        assert "longer context" in cut.advice


def test_a_conversation_that_may_have_lost_a_turn_is_asked_again_with_more_room():
    # It would be 6,008 tokens; without its first turns it fits, and nothing but the count says so.
    with SmallOllama(MISTRAL, context=32_768, tokens_of_word=2, old=True) as server:
        teacher = teacher_on(server)
        teacher._context.make_room = lambda _request: None  # what most texts need is not enough for this one
        (answer,) = ask(teacher, lesson(15))
        assert answer.text
        assert [body["options"]["num_ctx"] for body in server.bodies] == [4096, 8192]


def test_what_is_only_in_memory_is_not_taken_for_cut():
    with SmallOllama(MISTRAL, context=4000, old=True, caches=True) as server:
        teacher = teacher_on(server)
        # The server still holds this very conversation from a session before.
        server.cached = [message["content"] for message in lesson(10).messages]
        answers = ask(teacher, *[lesson(10, f"Why {number}?") for number in range(5)])
        assert all(not isinstance(answer, TeacherRefused) for answer in answers)
        assert len(server.evictions) == 1  # one look with an empty memory is enough for all of them


def test_what_was_cut_once_is_not_asked_for_again_and_again():
    with SmallOllama(MISTRAL, context=1500, old=True) as server:
        teacher = teacher_on(server)
        teacher._context.limit = None  # nobody says how much the model holds
        answers = ask(teacher, *[lesson(18, f"Why {number}?") for number in range(6)])
        assert all(isinstance(answer, TooLong) for answer in answers)
        assert len(server.evictions) == 1


def test_a_text_that_needs_more_room_than_most_gets_it():
    # Every letter a word of its own: 8,400 bytes, for which a third as many tokens is the first guess.
    dense = request("a " * 4200)
    for old in (False, True):  # refused for its length, or cut in silence
        with SmallOllama(MISTRAL, context=32_768, old=old) as server:
            assert ask(teacher_on(server), dense)[0].text
            sizes = [body["options"]["num_ctx"] for body in server.bodies]
            assert sizes == ([4096, 8192] if old else [8192])
            assert server.evictions == []


def test_an_answer_that_overflows_the_context_has_lost_its_beginning():
    with MisbehavingServer(chatting(text("lost", prompt_eval_count=4000, eval_count=500))) as server:
        teacher = OllamaTeacher(OllamaServer(server.address), "m", limit=4096, slots=Slots(most=1))
        (answer,) = ask(teacher, lesson(5))
    assert isinstance(answer, TooLong)


def test_a_server_that_never_counts_is_believed():
    with MisbehavingServer(chatting(text("yes"))) as server:
        teacher = OllamaTeacher(OllamaServer(server.address), "m", limit=4096, slots=Slots(most=1))
        answers = ask(teacher, lesson(10), lesson(10))
        chats = [asked for asked in server.asked if asked.path == "/api/chat"]
    assert [answer.text for answer in answers] == ["yes", "yes"]
    assert len(chats) == 3


def test_a_run_that_cannot_fit_ends_with_what_to_do_and_learns_nothing(tmp_path):
    seeds = tuple(asked_and_answered(f"What is {n}? {SHORT}", f"It is {n}. {SHORT * 5}", "seed") for n in range(6))
    with SmallOllama(MISTRAL, context=2048, old=True) as server:
        choice = DatasetChoice(topic="counting", teacher="ollama", url=server.place, instructions=4)
        teacher = open_ollama_teacher(server.place, "")
        plan = dataclasses.replace(DatasetPlan(tmp_path, choice, (), 2), seed_examples=seeds)
        with pytest.raises(TeacherRefused) as caught:
            make_dataset(plan, teacher, emit=ignore_event, stop=StopToken())
        teacher.close()
    assert "shorter" in caught.value.advice
    assert read_json_lines(tmp_path / "answers.jsonl")[0] == []
