import threading

import pytest
from dataset.teachers_by_rule import RuleTeacher
from teachers.misbehaving_server import WITHIN, MisbehavingServer, reply
from teachers.small_ollama import MISTRAL, QWEN, SmallOllama

from tui_tuner.choices import DatasetChoice
from tui_tuner.dataset.make import make_dataset
from tui_tuner.dataset.plan import DatasetPlan, way_of_answering
from tui_tuner.errors import Stopped, TeacherRefused
from tui_tuner.files import read_json_lines
from tui_tuner.progress import StopToken, ignore_event
from tui_tuner.teachers.choosing import open_teacher
from tui_tuner.teachers.in_turn import ModelsInTurn
from tui_tuner.teachers.teacher import Answer, Request, Teacher

BOTH = "mistral:7b; qwen3:4b"


def request(turn, question="Why?"):
    return Request(({"role": "user", "content": f"{question} {turn}"},), turn=turn)


class Named(RuleTeacher):
    """Says who answers, and counts how often it was closed."""

    def __init__(self, name):
        super().__init__(answers=lambda _request: Answer(name, "stop", 1), name=name)
        self.closed = 0

    def close(self):
        self.closed += 1


def answers_of(teacher, requests):
    answers = {}
    teacher.ask(requests, answers.__setitem__, StopToken())
    return [answers[place].text for place in range(len(requests))]


def write(folder, place, stop=None, **choice):
    chosen = {"topic": "counting", "teacher": "ollama", "teacher_model": BOTH, "url": place, "instructions": 12}
    chosen = DatasetChoice(**{**chosen, **choice})
    teacher = open_teacher(chosen, None, ignore_event)
    try:
        return make_dataset(DatasetPlan(folder, chosen, (), 2), teacher, emit=ignore_event, stop=stop or StopToken())
    finally:
        teacher.close()


def sources(folder):
    rows, _bad = read_json_lines(folder / "answers.jsonl")
    return [row["source"] for row in rows]


def test_each_model_gets_its_turns_in_one_block_and_the_next_round_begins_with_the_last_one():
    one, other = Named("one"), Named("other")
    teacher: Teacher = ModelsInTurn([one, other])
    assert answers_of(teacher, [request(turn) for turn in range(4)]) == ["one", "other", "one", "other"]
    assert [len(group) for group in one.answer_groups + other.answer_groups] == [2, 2]
    order = []
    teacher.ask([request(turn) for turn in range(4)], lambda place, _answer: order.append(place), StopToken())
    assert order == [1, 3, 0, 2]
    assert teacher.name == "one, other"


def test_whose_turn_it_is_does_not_depend_on_how_the_work_is_cut():
    cut, whole = [ModelsInTurn([Named("one"), Named("other"), Named("third")]) for _time in range(2)]
    requests = [request(turn) for turn in range(7)]
    assert answers_of(cut, requests[:3]) + answers_of(cut, requests[3:]) == answers_of(whole, requests)
    by_seed = [Request(request(0).messages, seed=seed) for seed in range(4)]
    assert answers_of(whole, by_seed) == ["one", "other", "third", "one"]


def test_in_this_process_one_model_leaves_the_memory_before_the_next_is_asked():
    one, other = Named("one"), Named("other")
    teacher = ModelsInTurn([one, other], one_at_a_time=True)
    answers_of(teacher, [request(turn) for turn in range(4)])
    assert (one.closed, other.closed) == (1, 0)
    teacher.close()
    assert (one.closed, other.closed) == (2, 1)


def test_a_dataset_is_written_by_two_models_that_are_loaded_once_for_each_block(tmp_path):
    with SmallOllama(MISTRAL, QWEN) as server:
        report = write(tmp_path, server.place)
        changes = sum(one != other for one, other in zip(server.asked, server.asked[1:], strict=False))
        options = {(body["model"], body["options"]["num_ctx"]) for body in server.bodies}
    assert report.answers == 12
    names = sources(tmp_path)
    assert {name: names.count(name) for name in set(names)} == {
        f"{model} at {server.place}": 6 for model in BOTH.split("; ")
    }
    assert changes <= 2
    assert len(options) == 2


