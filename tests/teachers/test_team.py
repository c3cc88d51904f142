import pytest
from teachers.misbehaving_server import MisbehavingServer, hang_up, reply, text
from teachers.server_with_slots import ServerWithSlots

from tui_tuner.choices import DatasetChoice
from tui_tuner.errors import TeacherRefused, TeacherUnavailable
from tui_tuner.progress import Notice, StopToken
from tui_tuner.teachers.choosing import open_teacher
from tui_tuner.teachers.ollama import OllamaServer
from tui_tuner.teachers.ollama_address import Address
from tui_tuner.teachers.ollama_teacher import OllamaTeacher
from tui_tuner.teachers.slots import Slots
from tui_tuner.teachers.teacher import Request, Teacher
from tui_tuner.teachers.team import ServerTeam

QUESTIONS = [f"Question {number}?" for number in range(24)]
TAGS = reply({"models": [{"name": "llama3.2:latest"}]})


def member(port, heard, **more):
    return OllamaTeacher(OllamaServer(Address(port=port)), "m", emit=heard.append, **more)


def answers_of(teacher):
    answers = {}
    requests = [Request(({"role": "user", "content": question},)) for question in QUESTIONS]
    teacher.ask(requests, answers.__setitem__, StopToken())
    return answers


def test_two_servers_share_the_work_and_nothing_is_asked_twice():
    with ServerWithSlots(2, 0.05) as one, ServerWithSlots(2, 0.05) as other:
        team: Teacher = ServerTeam([member(one.port, []), member(other.port, [])])
        answers = answers_of(team)
        assert (one.answered, other.answered) == pytest.approx((12, 12), abs=6)
        assert one.answered + other.answered == len(QUESTIONS)
    assert all(answers[place].text.startswith(question) for place, question in enumerate(QUESTIONS))
    # Each answer names its own server, not the team.
    names = {f"m at localhost:{one.port}", f"m at localhost:{other.port}"}
    assert {answer.by for answer in answers.values()} == names


def test_a_server_that_dies_half_way_hands_its_part_back():
    heard = []
    with ServerWithSlots(2, 0.02) as good, MisbehavingServer(text("one"), text("two"), hang_up) as dying:
        team = ServerTeam([member(dying.port, heard, waits=(0.0,), slots=Slots(most=2)), member(good.port, heard)])
        answers = answers_of(team)
    assert sorted(answers) == list(range(len(QUESTIONS)))
    assert sum(answer.text in ("one", "two") for answer in answers.values()) == 2
    assert any("the others take its part" in event.text for event in heard if isinstance(event, Notice))


def test_a_server_that_is_not_there_is_said_and_the_others_write():
    heard = []
    with MisbehavingServer(hang_up) as gone:
        pass
    with MisbehavingServer(TAGS) as server:
        url = f"localhost:{gone.port}; localhost:{server.port}"
        teacher = open_teacher(DatasetChoice(teacher="ollama", url=url), None, heard.append)
        assert teacher.name == f"llama3.2:latest at localhost:{server.port}"
    assert f"localhost:{gone.port}" in heard[0].text


def test_all_servers_of_the_setting_are_opened():
    with MisbehavingServer(TAGS) as one, MisbehavingServer(TAGS) as other:
        url = f"localhost:{one.port};localhost:{other.port};"
        teacher = open_teacher(DatasetChoice(teacher="ollama", url=url), None, lambda _event: None)
        assert f":{one.port}" in teacher.name
        assert f":{other.port}" in teacher.name
        teacher.close()


def test_without_any_server_the_first_ones_error_is_what_is_wrong():
    with MisbehavingServer(hang_up) as gone:
        pass
    with MisbehavingServer(TAGS) as server:
        url = f"localhost:{server.port};localhost:{gone.port}"
        with pytest.raises(TeacherRefused, match="mistral"):
            open_teacher(
                DatasetChoice(teacher="ollama", teacher_model="mistral:7b", url=url), None, lambda _event: None
            )
        with pytest.raises(TeacherUnavailable):
            open_teacher(DatasetChoice(teacher="ollama", url=f"localhost:{gone.port}"), None, lambda _event: None)
