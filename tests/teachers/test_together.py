import threading

import pytest

from tui_tuner.errors import Stopped, StorageError, TeacherRefused
from tui_tuner.progress import StopToken
from tui_tuner.teachers.server_errors import ServerAway
from tui_tuner.teachers.slots import Slots
from tui_tuner.teachers.teacher import Answer, Request
from tui_tuner.teachers.together import Lane, answer_together

WITHIN = 10.0


def together(number, answer_one, on_answer, *, most=4, stop=None):
    answer_together(asked(number), [lane(answer_one, most=most)], on_answer, stop or StopToken())


def asked(number):
    """Requests that hold their own place."""
    return [Request((), seed=place) for place in range(number)]


def lane(answer_one, *, most=4, heard=None):
    def hears(error, failures):
        if heard is not None:
            heard.append((error and error.what, failures))

    return Lane(lambda request, leave: answer_one(request.seed, leave), Slots(most=most), hears, rests=(0.0,))


def said(place):
    return Answer(str(place), "stop", 1)


def test_several_are_on_their_way_and_everything_comes_to_the_thread_that_asked():
    meeting, threads, answers = threading.Barrier(4), set(), {}

    def answer_one(place, _leave):
        meeting.wait(WITHIN)
        return said(place)

    def on_answer(place, answer):
        threads.add(threading.current_thread())
        answers[place] = answer.text

    together(4, answer_one, on_answer)
    assert answers == {place: str(place) for place in range(4)}
    assert threads == {threading.current_thread()}


def test_an_error_takes_its_answers_place_and_the_others_go_on():
    def answer_one(place, _leave):
        if place == 1:
            raise TeacherRefused("not this one")
        return said(place)

    outcomes = {}
    together(5, answer_one, outcomes.__setitem__)
    assert isinstance(outcomes.pop(1), TeacherRefused)
    assert sorted(outcomes) == [0, 2, 3, 4]


@pytest.mark.parametrize("wrong", [StorageError("the disk is full"), RuntimeError("a mistake of ours")])
def test_whoever_cannot_take_an_answer_ends_it_and_nothing_more_is_asked(wrong):
    left = threading.Event()

    def answer_one(place, leave):
        if place == 0:
            return said(place)
        try:
            leave.wait(WITHIN)
        except Stopped:
            left.set()
        return said(place)

    def on_answer(_place, _answer):
        raise wrong

    with pytest.raises(type(wrong)):
        together(100, answer_one, on_answer)
    assert left.is_set()


def test_a_mistake_of_ours_is_not_taken_for_the_teachers():
    def answer_one(_place, _leave):
        raise RuntimeError("ours")

    with pytest.raises(RuntimeError, match="ours"):
        together(2, answer_one, lambda *_outcome: None)


def test_stopping_gives_up_what_is_on_its_way():
    stop, left = StopToken(), threading.Event()

    def answer_one(place, leave):
        stop.request()
        try:
            leave.wait(WITHIN)
        except Stopped:
            left.set()
        return said(place)

    with pytest.raises(Stopped):
        together(3, answer_one, lambda *_outcome: None, stop=stop)
    assert left.is_set()


def test_while_paused_nothing_is_asked_and_what_was_asked_is_taken():
    stop, taken, sent = StopToken(), [], []
    both = threading.Event()

    def answer_one(place, _leave):
        sent.append(place)
        return said(place)

    def on_answer(place, _answer):
        if not taken:
            stop.pause()
        taken.append(place)
        if len(taken) == 2:
            both.set()

    work = threading.Thread(target=together, args=(6, answer_one, on_answer), kwargs={"most": 2, "stop": stop})
    work.start()
    assert both.wait(WITHIN)
    work.join(0.3)
    assert work.is_alive()
    assert len(sent) == 2
    stop.unpause()
    work.join(WITHIN)
    assert sorted(taken) == list(range(6))


def by(name):
    return lambda _place, _leave: Answer(name, "stop", 1)


def test_several_servers_share_the_work():
    meeting, answers = threading.Barrier(2), {}

    def meets(name):
        def answer_one(_place, _leave):
            meeting.wait(WITHIN)
            return Answer(name, "stop", 1)

        return answer_one

    lanes = [lane(meets("a"), most=1), lane(meets("b"), most=1)]
    answer_together(asked(6), lanes, lambda place, answer: answers.__setitem__(place, answer.text), StopToken())
    assert sorted(answers.values()) == ["a", "a", "a", "b", "b", "b"]


@pytest.mark.parametrize("error", [ServerAway("nobody there"), TeacherRefused("no such model")])
def test_a_server_that_fails_hands_its_part_back(error):
    heard, answers = [], {}

    def fails(_place, _leave):
        raise error

    lanes = [lane(fails, heard=heard), lane(by("b"), most=1)]
    answer_together(asked(8), lanes, lambda place, answer: answers.__setitem__(place, answer.text), StopToken())
    assert answers == dict.fromkeys(range(8), "b")
    assert heard == [(error.what, 0)]


def test_a_request_that_every_server_fails_at_gets_its_error_and_the_others_are_answered():
    def fails_at_three(place, _leave):
        if place == 3:
            raise TeacherRefused("too long")
        return said(place)

    outcomes = {}
    answer_together(asked(6), [lane(fails_at_three), lane(fails_at_three)], outcomes.__setitem__, StopToken())
    assert isinstance(outcomes.pop(3), TeacherRefused)
    assert sorted(outcomes) == [0, 1, 2, 4, 5]


def test_a_server_that_is_back_is_used_again():
    heard, tries = [], iter(range(100))

    def comes_back(place, _leave):
        if next(tries) < 2:
            raise ServerAway("nobody there")
        return said(place)

    answer_together(asked(3), [lane(comes_back, most=1, heard=heard)], lambda *_outcome: None, StopToken())
    assert heard == [("nobody there", 1), ("nobody there", 2), (None, 0)]


def test_a_server_that_is_away_stays_so_from_one_round_to_the_next():
    heard = []

    def fails(_request, _leave):
        raise ServerAway("nobody there")

    away = Lane(fails, Slots(), lambda *told: heard.append(told), rests=(60.0,))
    for _round in range(3):
        answer_together(asked(4), [away, lane(by("b"))], lambda *_outcome: None, StopToken())
    assert len(heard) == 1


def test_where_every_server_is_away_each_says_that_it_is_waited_for():
    heard, stop = [], StopToken()

    def fails(_place, _leave):
        if len(heard) > 5:
            stop.request()
        raise ServerAway("nobody there")

    lanes = [lane(fails, most=1, heard=heard), lane(fails, most=1, heard=heard)]
    with pytest.raises(Stopped):
        answer_together(asked(4), lanes, lambda *_outcome: None, stop)
    assert heard[0] == ("nobody there", 0)
    assert ("nobody there", 3) in heard
