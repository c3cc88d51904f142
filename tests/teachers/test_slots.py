import pytest
from teachers.server_with_slots import ServerWithSlots

from tui_tuner.progress import StopToken
from tui_tuner.teachers.ollama import OllamaServer
from tui_tuner.teachers.ollama_address import Address
from tui_tuner.teachers.ollama_teacher import OllamaTeacher
from tui_tuner.teachers.slots import Slots
from tui_tuner.teachers.teacher import Request


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def answer_all(slots, clock, places, seconds, number, *, streams):
    """Play a server with `places` slots, each answer taking `seconds`, until `number` have come; return who is left."""
    queued, served, done = [], [], 0
    while done < number:
        while len(queued) + len(served) < slots.limit:
            queued.append(slots.begin())
        while queued and len(served) < places:
            served.append([queued.pop(0), clock.now + seconds])
        clock.now += seconds / 10
        if streams:
            for flight, _end in served:
                flight.heard()
        for one in [one for one in served if one[1] <= clock.now + 1e-9]:
            served.remove(one)
            one[0].end(whole=True)
            done += 1
    return [*queued, *(flight for flight, _end in served)]


@pytest.mark.parametrize("places", [1, 2, 4, 7, 16])
def test_a_streaming_server_gets_what_it_can_answer_and_one_more(places):
    clock = Clock()
    slots = Slots(clock=clock)
    answer_all(slots, clock, places, 1.0, 30 * places, streams=True)
    assert slots.limit == places + 1


@pytest.mark.parametrize("places", [4, 8, 16])
def test_a_server_that_sends_whole_answers_gets_what_it_can_answer_and_a_short_queue(places):
    clock = Clock()
    slots = Slots(clock=clock)
    answer_all(slots, clock, places, 1.0, 60 * places, streams=False)
    assert places <= slots.limit <= 2 * places


def test_a_full_queue_halves_the_requests():
    slots = Slots(start=8)
    slots.busy()
    assert slots.limit == 4
    for _time in range(5):
        slots.busy()
    assert slots.limit == 1


def test_the_last_answers_of_a_run_do_not_count_as_a_server_with_few_slots():
    clock = Clock()
    slots = Slots(clock=clock)
    open_flights = answer_all(slots, clock, 4, 1.0, 40, streams=True)
    last = slots.begin()
    for other in open_flights:
        other.end(whole=False)
    clock.now += 0.1
    last.heard()
    clock.now += 0.9
    last.end(whole=True)
    assert slots.limit == 5


@pytest.mark.parametrize("streams", [True, False])
def test_a_real_connection_uses_every_slot_and_keeps_the_answers_apart(streams):
    questions = [f"Question {number}?" for number in range(40)]
    with ServerWithSlots(4, 0.05, streams=streams) as server:
        teacher = OllamaTeacher(OllamaServer(Address(port=server.port)), "m")
        answers = {}
        teacher.ask(
            [Request(({"role": "user", "content": question},)) for question in questions],
            lambda place, answer: answers.__setitem__(place, answer.text),
            StopToken(),
        )
        assert 4 <= server.most <= 9
    assert all(answers[place].startswith(question) for place, question in enumerate(questions))
