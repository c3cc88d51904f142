"""What an import leaves in the project: every conversation once, wholly or not at all."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tui_tuner.errors import Stopped
from tui_tuner.importing.events import FileImported, ImportEnded, RowRefused
from tui_tuner.progress import StageProgress, StopToken

CHILD = Path(__file__).with_name("child.py")


def table(*numbers):
    return "question,answer\n" + "".join(f"Is it {n}?,Yes {n}.\n" for n in numbers)


def test_the_same_file_twice_and_another_one(desk):
    first, second = desk.file("a.csv", table(1, 2, 3)), desk.file("b.csv", table(3, 4))
    desk.bring(first)
    again = desk.bring(first)
    assert (again.files[0].kept, again.files[0].repeated, again.ended.there) == (0, 3, 3)
    other = desk.bring(second)
    assert (other.files[0].kept, other.files[0].repeated, other.ended.there) == (1, 1, 4)
    assert desk.sources() == ["a.csv:2", "a.csv:3", "a.csv:4", "b.csv:3"]


def test_replace_starts_over(desk):
    desk.bring(desk.file("a.csv", table(1) + "only a question,\n"))
    assert desk.problems()
    desk.bring(desk.file("b.csv", table(2)), replace=True)
    assert desk.sources() == ["b.csv:2"] and not (desk.data / "import_problems.jsonl").exists()


def test_problems_of_a_file_are_listed_once_and_those_of_others_stay(desk):
    first, second = desk.file("a.csv", table(1) + "x,\n"), desk.file("b.csv", table(2) + "y,\nz,\n")
    for path in (first, second, first):
        report = desk.bring(path)
    assert [(Path(row["file"]).name, row["line"]) for row in desk.problems()] == [
        ("b.csv", 3),
        ("b.csv", 4),
        ("a.csv", 3),
    ]
    assert report.ended.problems == desk.data / "import_problems.jsonl"
    first.write_text(table(1) + "x,now answered\n")
    desk.bring(first)
    assert [Path(row["file"]).name for row in desk.problems()] == ["b.csv", "b.csv"]


def test_lines_a_person_wrote_there_by_hand_stay_as_they_are(desk):
    desk.data.mkdir()
    own = '{"messages": [{"role": "user", "content": "Is it 1?"}, {"role": "assistant", "content": "Yes 1."}]}\nbroken'
    (desk.data / "imported.jsonl").write_text(own)
    report = desk.bring(desk.file("a.csv", table(1, 2)))
    assert (report.files[0].kept, report.files[0].repeated, report.ended.there) == (1, 1, 2)
    lines = (desk.data / "imported.jsonl").read_text().splitlines()
    assert lines[:2] == own.splitlines() and json.loads(lines[2])["source"] == "a.csv:3"


def test_events(desk):
    heard = []
    bad = "".join(f"only {n},\n" for n in range(50))
    desk.bring(desk.file("a.csv", table(1, 2) + bad), emit=heard.append)
    refused = [event for event in heard if isinstance(event, RowRefused)]
    assert len(refused) == 10 and refused[0] == RowRefused("a.csv", 4, "no answer")
    assert len(desk.problems()) == 50
    (told,) = [event for event in heard if isinstance(event, FileImported)]
    assert (told.rows, told.kept, told.bad, told.reasons) == (52, 2, 50, {"no answer": 50})
    stages = [event for event in heard if isinstance(event, StageProgress)]
    assert stages[-1].ended and stages[-1].done == stages[-1].total == 52
    assert isinstance(heard[-1], ImportEnded) and heard[-1].kept == 2


class StopsAfter(StopToken):
    def __init__(self, looks):
        super().__init__()
        self.looks = looks

    def check(self):
        self.looks -= 1
        if self.looks < 0:
            self.request()
        super().check()


@pytest.mark.parametrize("looks", range(4))
def test_stopped_nothing_of_it_is_there(desk, looks):
    desk.bring(desk.file("a.csv", table(1)))
    before = (desk.data / "imported.jsonl").read_bytes()
    with pytest.raises(Stopped, match="nothing was imported"):
        desk.bring(desk.file("b.csv", table(*range(10, 1300))), stop=StopsAfter(looks))
    assert (desk.data / "imported.jsonl").read_bytes() == before
    assert [path.name for path in desk.data.iterdir()] == ["imported.jsonl"]


def test_killed_it_is_there_wholly_or_not_at_all(desk):
    path = desk.file("b.csv", table(*range(20_000)))
    desk.bring(desk.file("a.csv", table("x")))
    before = (desk.data / "imported.jsonl").read_bytes()
    with subprocess.Popen([sys.executable, CHILD, desk.data, path], stdout=subprocess.PIPE, text=True) as child:
        for line in child.stdout:
            if line.startswith("stage_progress") and int(line.split()[1]) > 3000:
                child.send_signal(signal.SIGKILL)
                break
    assert child.returncode == -signal.SIGKILL
    assert (desk.data / "imported.jsonl").read_bytes() == before
    assert desk.bring(path).ended.there == 20_001


def test_when_the_disk_fills_it_is_as_before(desk):
    path = desk.file("b.csv", table(*range(2000)))
    desk.bring(desk.file("a.csv", table("x")))
    before = (desk.data / "imported.jsonl").read_bytes()
    command = [sys.executable, CHILD, desk.data, path, "20000"]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.stdout.splitlines()[-1].startswith("storage_error") and not ended.stderr
    assert (desk.data / "imported.jsonl").read_bytes() == before