def test_the_same_seed_and_teachers_give_the_same_files(tmp_path):
    for name in ("one", "other"):
        with SmallOllama(MISTRAL, QWEN, port=0) as server:
            write(tmp_path / name, server.place)
    assert (tmp_path / "one/train.jsonl").read_bytes() == (tmp_path / "other/train.jsonl").read_bytes()


def test_a_run_that_goes_on_gives_each_question_to_the_model_it_would_have_had(tmp_path):
    with SmallOllama(MISTRAL, QWEN) as server:
        write(tmp_path / "whole", server.place)
        stop = StopToken()
        chosen = DatasetChoice(
            topic="counting", teacher="ollama", teacher_model=BOTH, url=server.place, instructions=12
        )
        (tmp_path / "cut").mkdir()
        (tmp_path / "cut/instructions.json").write_bytes((tmp_path / "whole/instructions.json").read_bytes())
        teacher = open_teacher(chosen, None, ignore_event)
        with pytest.raises(Stopped):
            make_dataset(
                DatasetPlan(tmp_path / "cut", chosen, (), 2),
                teacher,
                emit=lambda event: stop.request() if event.kind == "example_written" else None,
                stop=stop,
            )
        teacher.close()
        done = len(sources(tmp_path / "cut"))
        write(tmp_path / "cut", server.place)
    assert 0 < done < 12

    def who_wrote(name):
        rows, _bad = read_json_lines(tmp_path / name / "answers.jsonl")
        return {row["messages"][0]["content"]: row["source"] for row in rows}

    assert who_wrote("cut") == who_wrote("whole")


def test_however_the_names_are_spaced_it_is_the_same_way_of_answering():
    ways = {way_of_answering(DatasetChoice(teacher_model=text)) for text in ("a; b", "a;b", " a ;b;")}
    assert len(ways) == 1
    assert way_of_answering(DatasetChoice(teacher_model="a")) not in ways


def test_one_model_missing_everywhere_is_said_before_anything_is_asked(tmp_path):
    with SmallOllama(MISTRAL) as server, pytest.raises(TeacherRefused, match="qwen3:4b"):
        write(tmp_path, server.place)
    assert server.asked == []


def test_a_model_that_only_one_of_two_servers_has_is_written_with_there(tmp_path):
    with SmallOllama(MISTRAL, QWEN) as one, SmallOllama(MISTRAL) as other:
        write(tmp_path, f"{one.place}; {other.place}")
        assert set(other.asked) == {"mistral:7b"}
    assert {name for name in sources(tmp_path) if name.startswith("qwen")} == {f"qwen3:4b at {one.place}"}


@pytest.mark.parametrize("ending", ["done", "stopped", "failed"])
def test_every_model_leaves_the_memory_of_every_server_however_it_ends(tmp_path, ending):
    with SmallOllama(MISTRAL, QWEN) as one, SmallOllama(MISTRAL, QWEN) as other:
        stop = StopToken()
        choice = DatasetChoice(
            topic="counting",
            teacher="ollama",
            teacher_model=BOTH,
            url=f"{one.place}; {other.place}",
            instructions=200,
        )
        teacher = open_teacher(choice, None, ignore_event)

        def emit(event):
            if event.kind == "example_written" and event.done == 150 and ending != "done":
                if ending == "failed":
                    raise TeacherRefused("enough")
                stop.request()

        try:
            make_dataset(DatasetPlan(tmp_path, choice, (), 2), teacher, emit=emit, stop=stop)
        except (Stopped, TeacherRefused):
            assert ending != "done"
        finally:
            teacher.close()
        used = set(one.asked) | set(other.asked)
        assert used == {"mistral:7b", "qwen3:4b"}
        assert (one.loaded, other.loaded) == (set(), set())
        assert set(one.evictions) == set(one.asked)
        assert set(other.evictions) == set(other.asked)


def test_servers_are_opened_side_by_side():
    both_asked = threading.Barrier(2)

    def when_both_are_asked(asked):
        both_asked.wait(WITHIN)
        reply({"models": [MISTRAL]})(asked)

    with MisbehavingServer(when_both_are_asked) as one, MisbehavingServer(when_both_are_asked) as other:
        place = f"localhost:{one.port}; localhost:{other.port}"
        teacher = open_teacher(DatasetChoice(teacher="ollama", url=place), None, ignore_event)
        assert teacher.name.count("mistral") == 2
        teacher.close()
